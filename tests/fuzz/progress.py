"""How far a long run is: a line every ten seconds, whatever pytest captures."""

import time
from collections.abc import Callable

import attrs
import pytest

SAY_EVERY_S = 10.0


@attrs.define
class Progress:
    """Of `total` cases of one part; `say` takes a line."""

    what: str
    total: int
    say: Callable[[str], None]
    _clock: Callable[[], float] = time.monotonic
    done: int = attrs.field(default=0, init=False)
    _began: float = attrs.field(init=False)
    _said: float = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._began = self._said = self._clock()

    def add(self, count: int) -> None:
        """That many more are done."""
        self.done += count
        now = self._clock()
        if now - self._said >= SAY_EVERY_S:
            self._said = now
            self.say(f"{self.what}: {self.done} of {self.total}, {self.rate()}")

    def rate(self) -> str:
        taken_s = self._clock() - self._began
        return f"{self.done / max(taken_s, 0.001):.0f} cases a second for {taken_s:.0f} s"


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Print a line now, past what pytest keeps until the test has ended."""

    def print_now(line: str) -> None:
        with capsys.disabled():
            print(f"\n{line}", end="", flush=True)

    return print_now
