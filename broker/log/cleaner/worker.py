"""The owner's end of the pipe: a process that cleans logs one after the other.

    async with child_process() as worker:       it is started
        await worker.clean(job, swap)           ... `swap` is awaited for each group of segments
                                                it is killed, wherever it is

It is killed without being asked: what it has written and nobody has swapped in counts for nothing.
"""

import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from subprocess import PIPE
from typing import Protocol

import attrs
import trio

from broker.log.cleaner.job import (
    GO_ON,
    Answer,
    Cleaned,
    Failure,
    Job,
    Replacement,
    decode_answer,
    encode,
)

Swap = Callable[[Replacement], Awaitable[None]]

_RECEIVE_BYTES = 65_536


class UncleanableLog(Exception):  # named for what was found
    """What is in the log makes no sense."""


class WorkerLost(Exception):  # named for what happened
    """The process was killed: by whom is not known, and nothing is lost."""


class WorkerFailed(Exception):  # named for what happened
    """The process ended by an exception of its own: whose fault that is isn't known."""


class Worker(Protocol):
    async def clean(self, job: Job, swap: Swap) -> Cleaned:
        """One round for one log.

        OSError if the disk failed; UncleanableLog; WorkerLost, WorkerFailed.
        """


StartWorker = Callable[[], AbstractAsyncContextManager[Worker]]


@asynccontextmanager
async def child_process() -> AsyncIterator[Worker]:
    """A process of its own, which ends with the block."""
    process = await trio.lowlevel.open_process(
        [sys.executable, "-P", "-m", "broker.log.cleaner.child"],
        stdin=PIPE,
        stdout=PIPE,
        # Its map relies on hashes that nobody can foresee.
        env={**os.environ, "PYTHONHASHSEED": "random"},
        start_new_session=True,  # Ctrl-C is the broker's to hear
    )
    try:
        yield ChildProcess(process)
    finally:
        process.kill()
        with trio.CancelScope(shield=True):  # it takes no time, and leaves no zombie
            await process.wait()


@attrs.define
class ChildProcess:
    """See `child_process`."""

    process: trio.Process
    _received: bytearray = attrs.field(factory=bytearray, init=False)

    async def clean(self, job: Job, swap: Swap) -> Cleaned:
        answer = await self._ask(encode(job))
        while isinstance(answer, Replacement):
            await swap(answer)
            answer = await self._ask(GO_ON)
        if isinstance(answer, Failure):
            raise error_of(answer)
        return answer

    async def _ask(self, line: bytes) -> Answer:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            await self.process.stdin.send_all(line)
        except trio.BrokenResourceError:
            await self._lost()
        while True:
            answer, newline, rest = self._received.partition(b"\n")
            if newline:
                self._received = rest
                return decode_answer(answer)
            data = await self.process.stdout.receive_some(_RECEIVE_BYTES)
            if not data:
                await self._lost()
            self._received += data

    async def _lost(self) -> None:
        """Raise what its end means: killed from outside, or ended by an exception of its own."""
        exit_code = await self.process.wait()
        if exit_code < 0:
            raise WorkerLost(f"the cleaner was killed by signal {-exit_code}")
        raise WorkerFailed(f"the cleaner failed with exit code {exit_code}")


def error_of(failure: Failure) -> Exception:
    """What `clean` raises for it."""
    if failure.error_number:
        return OSError(failure.error_number, failure.why)
    return UncleanableLog(failure.why)
