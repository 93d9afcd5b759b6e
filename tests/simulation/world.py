"""Running a story so that it can be run again: the clock, the scheduler, and no threads."""

import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from unittest.mock import patch

import trio
import trio.testing

T = TypeVar("T")

# The longest that a blocking call takes: as an fsync on a busy disk.
SLOWEST_CALL_S = 0.02


def simulate(seed: int, story: Callable[[random.Random], Awaitable[T]]) -> T:
    """Run `story(randomness)` on a mock clock; the same seed gives the same run."""
    randomness = random.Random(seed)
    with seeded_scheduler(randomness.getrandbits(32)), no_threads(randomness.getrandbits(32)):
        return trio.run(story, randomness, clock=trio.testing.MockClock(autojump_threshold=0))


@contextmanager
def seeded_scheduler(seed: int) -> Iterator[None]:
    """trio shuffles the tasks that are ready; its plugin for Hypothesis seeds that by these two."""
    run = trio._core._run
    state = run._r.getstate()
    with patch.object(run, "_ALLOW_DETERMINISTIC_SCHEDULING", True):
        run._r.seed(seed)
        try:
            yield
        finally:
            run._r.setstate(state)


@contextmanager
def no_threads(seed: int, slowest_call_s: float = SLOWEST_CALL_S) -> Iterator[None]:
    """Let `trio.to_thread.run_sync` do its work in the loop, after and before a random pause.

    A thread is invisible to the mock clock: it sees only waiting tasks and jumps to the next
    deadline, so that every fsync would take as long as the longest sleep. The pauses are what a
    thread means to the rest of the broker: others run before the work is done, and between its
    end and the moment the caller goes on. `autojump_threshold` would wait for threads in real
    time, which is slow and never twice the same.
    """
    randomness = random.Random(seed)

    async def run_in_loop(
        function: Callable[..., T],
        *arguments: Any,
        abandon_on_cancel: bool = False,
        limiter: trio.CapacityLimiter | None = None,
    ) -> T:
        async with limiter or trio.CapacityLimiter(1):
            await trio.sleep(randomness.uniform(0, slowest_call_s))
            # As with a thread: once begun it can't be cancelled, and its caller waits for it.
            with trio.CancelScope(shield=not abandon_on_cancel):
                result = function(*arguments)
                await trio.sleep(randomness.uniform(0, slowest_call_s))
            return result

    with patch.object(trio.to_thread, "run_sync", run_in_loop):
        yield
