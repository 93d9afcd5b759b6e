"""Examples of a strategy as a plain list, by a seed: a test goes on after a failed one."""

from typing import TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

T = TypeVar("T")

USUAL_SEED = 39

_SETTINGS = settings(
    deadline=None,
    database=None,
    phases=[Phase.generate],  # nothing fails inside, so there is nothing to shrink
    suppress_health_check=list(HealthCheck),
)


def examples(strategy: st.SearchStrategy[T], number: int, count: int) -> list[T]:
    """The `count` examples that belong to the seed `number`."""
    found: list[T] = []

    @seed(number)
    @settings(_SETTINGS, max_examples=count)
    @given(strategy)
    def collect(example: T) -> None:
        found.append(example)

    collect()
    return found
