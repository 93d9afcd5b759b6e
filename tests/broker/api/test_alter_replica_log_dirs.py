"""AlterReplicaLogDirs: who may be moved where, and what becomes of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from broker.broker import Broker
from broker.events import EventLog
from broker.log.future_logs import FutureLogs
from broker.log.partition_log import PartitionLog
from broker.log.values import Slice
from broker.replica.move import Move
from broker.wire.errors import ErrorCode
from broker.wire.messages.alter_replica_log_dirs import (
    AlterReplicaLogDir,
    AlterReplicaLogDirsRequest,
    AlterReplicaLogDirTopic,
)
from broker.wire.messages.describe_log_dirs import DescribeLogDirsRequest
from tests.broker.log.logs import let_go
from tests.broker.replica.support import batch, values
from tests.broker.replica.test_control import ANY_EPOCH, stop
from tests.broker.support import call, know, lead, topic_id, tp
from tests.broker.test_directory_failures import produce, two_directories
from tests.support.simulated_disk import SimulatedDisk

THREADS = "num_replica_alter_log_dirs_threads"


@asynccontextmanager
async def moving(tmp_path: Path, **properties: str) -> AsyncIterator[tuple[Broker, SimulatedDisk]]:
    """t-0 lies in a and t-1 in b, and replicas are moved when asked for."""
    opened = two_directories(tmp_path, **properties)
    async with opened as (broker, disk), trio.open_nursery() as nursery:
        await nursery.start(broker.moves.run)
        yield broker, disk
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def begun(tmp_path: Path) -> AsyncIterator[tuple[Broker, SimulatedDisk]]:
    """t-0 is to go to b, but nobody moves it."""
    async with two_directories(tmp_path) as (broker, disk):
        for _ in range(3):
            await produce(broker, "t-0")
        assert await alter(broker, "t-0", tmp_path / "b") is ErrorCode.NONE
        yield broker, disk


async def alter(broker: Broker, partition: str, path: Path | str, version: int = 2) -> ErrorCode:
    topic = AlterReplicaLogDirTopic(name=tp(partition).topic, partitions=[tp(partition).partition])
    request = AlterReplicaLogDirsRequest(dirs=[AlterReplicaLogDir(path=str(path), topics=[topic])])
    answer = await call(broker, request, version)
    [result] = answer.results
    [found] = result.partitions
    assert (result.topic_name, found.partition_index) == (
        tp(partition).topic,
        tp(partition).partition,
    )
    return ErrorCode.of(found.error_code)


async def replicas_in(broker: Broker, path: Path) -> dict[str, tuple[int, bool]]:
    """Of each one, its lag and whether it's a future one."""
    answer = await call(broker, DescribeLogDirsRequest(topics=None), 4)
    [result] = [each for each in answer.results if each.log_dir == str(path)]
    return {
        f"{topic.name}-{p.partition_index}": (p.offset_lag, p.is_future_key)
        for topic in result.topics
        for p in topic.partitions
    }


def kinds(broker: Broker) -> list[str]:
    assert isinstance(broker.events, EventLog)
    return [event.kind for event in broker.events.recent if "partition.move" in event.kind]


async def until_moved(broker: Broker, partition: str, path: Path) -> None:
    while broker.replicas.partitions[tp(partition)].log.directory.parent != path:  # noqa: ASYNC110
        await trio.sleep(0.01)
    await wait_all_tasks_blocked()


async def test_a_replica_moves(tmp_path: Path, autojump_clock: MockClock) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    async with moving(tmp_path) as (broker, _):
        for _ in range(3):
            await produce(broker, "t-0")
        partition = broker.replicas.partitions[tp("t-0")]
        with trio.fail_after(20):
            assert await alter(broker, "t-0", b) is ErrorCode.NONE
            await until_moved(broker, "t-0", b)
        committed = (b / "replication-offset-checkpoint").read_text()
        assert f"t 0 {partition.high_watermark}\n" in committed, "for a crash from now on"
        assert values(partition) == ["a"] * 3
        assert await produce(broker, "t-0") is ErrorCode.NONE
        async with broker.replicas.control_order:
            pass  # the old one is gone, too
        assert await replicas_in(broker, a) == {}
        assert await replicas_in(broker, b) == {"t-0": (0, False), "t-1": (0, False)}
        assert [path.name[-7:] for path in a.glob("t-*")] == ["-delete"]
        await broker.replicas.high_watermarks.write_moved(broker.replicas.partitions.values())
        assert "t 0 " in (b / "replication-offset-checkpoint").read_text()
        assert "t 0 " not in (a / "replication-offset-checkpoint").read_text()
        assert kinds(broker) == ["partition.move_began", "partition.moved"]


async def test_while_it_moves_there_are_two(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with begun(tmp_path) as (broker, _):
        assert await replicas_in(broker, tmp_path / "a") == {"t-0": (0, False)}
        assert await replicas_in(broker, tmp_path / "b") == {"t-0": (3, True), "t-1": (0, False)}
        assert await alter(broker, "t-0", tmp_path / "b") is ErrorCode.NONE
        assert kinds(broker) == ["partition.move_began"], "the same again changes nothing"


async def test_its_own_directory_gives_the_move_up(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with begun(tmp_path) as (broker, _):
        assert await alter(broker, "t-0", tmp_path / "a") is ErrorCode.NONE
        assert broker.replicas.partitions[tp("t-0")].future is None
        assert await replicas_in(broker, tmp_path / "b") == {"t-1": (0, False)}
        assert kinds(broker) == ["partition.move_began", "partition.move_ended"]


async def test_where_it_is_there_is_nothing_to_do(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with moving(tmp_path) as (broker, _):
        assert await alter(broker, "t-0", tmp_path / "a") is ErrorCode.NONE
        assert kinds(broker) == []


async def test_who_cannot_be_moved(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with moving(tmp_path) as (broker, _):
        long = "t" * 220 + "-0"
        await know(broker, partitions=[("elsewhere-0", 2, (2,))])
        b = tmp_path / "b"
        for partition, path, code in (
            ("t-0", tmp_path / "c", ErrorCode.LOG_DIR_NOT_FOUND),
            ("t-0", "b", ErrorCode.LOG_DIR_NOT_FOUND),
            ("nowhere-0", b, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
            ("elsewhere-0", b, ErrorCode.REPLICA_NOT_AVAILABLE),
            (long, b, ErrorCode.INVALID_TOPIC_EXCEPTION),
        ):
            assert await alter(broker, partition, path) is code
        assert kinds(broker) == []


async def test_a_replica_that_comes_later_is_made_there(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with moving(tmp_path) as (broker, _):
        for number in range(3):
            name = f"later-{number}"
            await know(broker, partitions=[(name, 2, (2,))])
            assert await alter(broker, name, tmp_path / "b") is ErrorCode.REPLICA_NOT_AVAILABLE
            await lead(broker, name)
            partition = broker.replicas.partitions[tp(name)]
            assert partition.log.directory.parent == tmp_path / "b"
        assert kinds(broker) == []


async def test_a_directory_that_failed(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with moving(tmp_path) as (broker, disk):
        disk.break_directory(tmp_path / "a")
        assert await produce(broker, "t-0") is ErrorCode.KAFKA_STORAGE_ERROR
        await wait_all_tasks_blocked()
        for partition in ("t-0", "t-1"):
            for path in (tmp_path / "a", tmp_path / "b"):
                code = await alter(broker, partition, path)
                is_there = (partition, path.name) == ("t-1", "b")
                assert code is (ErrorCode.NONE if is_there else ErrorCode.KAFKA_STORAGE_ERROR)


async def test_the_old_directory_fails_while_the_copy_is_made(
    tmp_path: Path, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is refused doesn't happen, not at the next start either."""

    async def fail(futures: FutureLogs, future: PartitionLog, log: PartitionLog) -> None:
        log.local.storage.fail(OSError("broken"))
        await wait_all_tasks_blocked()

    monkeypatch.setattr(FutureLogs, "mark", fail)
    async with two_directories(tmp_path) as (broker, _):
        assert await alter(broker, "t-0", tmp_path / "b") is ErrorCode.KAFKA_STORAGE_ERROR
        assert broker.logs.futures.logs == {}
        assert not list((tmp_path / "b").glob("*-future"))
        assert kinds(broker) == []


async def test_nobody_waits_for_the_copy_to_be_on_the_disk(
    tmp_path: Path, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be gigabytes, and the controller's orders come in the meantime."""
    flush, is_waiting, may_go_on = FutureLogs.flush, trio.Event(), trio.Event()

    async def slow(futures: FutureLogs, log: PartitionLog) -> None:
        is_waiting.set()
        await may_go_on.wait()
        await flush(futures, log)

    monkeypatch.setattr(FutureLogs, "flush", slow)
    async with moving(tmp_path) as (broker, _):
        for _ in range(3):
            await produce(broker, "t-0")
        assert await alter(broker, "t-0", tmp_path / "b") is ErrorCode.NONE
        with trio.fail_after(20):
            await is_waiting.wait()
            await lead(broker, "t-0", isr=(1, 2), leader_epoch=1)
            assert await produce(broker, "t-0") is ErrorCode.NONE
            may_go_on.set()
            await until_moved(broker, "t-0", tmp_path / "b")
        assert values(broker.replicas.partitions[tp("t-0")]) == ["a"] * 4


async def test_the_new_directory_fails_on_the_way(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with begun(tmp_path) as (broker, disk):
        disk.break_directory(tmp_path / "b")
        assert await produce(broker, "t-1") is ErrorCode.KAFKA_STORAGE_ERROR
        await wait_all_tasks_blocked()
        assert broker.replicas.partitions[tp("t-0")].future is None
        assert broker.logs.futures.logs == {}
        assert await produce(broker, "t-0") is ErrorCode.NONE
        assert kinds(broker) == ["partition.move_began", "partition.move_ended"]


async def test_a_deleted_partition(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with begun(tmp_path) as (broker, _):
        assert await stop(broker, "t-0", ANY_EPOCH, True) is ErrorCode.NONE
        assert broker.logs.futures.logs == {}
        assert not list((tmp_path / "b").glob("*-future"))


async def test_a_move_goes_on_after_a_restart(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with begun(tmp_path) as (broker, _):
        await broker.replicas.high_watermarks.write(broker.replicas.partitions.values())
    async with moving(tmp_path) as (broker, _):
        assert values(broker.replicas.partitions[tp("t-0")]) == ["a"] * 3
        with trio.fail_after(20):
            await until_moved(broker, "t-0", tmp_path / "b")
        assert values(broker.replicas.partitions[tp("t-0")]) == ["a"] * 3


async def test_the_copy_of_another_topic_is_not_taken(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with begun(tmp_path) as (broker, _):
        future = broker.replicas.partitions[tp("t-0")].future
        assert future is not None
        metadata = future.directory / "partition.metadata"
    metadata.write_bytes(metadata.read_bytes().replace(b"dAEB", b"eAEB"))
    async with two_directories(tmp_path) as (broker, _):
        partition = broker.replicas.partitions[tp("t-0")]
        assert partition.topic_id == topic_id("t")
        assert partition.future is None
        assert broker.logs.futures.logs == {}


async def test_a_stopped_replica_rests(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with moving(tmp_path) as (broker, _):
        await produce(broker, "t-0")
        assert await alter(broker, "t-0", tmp_path / "b") is ErrorCode.NONE
        assert await stop(broker, "t-0", ANY_EPOCH, False) is ErrorCode.NONE
        assert await alter(broker, "t-0", tmp_path / "b") is ErrorCode.REPLICA_NOT_AVAILABLE
        await trio.sleep(5)
        partition = broker.replicas.partitions[tp("t-0")]
        assert partition.log.directory.parent == tmp_path / "a"
        await lead(broker, "t-0", isr=(1, 2), leader_epoch=1)
        with trio.fail_after(20):
            await until_moved(broker, "t-0", tmp_path / "b")


@pytest.mark.long
@pytest.mark.parametrize(
    ("settings", "at_once"), [({}, 2), ({THREADS: "1"}, 1), ({THREADS: "3"}, 3)]
)
async def test_a_few_move_at_once(
    tmp_path: Path,
    autojump_clock: MockClock,
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, str],
    at_once: int,
) -> None:
    """By default as many as there are log directories. One of several stays with its task."""
    under_way: list[Move] = []
    most, copy = 0, Move.copy

    async def slowly(move: Move, found: Slice) -> int:
        nonlocal most
        assert move not in under_way
        under_way.append(move)
        most = max(most, len(under_way))
        await trio.sleep(1)
        under_way.remove(move)
        return await copy(move, found)

    monkeypatch.setattr(Move, "copy", slowly)
    async with moving(tmp_path, replica_fetch_max_bytes="100", **settings) as (broker, _):
        partitions = ["t-0", "t-2", "t-4", "t-6"]
        for name in partitions:
            if name != "t-0":
                broker.logs.futures.prefer(tp(name), broker.logs.directories.all[0])
                await lead(broker, name, isr=(1, 2))
            for _ in range(3):
                await produce(broker, name)
        with trio.fail_after(60):
            for name in partitions:
                assert await alter(broker, name, tmp_path / "b") is ErrorCode.NONE
            for name in partitions:
                await until_moved(broker, name, tmp_path / "b")
        assert most == at_once
        for name in partitions:
            assert values(broker.replicas.partitions[tp(name)]) == ["a"] * 3


async def test_moves_are_throttled(tmp_path: Path, autojump_clock: MockClock) -> None:
    """Four batches of a hundred bytes, at a hundred a second; the first one is free."""
    settings = {
        "replica_fetch_max_bytes": "100",
        "alter_log_dirs_replication_quota_window_num": "2",
    }
    async with moving(tmp_path, **settings) as (broker, _):
        partition = broker.replicas.partitions[tp("t-0")]
        for _ in range(4):
            partition.append_as_leader(batch("x" * 32), 1, 0.0)
        size_bytes = partition.log.local.segments.size_bytes
        broker.moves.throttle.rate_bytes_s = lambda: size_bytes / 4
        began_s = trio.current_time()
        with trio.fail_after(60):
            assert await alter(broker, "t-0", tmp_path / "b") is ErrorCode.NONE
            await until_moved(broker, "t-0", tmp_path / "b")
        assert 2 < trio.current_time() - began_s < 10


async def test_killed_as_soon_as_it_has_moved(
    tmp_path: Path, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next start asks the new directory's checkpoints what was lost, and what compaction took:
    they must know of the copy before it's the partition's log."""

    async def never(*_: object) -> None:
        await trio.sleep_forever()

    async def killed(_broker_epoch: int) -> None:
        let_go(broker.logs)

    async with two_directories(tmp_path) as (broker, _), trio.open_nursery() as nursery:
        await nursery.start(broker.moves.run)
        for _ in range(3):
            await produce(broker, "t-0")
        partition = broker.replicas.partitions[tp("t-0")]
        partition.log.skip_to(10)
        with monkeypatch.context() as patch, trio.fail_after(20):
            patch.setattr(FutureLogs, "retire", never)
            assert await alter(broker, "t-0", tmp_path / "b") is ErrorCode.NONE
            await until_moved(broker, "t-0", tmp_path / "b")
        assert await produce(broker, "t-0") is ErrorCode.NONE
        assert partition.log.log_end_offset == 11
        monkeypatch.setattr(broker.logs, "aclose", killed)
        nursery.cancel_scope.cancel()
    async with two_directories(tmp_path) as (broker, _):
        log = broker.replicas.partitions[tp("t-0")].log
        assert log.directory == tmp_path / "b" / "t-0"
        assert log.log_end_offset == 11


async def test_under_a_load_it_keeps_no_order_waiting(
    tmp_path: Path, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last pieces are copied while the controller's orders wait, and more comes all the time:
    then it's for another time."""
    pieces, next_slice = 0, Move.next_slice

    def and_more_comes(move: Move, max_bytes: int) -> Slice:
        nonlocal pieces
        if broker.replicas.control_order.locked():
            for _ in range(1 if pieces else 2):
                move.partition.append_as_leader(batch("a"), 1, 0.0)
            pieces += 1
            assert pieces < 100, "it doesn't give up"
        return next_slice(move, max_bytes)

    async with moving(tmp_path, replica_fetch_max_bytes="10") as (broker, _):
        with trio.fail_after(20):
            with monkeypatch.context() as patch:
                patch.setattr(Move, "next_slice", and_more_comes)
                assert await alter(broker, "t-0", tmp_path / "b") is ErrorCode.NONE
                while not pieces:  # noqa: ASYNC110
                    await trio.sleep(0.001)
                async with broker.replicas.control_order:
                    assert broker.replicas.partitions[tp("t-0")].future is not None
            await until_moved(broker, "t-0", tmp_path / "b")
        assert broker.replicas.partitions[tp("t-0")].log.log_end_offset == pieces + 1
