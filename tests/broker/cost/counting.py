"""Counting the work that a piece of the broker does.

    work = await work_of(partial(call, broker, request, version))
    work.steps, work.peak_bytes

The first run isn't counted: much is made or looked up once, by the broker and by Python.
"""

import gc
import sys
import tracemalloc
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import attrs
import trio

from tests.simulation.world import seeded_scheduler

# What Python's own small caches make of it, from one run to the next. A list of 200 has 1,600.
FEW_BYTES = 1024

# Not counted but by its passes: it clears up its heap of deadlines at moments of its own.
SCHEDULER = str(Path(trio.__file__).parent / "_core")


@attrs.define(eq=False)
class Work(trio.abc.Instrument):
    """All that the thread did, whoever's code it is; but see `SCHEDULER`."""

    steps: int = 0  # lines begun, calls counted as one more
    passes: int = 0  # of the event loop
    peak_bytes: int = 0  # that it held more than before, at most
    of_files: dict[str, int] = attrs.field(factory=dict)  # the steps, to say where they were

    def before_io_wait(self, timeout: float) -> None:
        self.passes += 1

    def trace(self, frame: FrameType, event: str, _: object) -> Any:
        name = frame.f_code.co_filename
        if name.startswith(SCHEDULER):
            return None
        if event in ("call", "line"):
            self.steps += 1
            self.of_files[name] = self.of_files.get(name, 0) + 1
        return self.trace

    def more_than(self, other: "Work") -> dict[str, int]:
        """In which files how many steps more, for who must find why."""
        more = {name: steps - other.of_files.get(name, 0) for name, steps in self.of_files.items()}
        return {name: steps for name, steps in more.items() if steps}


@contextmanager
def counted() -> Iterator[Work]:
    """Count what is done until the block ends, in all tasks.

    No garbage is collected meanwhile: when that happens depends on what was done before. And trio
    throws its dice as in every other run.
    """
    work = Work()
    before = sys.gettrace()
    gc.disable()
    with seeded_scheduler(1):
        tracemalloc.start()
        held_bytes, _ = tracemalloc.get_traced_memory()
        trio.lowlevel.add_instrument(work)
        sys.settrace(work.trace)
        try:
            yield work
        finally:
            sys.settrace(before)
            trio.lowlevel.remove_instrument(work)
            work.peak_bytes = tracemalloc.get_traced_memory()[1] - held_bytes
            tracemalloc.stop()
            gc.enable()


async def work_of(do: Callable[[], Awaitable[object]]) -> Work:
    """What it takes to do it once more."""
    for _ in range(2):
        with counted() as work:
            await do()
    return work


def same_steps(small: Work, large: Work) -> None:
    """Beside much as beside little."""
    assert (large.steps, large.passes) == (small.steps, small.passes), large.more_than(small)


def same(small: Work, large: Work) -> None:
    """Beside much as beside little, and nothing long was copied."""
    same_steps(small, large)
    assert large.peak_bytes <= small.peak_bytes + FEW_BYTES


def home(parent: Path, name: object) -> Path:
    """A new directory for one of the brokers that are compared."""
    directory = parent / str(name)
    directory.mkdir()
    return directory
