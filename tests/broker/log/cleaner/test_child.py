"""The process that cleans: what it is asked through the pipe, and every way in which it ends."""

import errno
import itertools
import math
import os
import signal
import sys
from pathlib import Path

import attrs
import pytest
import trio

from broker.log.cleaner.child import NICENESS, Throttle
from broker.log.cleaner.choosing import look_at
from broker.log.cleaner.job import Cleaned, Failure, Job, Replacement, decode_answer, encode
from broker.log.cleaner.log_cleaner import job_for
from broker.log.cleaner.worker import ChildProcess, UncleanableLog, WorkerLost, child_process
from broker.log.log_config import CleanerConfig
from tests.broker.log.cleaner.logs import CompactedLog


def dirty(directory: Path) -> CompactedLog:
    directory.mkdir()
    compacted = CompactedLog.at(directory)
    compacted.put("a=1", producer=(7, 0, 0), transactional=True)
    compacted.end_transaction(7, commit=False)
    for number in range(20):
        compacted.put(f"key-{number % 5}={number}")
    compacted.roll()
    return compacted


def job_of(compacted: CompactedLog) -> Job:
    return job_for(look_at(compacted.log, 0), CleanerConfig(), compacted.world.clock())


def test_what_is_told_comes_over_as_it_was(tmp_path: Path) -> None:
    job = job_of(dirty(tmp_path / "a"))
    assert job.aborted
    assert job.producers
    assert Job.decode(encode(job)) == job
    for answer in (Replacement((0, 10), 5), Cleaned(7, 3), Failure(0, "why\n")):
        assert decode_answer(encode(answer)) == answer


@pytest.mark.long
async def test_one_process_cleans_one_log_after_the_other(tmp_path: Path) -> None:
    logs = [dirty(tmp_path / name) for name in "ab"]
    async with child_process() as worker:
        assert isinstance(worker, ChildProcess)
        for compacted in logs:

            async def swap(replacement: Replacement, of: CompactedLog = compacted) -> None:
                of.log.local.replace(replacement.base_offsets, replacement.size_bytes)

            assert await worker.clean(job_of(compacted), swap) == Cleaned(22, 5)
            assert [word.partition(":")[2] for word in compacted.words()] == [
                f"key-{n % 5}={n}" for n in range(15, 20)
            ]
        pid = worker.process.pid
        # (19 is the lowest priority that there is.)
        assert os.getpriority(os.PRIO_PROCESS, pid) == min(19, os.nice(0) + NICENESS)
        # What it can't read is said, and it goes on.
        gone = attrs.evolve(job_of(dirty(tmp_path / "c")), directory=str(tmp_path / "none"))
        with pytest.raises(OSError, match="No such file") as raised:
            await worker.clean(gone, swap)
        assert raised.value.errno == errno.ENOENT
        job = job_of(dirty(tmp_path / "d"))
        first, *rest = job.segments
        short = attrs.evolve(first, size_bytes=first.size_bytes - 1)
        with pytest.raises(UncleanableLog, match="no whole batch"):
            await worker.clean(attrs.evolve(job, segments=(short, *rest)), swap)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.long
async def test_it_may_be_killed_at_any_time(tmp_path: Path) -> None:
    compacted = dirty(tmp_path / "a")
    async with child_process() as worker:
        assert isinstance(worker, ChildProcess)

        async def kill(_replacement: Replacement) -> None:
            worker.process.send_signal(signal.SIGKILL)
            await worker.process.wait()

        with pytest.raises(WorkerLost, match="signal 9"):
            await worker.clean(job_of(compacted), kill)
    assert list(compacted.log.directory.glob("*.cleaned"))
    assert len(compacted.world.open().local.segments) == len(compacted.log.local.segments)
    assert not list(compacted.log.directory.glob("*.cleaned"))


async def test_it_ends_when_nobody_listens_any_more(tmp_path: Path) -> None:
    async with child_process() as worker:
        assert isinstance(worker, ChildProcess)
        assert worker.process.stdin is not None
        await worker.process.stdin.aclose()
        with trio.fail_after(20):
            assert await worker.process.wait() == 0


@attrs.define
class Sleeper:
    """A clock that sleeping moves, and when it was looked up."""

    now_s: float = 0.0
    looks: list[float] = attrs.field(factory=list)

    def throttle(self, bytes_per_second: float) -> Throttle:
        return Throttle(bytes_per_second, self._look_up, lambda: self.now_s, self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.now_s += seconds

    def _look_up(self) -> None:
        self.looks.append(self.now_s)
        if self.now_s > 1000:
            raise WorkerLost("it ends with its owner, however long it was to sleep")


def test_the_throttle_sleeps_off_what_came_too_fast() -> None:
    sleeper = Sleeper()
    throttle = sleeper.throttle(1_000_000)
    for _ in range(10_000):
        throttle(1000)
    assert 9.7 < sleeper.now_s <= 10.0
    assert len(sleeper.looks) > 10


@pytest.mark.parametrize("bytes_per_second", [0, 0.001, math.nan])
def test_a_long_sleep_is_one_of_many_short_ones(bytes_per_second: float) -> None:
    sleeper = Sleeper()
    with pytest.raises(WorkerLost):
        sleeper.throttle(bytes_per_second)(1_000_000)
    assert max(b - a for a, b in itertools.pairwise(sleeper.looks)) <= 1


@pytest.mark.parametrize("bytes_per_second", [-1, math.inf, sys.float_info.max])
def test_no_limit_is_no_sleep(bytes_per_second: float) -> None:
    sleeper = Sleeper()
    sleeper.throttle(bytes_per_second)(10_000_000)
    assert sleeper.now_s < 0.001
