"""The jobs of each second: they look at no idle log, and miss none that something is due for."""

import contextlib
import os
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock

from broker.log.local_log import LocalLog
from broker.log.log_config import LogConfig, LogManagerConfig
from broker.log.log_directories import LogDirectories
from broker.log.log_directory import LogDirectory
from broker.log.partition_log import PartitionLog
from broker.log.upkeep import LogUpkeep
from coordination.values import TopicPartition
from tests.broker.log.logs import Clock, fill
from tests.support.unsynced_disk import UnsyncedDisk

CONFIG = LogConfig(segment_bytes=400, retention_bytes=100)
FLUSHED = attrs.evolve(CONFIG, flush_ms=10_000)
LOGS = 20


class Logs(dict[TopicPartition, PartitionLog]):
    """Counts how often somebody goes through all of them."""

    gone_through = 0

    def values(self) -> Any:
        self.gone_through += 1
        return super().values()


@attrs.define
class World:
    logs: Logs
    looked_at: list[LocalLog]
    log: PartitionLog  # one of them
    upkeep: LogUpkeep


@contextlib.asynccontextmanager
async def settled_logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """Logs of which each has two records, and the jobs, which have had time to settle them."""
    disk, clock = UnsyncedDisk(), Clock()
    directory = LogDirectory(disk, tmp_path)
    logs = Logs()
    upkeep = LogUpkeep(
        LogManagerConfig((tmp_path,), CONFIG, initial_task_delay_ms=60_000),
        LogDirectories((directory,)),
        logs,
        {},
        disk,
        clock,
        trio.CapacityLimiter(1),
        trio.lowlevel.checkpoint,  # no log is compacted
    )
    for number in range(LOGS):
        log = PartitionLog.open(
            tmp_path / f"t-{number}",
            CONFIG,
            disk=disk,
            clock_ms=clock,
            randomness=random.Random(1),
            storage=directory.storage,
        )
        fill(log, 2)
        log.update_high_watermark(2)
        logs[log.topic_partition] = log
        upkeep.take_in(log)
    looked_at = []
    awaits_upkeep = LocalLog.awaits_upkeep.fget
    assert awaits_upkeep is not None

    def look(local: LocalLog) -> bool:
        looked_at.append(local)
        return awaits_upkeep(local)

    monkeypatch.setattr(LocalLog, "awaits_upkeep", property(look))
    async with trio.open_nursery() as nursery:
        await nursery.start(upkeep.run)
        await trio.sleep(5)
        there = [logs[each] for each in logs]
        yield World(logs, looked_at, logs[TopicPartition("t", 3)], upkeep)
        nursery.cancel_scope.cancel()
    for log in there:
        log.abandon()  # else their files stay open until a collector comes by


async def test_idle_logs_are_not_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    async with settled_logs(tmp_path, monkeypatch) as world:
        assert len(world.looked_at) == LOGS  # once, when they came
        world.looked_at.clear()
        fill(world.log, 1)
        await trio.sleep(30)
        assert world.looked_at == []
        assert world.logs.gone_through == 0


def roll(log: PartitionLog) -> None:
    fill(log, 10)
    assert len(log.local.segments) > 1


def delete_old_segments(log: PartitionLog) -> None:
    roll(log)
    log.flush()
    log.update_high_watermark(log.log_end_offset)
    assert log.delete_old_segments()


def truncate(log: PartitionLog) -> None:
    log.flush()
    log.truncate_to(1)


def begin_anew(log: PartitionLog) -> None:
    log.truncate_fully_and_start_at(7)


def flush_from_now_on(log: PartitionLog) -> None:
    log.update_config(FLUSHED)


@pytest.mark.parametrize(
    "stir",
    [
        roll,
        delete_old_segments,
        truncate,
        begin_anew,
        flush_from_now_on,
    ],
)
async def test_whatever_makes_something_due_stirs_the_log(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    autojump_clock: MockClock,
    stir: Callable[[PartitionLog], None],
) -> None:
    async with settled_logs(tmp_path, monkeypatch) as world:
        stir(world.log)
        assert world.log.local.awaits_upkeep
        world.looked_at.clear()
        await trio.sleep(1.5)
        assert set(world.looked_at) == {world.log.local}


async def test_an_append_is_looked_at_if_it_is_to_be_flushed_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    async with settled_logs(tmp_path, monkeypatch) as world:
        world.log.flush()
        world.log.update_config(FLUSHED)
        await trio.sleep(2)
        world.looked_at.clear()
        fill(world.log, 1)
        await trio.sleep(1.5)
        assert set(world.looked_at) == {world.log.local}


async def test_a_log_that_is_gone_is_settled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    async with settled_logs(tmp_path, monkeypatch) as world:
        roll(world.log)
        del world.logs[world.log.topic_partition]
        await trio.sleep(2)
        world.looked_at.clear()
        await trio.sleep(5)
        assert world.looked_at == []


async def test_a_deleted_log_that_somebody_removes_by_hand_is_gone_and_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, half_gone = tmp_path / "t-0.1-delete", tmp_path / "t-1.2-delete"
    half_gone.mkdir()
    for name in ("1.log", "2.log", "3.log"):
        (half_gone / name).touch()
    unlink = os.unlink

    def somebody_was_faster(path: Any, **options: Any) -> None:
        unlink(path, **options)
        monkeypatch.setattr(os, "unlink", unlink)
        raise FileNotFoundError(path)

    monkeypatch.setattr(os, "unlink", somebody_was_faster)
    async with settled_logs(tmp_path, monkeypatch) as world:
        world.upkeep._remove([], [gone, half_gone])
    assert not half_gone.exists()
