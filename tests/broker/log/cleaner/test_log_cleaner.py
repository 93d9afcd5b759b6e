"""The owner: it cleans what is due, remembers how far, and lets go of what changes under it."""

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import pytest
import trio

from broker.log.cleaner.job import Cleaned, Job, Replacement
from broker.log.cleaner.log_cleaner import LogCleaner
from broker.log.cleaner.worker import Swap, Worker, WorkerFailed, WorkerLost
from broker.log.log_config import CleanerConfig
from broker.log.log_directories import LogDirectories
from broker.log.log_directory import LogDirectory
from broker.log.log_file import batch_headers
from broker.log.partition_log import PartitionLog
from coordination.values import TopicPartition
from tests.broker.log.cleaner.logs import CompactedLog
from tests.support.cleaning import InThisProcess
from tests.support.unsynced_disk import UnsyncedDisk

TP = TopicPartition("topic", 0)


@attrs.define
class Trace:
    """A recorder that one can wait on."""

    kinds: list[str] = attrs.field(factory=list)
    facts: list[dict[str, object]] = attrs.field(factory=list)
    moved: trio.Event = attrs.field(factory=trio.Event)

    def __call__(self, kind: str, *, cause: str | None = None, **facts: object) -> str:
        self.kinds.append(kind)
        self.facts.append(facts)
        self.moved.set()
        self.moved = trio.Event()
        return str(len(self.kinds))

    async def until(self, kind: str, times: int = 1) -> None:
        while self.kinds.count(kind) < times:
            await self.moved.wait()


@attrs.define
class Meddled:
    """A worker to which something happens when its first files are ready, or when it is asked."""

    worker: Worker
    before_swap: Callable[[], None]
    ends: list[Exception] = attrs.field(factory=list)  # of the next rounds, one after the other

    async def clean(self, job: Job, swap: Swap) -> Cleaned:
        if self.ends:
            raise self.ends.pop()

        async def swap_after(replacement: Replacement) -> None:
            self.before_swap()
            await swap(replacement)

        return await self.worker.clean(job, swap_after)


@attrs.define
class World:
    compacted: CompactedLog
    directory: LogDirectory
    cleaner: LogCleaner
    trace: Trace
    meddled: Meddled

    @property
    def log(self) -> PartitionLog:
        return self.compacted.log

    def checkpoint(self) -> dict[TopicPartition, int]:
        return self.directory.cleaned_offsets.read()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A log of ten keys in ten segments, its cleaner running and looking all the time."""
    compacted = CompactedLog.at(tmp_path)
    for number in range(40):
        compacted.put(f"key-{number % 10}={number}")
    compacted.roll()
    disk = UnsyncedDisk()
    directory = LogDirectory(disk, tmp_path)
    compacted.log.local.storage = directory.storage
    trace = Trace()
    meddled = Meddled(InThisProcess(disk), lambda: None)

    @asynccontextmanager
    async def start() -> AsyncIterator[Worker]:
        yield meddled

    cleaner = LogCleaner(
        CleanerConfig(backoff_ms=1),
        LogDirectories((directory,)),
        {TP: compacted.log},
        set(),
        disk,
        compacted.world.clock,
        trio.CapacityLimiter(1),
        trace,
        start,
    )
    with trio.fail_after(20):
        yield World(compacted, directory, cleaner, trace, meddled)


@contextlib.asynccontextmanager
async def running(world: World) -> AsyncIterator[None]:
    async with trio.open_nursery() as nursery:
        await nursery.start(world.cleaner.run)
        yield
        nursery.cancel_scope.cancel()


def is_clean(world: World) -> bool:
    return world.compacted.words() == [f"{n}:key-{n % 10}={n}" for n in range(30, 40)]


async def test_a_log_that_is_due_is_cleaned_and_it_is_written_down(world: World) -> None:
    async with running(world):
        await world.trace.until("log.cleaned")
        while not world.checkpoint():
            await trio.lowlevel.checkpoint()
    assert is_clean(world)
    assert world.checkpoint() == {TP: 40}
    [facts] = world.trace.facts
    assert facts["keys"] == 10
    assert facts["end_offset"] == 40
    assert world.log.local.claim is None


async def test_a_log_that_is_cut_while_it_is_cleaned_is_left_and_cleaned_anew(
    world: World,
) -> None:
    cuts = [12]

    def cut() -> None:
        if cuts:
            world.log.truncate_to(cuts.pop())

    world.meddled.before_swap = cut
    async with running(world):
        await world.trace.until("log.cleaned")
    assert world.trace.facts[0]["end_offset"] == world.log.local.cleaned_to
    assert world.log.log_end_offset == 12
    assert world.compacted.words()[-1] == "11:key-1=11"


async def test_a_log_that_is_deleted_meanwhile_is_no_failure(world: World) -> None:
    def delete() -> None:
        world.log.abandon()
        world.cleaner.logs = {}

    world.meddled.before_swap = delete
    async with running(world):
        while world.cleaner.logs or world.log.local.claim is not None:
            await trio.lowlevel.checkpoint()
    assert world.trace.kinds == []
    assert world.directory.is_online


async def test_what_is_left_of_a_deleted_log_is_not_looked_for_where_another_may_be(
    world: World,
) -> None:
    """The topic is made anew meanwhile, and cleaned by another thread."""
    of_another = world.log.directory / "00000000000000000000.log.cleaned"

    def make_anew() -> None:
        world.log.abandon()
        world.cleaner.logs = {}
        of_another.touch()

    world.meddled.before_swap = make_anew
    async with running(world):
        while world.cleaner.logs or world.log.local.claim is not None:
            await trio.lowlevel.checkpoint()
    assert of_another.exists()


async def test_a_killed_worker_is_started_again(world: World) -> None:
    world.meddled.ends = [WorkerLost("killed")] * 10
    async with running(world):
        await world.trace.until("log.cleaned")
    assert is_clean(world)


async def test_a_worker_that_fails_at_a_log_tries_it_twice_more(world: World) -> None:
    world.meddled.ends = [WorkerFailed("no memory")] * 2
    async with running(world):
        await world.trace.until("log.cleaned")
    for number in range(40):
        world.compacted.put(f"a={number}")
    world.compacted.roll()
    world.meddled.ends = [WorkerFailed("no memory")] * 3
    async with running(world):
        await world.trace.until("log.uncleanable")
        assert list(world.cleaner.uncleanable()) == [world.log]
        world.cleaner.reconfigure(CleanerConfig(backoff_ms=1, threads=2))
        await world.trace.until("log.cleaned", 2)
    assert world.trace.kinds == ["log.cleaned", "log.uncleanable", "log.cleaned"]
    assert not list(world.cleaner.uncleanable())
    assert world.trace.facts[1]["why"] == "no memory"


async def test_other_properties_begin_the_round_anew(world: World) -> None:
    changes = [CleanerConfig(backoff_ms=1, map_bytes=24 * 7)]

    def change() -> None:
        if changes:
            world.cleaner.reconfigure(changes.pop())

    world.meddled.before_swap = change
    async with running(world):
        await world.trace.until("log.cleaned", 2)
    assert [facts["keys"] for facts in world.trace.facts[:2]] == [6, 6]


async def test_a_log_that_makes_no_sense_is_left_alone(world: World) -> None:
    segment = list(world.log.local.segments)[2]
    position, _ = next(batch_headers(segment.file(), 0, segment.size_bytes))
    world.compacted.world.disk.write_at(segment.file(), b"\xff", position + 70)
    async with running(world):
        await world.trace.until("log.uncleanable")
        for _ in range(50):
            await trio.lowlevel.checkpoint()
    assert world.trace.kinds == ["log.uncleanable"]
    assert "crc" in str(world.trace.facts[0]["why"])
    assert not list(world.log.directory.glob("*.cleaned"))
    assert world.directory.is_online


async def test_retention_waits_for_the_round_but_not_for_the_next_one(world: World) -> None:
    deleted = []
    world.log.increment_log_start_offset(20)
    world.meddled.before_swap = lambda: deleted.append(world.log.delete_old_segments())
    async with running(world):
        await world.trace.until("log.cleaned")
    assert set(deleted) == {0}
    assert world.log.log_start_offset == 20
    assert world.log.local.segments.first.base_offset == 20
