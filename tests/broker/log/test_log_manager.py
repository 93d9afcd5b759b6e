"""All logs of a broker: over restarts, several directories, deletions, and what runs by itself."""

import contextlib
import multiprocessing
import random
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from multiprocessing.connection import Connection
from pathlib import Path

import attrs
import pytest
import trio
import trio.testing

from broker.events import EventLog
from broker.failure import BrokerFailure
from broker.log.checkpoints import OffsetCheckpoint
from broker.log.log_config import LogConfig
from broker.log.log_directory import LogDirectory, LogDirectoryError
from broker.log.log_manager import LogManager, LogManagerConfig
from broker.wire.errors import ErrorCode, KafkaError
from coordination.values import TopicPartition
from tests.broker.log.logs import Clock, fill, let_go, values
from tests.support.unsynced_disk import UnsyncedDisk

DEFAULTS = LogConfig(segment_bytes=400, file_delete_delay_ms=2000, retention_bytes=1000)
ORDERS = TopicPartition("orders", 0)
DOTTED = TopicPartition("a.b-c", 1)


@attrs.define
class Broker:
    """The logs of a broker that is started and stopped."""

    directories: tuple[Path, ...]
    clock: Clock = attrs.field(factory=Clock)

    def manager(self) -> LogManager:
        config = LogManagerConfig(self.directories, DEFAULTS, initial_task_delay_ms=0)
        return LogManager(
            config,
            disk=UnsyncedDisk(),
            clock_ms=self.clock,
            randomness=random.Random(1),
            recorder=EventLog(1),
        )

    @contextlib.asynccontextmanager
    async def running(self, *, clean: bool = True) -> AsyncIterator[LogManager]:
        """Loaded; closed cleanly at the end, or let go of as by kill -9."""
        manager = self.manager()
        await manager.lock()
        await manager.load({}, lambda _done, _total: None)
        yield manager
        if clean:
            await manager.aclose(25)
        else:
            let_go(manager)


@pytest.fixture
def broker(tmp_path: Path) -> Broker:
    return Broker((tmp_path / "data",))


async def until(condition: Callable[[], bool]) -> None:
    """Let mock time pass until `condition` holds; threads need real time for what they do."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "not within ten seconds"
        await trio.sleep(0.1)


async def create(manager: LogManager, topic_partition: TopicPartition, records: int) -> None:
    log = await manager.get_or_create(topic_partition, uuid.UUID(int=7), DEFAULTS)
    fill(log, records)
    log.update_high_watermark(records)


@pytest.mark.parametrize("clean", [True, False])
async def test_logs_survive_a_restart(broker: Broker, clean: bool) -> None:
    async with broker.running(clean=clean) as manager:
        await create(manager, ORDERS, 7)
        await create(manager, DOTTED, 2)
    mark = broker.directories[0] / ".kafka_cleanshutdown"
    assert mark.exists() is clean
    if clean:
        assert mark.read_text() == '{"version":0,"brokerEpoch":25}'
    async with broker.running() as manager:
        assert not mark.exists(), "a crash from now on must be seen as one"
        assert {str(tp): values(log) for tp, log in manager.logs.items()} == {
            "orders-0": [str(n) for n in range(7)],
            "a.b-c-1": ["0", "1"],
        }
        log = manager.logs[ORDERS]
        assert log.topic_id == uuid.UUID(int=7)
        assert log.recovery_point == (7 if clean else 0)


async def test_progress_is_told(broker: Broker) -> None:
    async with broker.running() as manager:
        for partition in range(3):
            await create(manager, TopicPartition("t", partition), 1)
    told = []
    manager = broker.manager()
    await manager.lock()
    await manager.load({}, lambda done, total: told.append((done, total)))
    await manager.aclose(-1)
    assert told == [(1, 3), (2, 3), (3, 3)]


async def test_a_topics_own_configs_count(broker: Broker) -> None:
    async with broker.running() as manager:
        await create(manager, ORDERS, 1)
    own = LogConfig(retention_ms=5)
    manager = broker.manager()
    await manager.lock()
    await manager.load({"orders": own}, lambda _done, _total: None)
    assert manager.logs[ORDERS].config is own
    manager.update_config("orders", DEFAULTS)
    assert manager.logs[ORDERS].config is DEFAULTS
    await manager.aclose(-1)


async def test_another_topic_of_the_name_is_refused(broker: Broker) -> None:
    async with broker.running() as manager:
        await create(manager, ORDERS, 1)
        with pytest.raises(KafkaError) as caught:
            await manager.get_or_create(ORDERS, uuid.UUID(int=8), DEFAULTS)
        assert caught.value.code is ErrorCode.INCONSISTENT_TOPIC_ID


async def test_logs_go_where_the_fewest_are(tmp_path: Path) -> None:
    broker = Broker((tmp_path / "a", tmp_path / "b"))
    async with broker.running() as manager:
        for partition in range(4):
            await create(manager, TopicPartition("t", partition), 1)
        parents = [log.directory.parent.name for log in manager.logs.values()]
    assert parents == ["a", "b", "a", "b"]
    async with broker.running() as manager:
        assert len(manager.logs) == 4


async def test_the_same_partition_in_two_directories_is_an_error(tmp_path: Path) -> None:
    for name in ("a", "b"):
        async with Broker((tmp_path / name,)).running() as manager:
            await create(manager, ORDERS, 1)
    manager = Broker((tmp_path / "a", tmp_path / "b")).manager()
    await manager.lock()
    with pytest.RaisesGroup(
        pytest.RaisesExc(LogDirectoryError, match="has two logs"), flatten_subgroups=True
    ):
        await manager.load({}, lambda _done, _total: None)
    await manager.aclose(-1)
    assert not (tmp_path / "a" / ".kafka_cleanshutdown").exists()


async def test_a_deleted_log_is_renamed_and_removed_later(
    broker: Broker, autojump_clock: trio.testing.MockClock
) -> None:
    async with broker.running() as manager, trio.open_nursery() as nursery:
        await nursery.start(manager.run)
        await create(manager, DOTTED, 12)
        await manager.delete([DOTTED, ORDERS])
        assert manager.get(DOTTED) is None
        data = broker.directories[0]
        [deleted] = [path for path in data.iterdir() if path.is_dir()]
        assert deleted.name.startswith("a.b-c-1.")
        assert deleted.name.endswith("-delete")
        await create(manager, DOTTED, 1)  # a new topic of the name has room at once
        await trio.sleep(3)
        assert deleted.exists()
        broker.clock.now_ms += 2000
        await until(lambda: not deleted.exists())
        assert values(manager.logs[DOTTED]) == ["0"]
        nursery.cancel_scope.cancel()


async def test_a_deletion_that_a_crash_broke_off_is_finished(
    broker: Broker, autojump_clock: trio.testing.MockClock
) -> None:
    """Also of a topic with dots, on which Kafka once refused to start (KAFKA-5232)."""
    async with broker.running(clean=False) as manager:
        await create(manager, DOTTED, 12)
        await manager.delete([DOTTED])
    data = broker.directories[0]
    (data / "x.y-0.0123456789abcdef0123456789abcdef-delete").mkdir()
    async with broker.running() as manager, trio.open_nursery() as nursery:
        assert manager.logs == {}
        await nursery.start(manager.run)
        await until(lambda: not any(path.is_dir() for path in data.iterdir()))
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("how", ["delete", "set_aside"])
async def test_a_log_is_gone_though_its_caller_is_cancelled(broker: Broker, how: str) -> None:
    """It had been taken out of use, and kept its name: the next topic would have had its records,
    or have begun at its offsets."""
    checkpoint = broker.directories[0] / "recovery-point-offset-checkpoint"
    async with broker.running() as manager:
        await create(manager, ORDERS, 3)
        manager.logs[ORDERS].flush()
        await manager._upkeep.checkpoint_offsets()
        assert "orders 0 3" in checkpoint.read_text()
        with trio.CancelScope() as scope:
            scope.cancel()
            if how == "delete":
                await manager.delete([ORDERS])
            else:
                await manager.set_aside(ORDERS)
        assert not (broker.directories[0] / "orders-0").exists()
        assert checkpoint.read_text() == "0\n0\n"
        await create(manager, ORDERS, 1)
        assert values(manager.logs[ORDERS]) == ["0"]


async def test_a_deletion_of_many_writes_the_checkpoints_once(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They name every log there is: once for each of thousands would take minutes."""
    written: list[str] = []
    write = OffsetCheckpoint.write

    def counted(checkpoint: OffsetCheckpoint, offsets: Mapping[TopicPartition, int]) -> None:
        written.append(str(sorted(map(str, offsets))))
        write(checkpoint, offsets)

    async with broker.running() as manager:
        for partition in range(5):
            await create(manager, TopicPartition("t", partition), 1)
        monkeypatch.setattr(OffsetCheckpoint, "write", counted)
        await manager.delete([TopicPartition("t", partition) for partition in range(4)])
        # Recovery points, the log starts that differ, and up to where logs are compacted.
        assert written == ["['t-4']", "[]", "[]"]


async def test_a_new_topic_does_not_start_from_a_deleted_ones_offsets(broker: Broker) -> None:
    async with broker.running(clean=False) as manager:
        await create(manager, ORDERS, 12)
        manager.logs[ORDERS].increment_log_start_offset(8)
        await manager._upkeep.checkpoint_log_start_offsets()
        await manager.delete([ORDERS])
        await create(manager, ORDERS, 3)
    async with broker.running() as manager:
        assert values(manager.logs[ORDERS]) == ["0", "1", "2"]


async def test_a_start_offset_survives_by_its_checkpoint(broker: Broker) -> None:
    async with broker.running() as manager:
        await create(manager, ORDERS, 12)
        manager.logs[ORDERS].increment_log_start_offset(8)
    checkpoint = broker.directories[0] / "log-start-offset-checkpoint"
    assert checkpoint.read_text() == "0\n1\norders 0 8\n"
    async with broker.running() as manager:
        assert manager.logs[ORDERS].log_start_offset == 8


@pytest.mark.long
async def test_what_happens_by_itself(
    broker: Broker, autojump_clock: trio.testing.MockClock
) -> None:
    checkpoint = broker.directories[0] / "recovery-point-offset-checkpoint"
    async with broker.running() as manager, trio.open_nursery() as nursery:
        await create(manager, ORDERS, 230)
        log = manager.logs[ORDERS]
        began_s = trio.current_time()
        await nursery.start(manager.run)
        await until(lambda: log.recovery_point == 225)  # the rolled segments were synced
        await until(lambda: log.log_start_offset == 215)  # the oldest: too much
        assert trio.current_time() - began_s < 60  # all of them, at the first look
        assert list(log.directory.glob("*.deleted"))
        await until(lambda: checkpoint.exists() and checkpoint.read_text().endswith(" 225\n"))
        broker.clock.now_ms += 2000
        await until(lambda: not list(log.directory.glob("*.deleted")))
        log.truncate_to(220)
        assert log.local.flushing.has_stale_checkpoint
        await until(lambda: not log.local.flushing.has_stale_checkpoint)
        assert checkpoint.read_text().endswith(" 220\n")
        nursery.cancel_scope.cancel()


async def test_a_crash_while_loading_means_recovery_again(broker: Broker) -> None:
    """The clean mark is gone before the first log is opened (KAFKA-10471)."""
    async with broker.running() as manager:
        await create(manager, ORDERS, 3)
    (broker.directories[0] / "orders-0" / "partition.metadata").write_text("broken")
    manager = broker.manager()
    await manager.lock()
    with pytest.raises(BrokerFailure, match=r"partition\.metadata: no 'version: 0'"):
        await manager.load({}, lambda _done, _total: None)
    await manager.aclose(-1)
    assert not (broker.directories[0] / ".kafka_cleanshutdown").exists()


async def test_a_directory_of_something_else_is_named(broker: Broker) -> None:
    (broker.directories[0] / "holiday-pictures").mkdir(parents=True)
    manager = broker.manager()
    await manager.lock()
    with pytest.raises(LogDirectoryError, match="'holiday-pictures' is not of the form"):
        await manager.load({}, lambda _done, _total: None)
    await manager.aclose(-1)


async def test_a_directory_listed_twice(tmp_path: Path) -> None:
    manager = Broker((tmp_path / "a", tmp_path / "x" / ".." / "a")).manager()
    with pytest.raises(LogDirectoryError, match="listed twice"):
        await manager.lock()


@pytest.mark.parametrize("content", ["nonsense", ""])
async def test_unreadable_checkpoints_cost_time_and_nothing_else(
    broker: Broker, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Though there's a gap in the log, which had been compacted: nobody knows why it is there.

    Of empty ones nobody is warned: Kafka makes them at its first start.
    """
    async with broker.running(clean=False) as manager:
        await create(manager, ORDERS, 12)
        manager.logs[ORDERS].skip_to(20)
        fill(manager.logs[ORDERS], 1)
        await manager._upkeep.checkpoint_recovery_points()
    for name in (
        "recovery-point-offset-checkpoint",
        "log-start-offset-checkpoint",
        "cleaner-offset-checkpoint",
    ):
        (broker.directories[0] / name).write_text(content)
    async with broker.running() as manager:
        assert any("starting without it" in each for each in caplog.messages) is bool(content)
        assert values(manager.logs[ORDERS]) == [*(str(n) for n in range(12)), "20"]
        assert manager.logs[ORDERS].local.cleaned_to is None


@pytest.mark.parametrize("clean", [True, False])
async def test_up_to_where_a_log_was_compacted_is_known_on(broker: Broker, clean: bool) -> None:
    async with broker.running(clean=clean) as manager:
        await create(manager, ORDERS, 12)
        await create(manager, DOTTED, 2)
        manager.logs[ORDERS].local.cleaned_to = 5
        await manager.cleaner.checkpoint()
    async with broker.running() as manager:
        assert manager.logs[ORDERS].local.cleaned_to == 5
        assert manager.logs[DOTTED].local.cleaned_to is None


async def test_a_log_that_was_cut_back_is_not_compacted_so_far_any_more(
    broker: Broker, autojump_clock: trio.testing.MockClock
) -> None:
    """What grows from there on would otherwise count as compacted after a start."""
    checkpoint = broker.directories[0] / "cleaner-offset-checkpoint"
    async with broker.running(clean=False) as manager, trio.open_nursery() as nursery:
        await create(manager, ORDERS, 12)
        log = manager.logs[ORDERS]
        log.local.cleaned_to = 12
        await manager.cleaner.checkpoint()
        await nursery.start(manager.run)
        await until(lambda: log.recovery_point == 10)
        log.truncate_to(11)
        assert not log.local.flushing.has_stale_checkpoint, "it isn't for that one"
        await until(lambda: checkpoint.read_text() == "0\n1\norders 0 10\n")
        nursery.cancel_scope.cancel()


async def test_that_is_also_written_at_the_end(broker: Broker) -> None:
    async with broker.running() as manager:
        await create(manager, ORDERS, 12)
        manager.logs[ORDERS].local.cleaned_to = 10
        await manager.cleaner.checkpoint()
        manager.logs[ORDERS].truncate_to(7)
    async with broker.running() as manager:
        assert manager.logs[ORDERS].local.cleaned_to == 5


async def test_a_log_that_recovery_has_cut_is_not_compacted_beyond_its_end(broker: Broker) -> None:
    async with broker.running(clean=False) as manager:
        await create(manager, ORDERS, 8)
        manager.logs[ORDERS].local.cleaned_to = 10
        await manager.cleaner.checkpoint()
    async with broker.running() as manager:
        log = manager.logs[ORDERS]
        assert log.local.cleaned_to == 5
        assert log.local.has_stale_checkpoint


def _lock(path: Path, answer: Connection) -> None:
    try:
        LogDirectory(UnsyncedDisk(), path).lock()
    except LogDirectoryError as error:
        answer.send(str(error))
    else:
        answer.send("")


def lock_in_another_process(path: Path) -> str:
    """What another broker hears when it locks the directory; "" if it may."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_lock, args=(path, theirs))
    process.start()
    answer = ours.recv()
    process.join()
    process.close()
    ours.close()
    theirs.close()
    return str(answer)


@pytest.mark.long
def test_two_brokers_cannot_share_a_directory(tmp_path: Path) -> None:
    directory = LogDirectory(UnsyncedDisk(), tmp_path)
    directory.lock()
    assert "is in use by another broker" in lock_in_another_process(tmp_path)
    directory.unlock()
    assert lock_in_another_process(tmp_path) == ""
