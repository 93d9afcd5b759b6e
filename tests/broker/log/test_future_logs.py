"""Logs that take another one's place: made, given up, swapped in, and found again after a crash."""

import contextlib
import random
from pathlib import Path

import pytest

from broker.log import flushing
from broker.log.disk import StrPath
from broker.log.flushing import Flush
from broker.log.future_logs import can_be_moved
from broker.log.log_config import LogConfig
from broker.log.log_directory import LogDirectoryError
from broker.log.log_manager import LogManager
from broker.log.partition_log import PartitionLog
from broker.log.values import Origin
from broker.wire.control_records import build_marker
from coordination.values import TopicPartition
from tests.broker.log.logs import fill, let_go, make_batch, read_batches, values
from tests.broker.log.test_log_directories import DEFAULTS, A, World, make, storage_error, world
from tests.support.cleaning import Killed, KillingDisk

__all__ = ["world"]

RECORDS = [str(n) for n in range(12)]


async def two_directories(world: World) -> tuple[LogManager, PartitionLog]:
    """A log of twelve records in three segments in a; b is empty."""
    manager = await world.start()
    log = await make(manager, A)
    fill(log, 12)
    log.update_high_watermark(12)
    return manager, log


async def begin(manager: LogManager, log: PartitionLog, to: Path) -> PartitionLog:
    return await manager.futures.create(log, manager.directories.at(to), DEFAULTS)


def copy(log: PartitionLog, future: PartitionLog, end_offset: int | None = None) -> None:
    for batch in read_batches(log, future.log_end_offset, end_offset):
        future.append_as_follower(batch.view)


def directories(path: Path) -> list[str]:
    """The kinds of the logs in a log directory."""
    return sorted(
        entry.name.partition("-")[2].split("-")[-1] for entry in path.iterdir() if entry.is_dir()
    )


async def swap(manager: LogManager, log: PartitionLog) -> PartitionLog:
    old = manager.futures.swap(A)
    new = manager.logs[A]
    assert old is log
    await manager.futures.retire(old, new)
    return new


async def test_a_copy_becomes_the_log(world: World) -> None:
    manager, log = await two_directories(world)
    log.assign_epoch_start_offset(3, 12)  # a leader without records yet
    future = await begin(manager, log, world.b)
    assert future.is_future
    assert future.topic_id == log.topic_id
    assert directories(world.b) == ["future"]
    copy(log, future)
    new = await swap(manager, log)
    assert new is future
    assert not new.is_future
    assert manager.logs == {A: new}
    assert manager.futures.logs == {}
    assert (directories(world.a), directories(world.b)) == (["delete"], ["0"])
    assert values(new) == RECORDS
    assert new.high_watermark == 12
    assert new.epochs.entries() == [(0, 0), (3, 12)]
    assert new.recovery_point == 12, "what was synced is synced"
    assert not (new.directory / "moved-from").exists()
    fill(new, 12, leader_epoch=3)  # rolls: every path is the new one
    new.update_high_watermark(24)
    new.truncate_to(20)
    new.increment_log_start_offset(10)
    assert new.delete_old_segments()
    with storage_error():
        fill(log, 1)
    await manager.aclose(-1)
    assert all((world.root / name / ".kafka_cleanshutdown").exists() for name in ("a", "b"))
    manager = await world.start()
    assert values(manager.logs[A]) == [str(n) for n in range(10, 20)]
    await manager.aclose(-1)


async def test_what_is_known_of_producers_is_known_on(world: World) -> None:
    """Also of one whose records are gone, and of a transaction that's open, or about to be."""
    manager, log = await two_directories(world)
    log.append_as_leader(make_batch("a", producer=(7, 0, 0)), 0)
    log.append_as_leader(make_batch("b", producer=(7, 0, 1)), 0)
    log.update_high_watermark(14)
    log.increment_log_start_offset(14)
    guard = log.producers.begin_verification(8, 0, 0, world.clock())
    assert guard is not None
    future = await begin(manager, log, world.b)
    future.truncate_fully_and_start_at(14)
    new = await swap(manager, log)
    assert new.append_as_leader(make_batch("b", producer=(7, 0, 1)), 0).is_duplicate
    transactional = make_batch("c", producer=(8, 0, 0), transactional=True)
    new.append_as_leader(transactional, 0, guard=guard)
    new.update_high_watermark(15)
    assert new.last_stable_offset == 14
    await manager.aclose(-1)


async def test_aborted_transactions_come_along(world: World) -> None:
    manager, log = await two_directories(world)
    guard = log.producers.begin_verification(7, 0, 0, world.clock())
    log.append_as_leader(make_batch("a", producer=(7, 0, 0), transactional=True), 0, guard=guard)
    marker = build_marker(7, 0, commit=False, coordinator_epoch=0, timestamp_ms=world.clock())
    log.append_as_leader(marker, 0, Origin.COORDINATOR)
    log.update_high_watermark(14)
    [aborted] = log.aborted_transactions(0, 14)
    future = await begin(manager, log, world.b)
    copy(log, future)
    new = await swap(manager, log)
    assert new.aborted_transactions(0, 14) == [aborted]
    assert new.last_stable_offset == 14
    new.truncate_to(13)
    assert new.aborted_transactions(0, 13) == []
    await manager.aclose(-1)


async def test_who_watches_the_start_watches_the_copys(world: World) -> None:
    manager, log = await two_directories(world)
    movement = log.start_moved
    future = await begin(manager, log, world.b)
    copy(log, future)
    new = await swap(manager, log)
    assert new.start_moved is movement
    await manager.aclose(-1)


async def test_a_long_copy_is_synced_piece_by_piece(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All files of all its segments at once would be too many descriptors."""
    monkeypatch.setattr(flushing, "_MOST_AT_ONCE", 2)
    manager, log = await two_directories(world)
    future = await begin(manager, log, world.b)
    copy(log, future)
    assert len(future.local.segments) > 2
    run, files = Flush.run, []

    def counted(flush: Flush) -> None:
        run(flush)
        files.append(len(flush.files))

    monkeypatch.setattr(Flush, "run", counted)
    await manager.futures.flush(future)
    assert future.recovery_point == 12
    assert len(files) > 1
    assert max(files) <= 4 * 2 + 1
    await manager.aclose(-1)


async def test_a_copy_is_found_again(world: World) -> None:
    manager, log = await two_directories(world)
    copy(log, await begin(manager, log, world.b), 5)
    await manager.aclose(-1)
    manager = await world.start()
    assert values(manager.logs[A]) == RECORDS
    future = manager.futures.logs[A]
    assert future.log_end_offset == 5
    assert future.directory.parent == world.b
    await manager.aclose(-1)


async def test_a_copy_is_given_up(world: World) -> None:
    manager, log = await two_directories(world)
    await begin(manager, log, world.b)
    await manager.futures.delete(A)
    await manager.futures.delete(A)
    assert directories(world.b) == ["delete"]
    assert manager.futures.logs == {}
    await manager.aclose(-1)


async def test_a_deleted_partition_takes_its_copy_with_it(world: World) -> None:
    manager, log = await two_directories(world)
    await begin(manager, log, world.b)
    assert await manager.delete([A]) == {}
    assert (directories(world.a), directories(world.b)) == (["delete"], ["delete"])
    assert (manager.logs, manager.futures.logs) == ({}, {})
    await manager.aclose(-1)


async def test_a_crash_within_the_swap_leaves_one_log(world: World) -> None:
    """Both have the partition's name; Kafka can't tell which is the good one, and doesn't start."""
    manager, log = await two_directories(world)
    copy(log, await begin(manager, log, world.b))
    manager.futures.swap(A)
    fill(manager.logs[A], 1)
    let_go(manager)
    assert (directories(world.a), directories(world.b)) == (["0"], ["0"])
    manager = await world.start()
    assert manager.logs[A].directory.parent == world.b
    assert values(manager.logs[A]) == [*RECORDS, "12"]
    assert (directories(world.a), directories(world.b)) == (["delete"], ["0"])
    await manager.aclose(-1)
    await (await world.start()).aclose(-1)


async def test_a_start_that_ends_a_swap_leaves_other_logs_as_clean_as_they_were(
    world: World,
) -> None:
    manager, log = await two_directories(world)
    beside = await make(manager, TopicPartition("t", 1))
    fill(beside, 12)
    beside.local.cleaned_to = 5
    await manager.cleaner.checkpoint()
    copy(log, await begin(manager, log, world.b))
    manager.futures.swap(A)
    let_go(manager)
    manager = await world.start()
    assert manager.logs[TopicPartition("t", 1)].local.cleaned_to == 5
    await manager.aclose(-1)


async def test_a_crash_before_the_swap_leaves_the_copy(world: World) -> None:
    manager, log = await two_directories(world)
    copy(log, await begin(manager, log, world.b))
    let_go(manager)
    manager = await world.start()
    assert manager.logs[A].directory.parent == world.a
    assert manager.futures.logs[A].directory.parent == world.b
    await manager.aclose(-1)


async def test_there_and_back_again(world: World) -> None:
    """The crash of an earlier swap doesn't confuse a later one: which is the newer is told."""
    manager, log = await two_directories(world)
    copy(log, await begin(manager, log, world.b))
    manager.futures.swap(A)
    await manager.futures.discard(log)  # but the mark stays
    let_go(manager)
    manager = await world.start()
    there = manager.logs[A]
    assert not (there.directory / "moved-from").exists(), "it's the only one"
    copy(there, await begin(manager, there, world.a))
    manager.futures.swap(A)
    let_go(manager)
    manager = await world.start()
    assert manager.logs[A].directory.parent == world.a
    await manager.aclose(-1)


async def test_the_old_log_may_be_in_a_directory_that_is_offline(world: World) -> None:
    manager, log = await two_directories(world)
    copy(log, await begin(manager, log, world.b))
    manager.futures.swap(A)
    fill(manager.logs[A], 1)
    let_go(manager)
    away = world.a.rename(world.root / "away")
    world.a.write_text("a file")
    manager = await world.start()
    await manager.aclose(-1)
    world.a.unlink()
    away.rename(world.a)
    manager = await world.start()
    assert manager.logs[A].directory.parent == world.b
    assert values(manager.logs[A]) == [*RECORDS, "12"]
    await manager.aclose(-1)


async def test_a_copy_that_kafka_began_is_marked(world: World) -> None:
    manager, log = await two_directories(world)
    future = await begin(manager, log, world.b)
    (future.directory / "moved-from").unlink()
    await manager.aclose(-1)
    manager = await world.start()
    copy(manager.logs[A], manager.futures.logs[A])
    manager.futures.swap(A)
    let_go(manager)
    manager = await world.start()
    assert manager.logs[A].directory.parent == world.b
    await manager.aclose(-1)


async def test_files_that_are_being_deleted_when_it_is_renamed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread has their old paths, and finds nothing there."""
    manager, log = await two_directories(world)
    future = await begin(manager, log, world.b)
    copy(log, future)
    future.truncate_to(2)
    copy(log, future)
    assert list(future.directory.glob("*.deleted"))
    world.clock.now_ms += 2000
    unlink = world.disk.unlink

    def swap_before(path: StrPath) -> None:
        if future.is_future:
            manager.futures.swap(A)
        unlink(path)

    monkeypatch.setattr(world.disk, "unlink", swap_before)
    await manager._upkeep._remove_due()
    assert list(future.directory.glob("*.deleted"))
    await manager._upkeep._remove_due()
    assert not list(future.directory.glob("*.deleted"))
    await manager.aclose(-1)


@pytest.mark.long
async def test_wherever_a_move_is_broken_off_there_is_one_log(tmp_path: Path) -> None:
    """By a kill before any change of a file, and another one in the start that follows."""
    for lives in range(200):
        disk = KillingDisk()
        world = World(tmp_path / str(lives), disk=disk)
        manager, log = await two_directories(world)
        disk.lives = lives
        was_killed = False
        try:
            copy(log, await begin(manager, log, world.b))
            await swap(manager, log)
        except Killed:
            was_killed = True
        disk.lives = None
        let_go(manager)
        disk.lives = random.Random(lives).randrange(15)
        with contextlib.suppress(Killed, BaseExceptionGroup):
            let_go(await world.start())
        disk.lives = None
        manager = await world.start()
        assert values(manager.logs[A]) == RECORDS
        is_moved = manager.logs[A].directory.parent == world.b
        assert not (is_moved and manager.futures.logs)
        marked = {path.parent for path in world.root.glob("?/*/moved-from")}
        futures = {future.directory for future in manager.futures.logs.values()}
        gone = {path for path in marked if path.name.endswith("-delete")}
        assert marked - gone == futures
        await manager.aclose(-1)
        if not was_killed:
            assert is_moved
            assert lives > 40
            return
    pytest.fail("it never ends")


async def test_two_logs_that_nobody_was_swapping_end_the_start(world: World) -> None:
    manager, _ = await two_directories(world)
    await manager.aclose(-1)
    (world.b / "t-0").mkdir()
    with pytest.RaisesGroup(
        pytest.RaisesExc(LogDirectoryError, match="has two logs"), flatten_subgroups=True
    ):
        await world.start()


async def test_the_copys_directory_fails(world: World) -> None:
    manager, log = await two_directories(world)
    future = await begin(manager, log, world.b)
    world.disk.break_directory(world.b)
    with storage_error():
        copy(log, future)
    manager.directory_failed(manager.directories.at(world.b))
    assert manager.futures.logs == {}
    assert values(manager.logs[A]) == RECORDS
    await manager.aclose(-1)


async def test_the_copys_directory_fails_in_the_swap_and_nothing_has_changed(world: World) -> None:
    manager, log = await two_directories(world)
    copy(log, await begin(manager, log, world.b))
    world.disk.break_directory(world.b)
    with storage_error():
        manager.futures.swap(A)
    assert manager.logs == {A: log}
    fill(log, 1)
    await manager.aclose(-1)


async def test_the_old_logs_directory_fails_after_the_swap(world: World) -> None:
    """It comes back with the next start, and is known to be out of date."""
    manager, log = await two_directories(world)
    copy(log, await begin(manager, log, world.b))
    manager.futures.swap(A)
    world.disk.break_directory(world.a)
    with storage_error():
        await manager.futures.retire(log, manager.logs[A])
    fill(manager.logs[A], 1)
    manager.directory_failed(manager.directories.at(world.a))
    await manager.aclose(-1)
    world.disk.mend()
    manager = await world.start()
    assert values(manager.logs[A]) == [*RECORDS, "12"]
    await manager.aclose(-1)


async def test_a_partitions_first_log_is_made_where_it_is_wanted(world: World) -> None:
    manager = await world.start()
    b = manager.directories.at(world.b)
    manager.futures.prefer(A, b)
    log = await make(manager, A)
    assert log.directory.parent == world.b
    manager.futures.prefer(A, b)
    assert manager.futures.preferred(A) is None, "it's there"
    other = await make(manager, TopicPartition("t", 1))
    assert other.directory.parent == world.a, "the others go where the fewest are"
    await manager.aclose(-1)


async def test_configs_and_upkeep_are_the_copys_too(world: World) -> None:
    manager, log = await two_directories(world)
    future = await begin(manager, log, world.b)
    copy(log, future)
    changed = LogConfig(segment_bytes=400, retention_bytes=300)
    manager.update_config("t", changed)
    assert future.config is changed
    future.update_high_watermark(12)
    await manager._upkeep._delete_old_segments()
    assert future.log_start_offset > 0
    assert log.log_start_offset > 0
    await manager._upkeep.checkpoint_recovery_points()
    assert (world.b / "recovery-point-offset-checkpoint").read_text() == "0\n1\nt 0 5\n"
    await manager.aclose(-1)


def test_names_that_are_too_long() -> None:
    assert can_be_moved(TopicPartition("t" * 213, 0))
    assert not can_be_moved(TopicPartition("t" * 214, 0))


async def test_offsets_that_compaction_has_emptied_are_skipped(world: World) -> None:
    manager, log = await two_directories(world)
    future = await begin(manager, log, world.b)
    copy(log, future, 5)
    future.skip_to(12)
    future.append_as_follower(make_batch("12", base_offset=12, leader_epoch=0))
    assert values(future) == [*RECORDS[:5], "12"]
    await manager.aclose(-1)
    manager = await world.start()
    assert manager.futures.logs[A].log_end_offset == 13
    await manager.aclose(-1)
