"""Random stories in which anything may break. A seed that fails fails again:

    .venv/bin/pytest "tests/simulation/test_random_story.py::test_many_random_stories[1234]"

What may happen, and who goes on meanwhile, is in `chance`.
"""

from functools import partial
from pathlib import Path

import pytest

from tests.simulation.chance import QUICK, story
from tests.simulation.stage import play

STEPS = 25
# Leaders go back to where they are preferred all the time.
PROPERTIES = {
    **QUICK,
    "auto_leader_rebalance_enable": "true",
    "leader_imbalance_check_interval_seconds": "6",
}


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(n, marks=pytest.mark.matrix) for n in range(1, 6))]
)
@pytest.mark.long
def test_random_story(tmp_path: Path, seed: int) -> None:
    play(partial(story, steps=STEPS), tmp_path, seed, **PROPERTIES)


@pytest.mark.matrix
@pytest.mark.parametrize("seed", range(1000, 1150))
def test_many_random_stories(tmp_path: Path, seed: int) -> None:
    play(partial(story, steps=2 * STEPS), tmp_path, seed, **PROPERTIES)
