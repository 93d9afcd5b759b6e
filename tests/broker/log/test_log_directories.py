"""Several entries of log.dirs, of which one can't be used: at the start, or from some moment on."""

import random
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from pathlib import Path

import attrs
import pytest
import trio
import trio.testing

from broker.events import EventLog
from broker.failure import BrokerFailure
from broker.log.log_config import LogConfig
from broker.log.log_manager import LogManager, LogManagerConfig
from broker.log.partition_log import PartitionLog
from broker.wire.errors import ErrorCode, KafkaError
from coordination.values import TopicPartition
from tests.broker.log.logs import Clock, fill, values
from tests.support.simulated_disk import SimulatedDisk

DEFAULTS = LogConfig(segment_bytes=400, file_delete_delay_ms=1000)
A, B = TopicPartition("t", 0), TopicPartition("t", 1)  # where `two_logs` puts them
TOPIC_ID = uuid.UUID(int=7)


@attrs.define
class World:
    """A broker's logs in two directories, a and b, on disks that can break."""

    root: Path
    clock: Clock = attrs.field(factory=Clock)
    disk: SimulatedDisk = attrs.field(factory=lambda: SimulatedDisk(random.Random(1)))

    @property
    def a(self) -> Path:
        return self.root / "a"

    @property
    def b(self) -> Path:
        return self.root / "b"

    async def start(self) -> LogManager:
        config = LogManagerConfig((self.a, self.b), DEFAULTS, initial_task_delay_ms=0)
        manager = LogManager(
            config,
            disk=self.disk,
            clock_ms=self.clock,
            randomness=random.Random(1),
            recorder=EventLog(1),
        )
        await manager.lock()
        await manager.load({}, lambda _done, _total: None)
        return manager

    async def two_logs(self) -> LogManager:
        """One in each directory, of three records."""
        manager = await self.start()
        for partition in (A, B):
            fill(await make(manager, partition), 3)
        return manager


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


async def make(manager: LogManager, partition: TopicPartition, is_new: bool = True) -> PartitionLog:
    return await manager.get_or_create(partition, TOPIC_ID, DEFAULTS, is_new=is_new)


def offline(manager: LogManager) -> list[str]:
    return [directory.path.name for directory in manager.directories.offline]


def storage_error() -> AbstractContextManager[object]:
    return pytest.raises(
        KafkaError, check=lambda error: error.code is ErrorCode.KAFKA_STORAGE_ERROR
    )


# --- at the start


async def test_a_directory_that_cannot_be_made_is_offline(world: World) -> None:
    world.a.write_text("a file")
    manager = await world.start()
    assert offline(manager) == ["a"]
    log = await make(manager, A)
    assert log.directory.parent == world.b
    await manager.aclose(-1)
    assert (world.b / ".kafka_cleanshutdown").exists()


async def test_without_any_the_broker_ends_with_kafkas_words(world: World) -> None:
    world.a.write_text("a file")
    world.b.write_text("a file")
    with pytest.raises(
        BrokerFailure,
        match="Shutdown broker because none of the specified log dirs from .*/a, .*/b can be "
        r"created or validated \(.*/a: .*File exists",
    ):
        await world.start()


async def test_a_log_that_cannot_be_read_takes_its_directory_offline(world: World) -> None:
    manager = await world.two_logs()
    fill(await make(manager, TopicPartition("t", 2)), 1)  # beside A
    await manager.aclose(-1)
    (world.a / "t-0" / "partition.metadata").write_text("garbage")
    manager = await world.start()
    assert offline(manager) == ["a"]
    assert set(manager.logs) == {B}
    await manager.aclose(-1)
    assert not (world.a / ".kafka_cleanshutdown").exists(), "the next start must recover"


async def test_a_log_that_has_rotted_takes_its_directory_offline(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Its end was clean, so nobody expects it; Kafka's broker doesn't start then."""
    manager = await world.two_logs()
    await manager.aclose(-1)
    with (world.a / "t-0" / "00000000000000000000.log").open("r+b") as file:
        file.seek(8)
        file.write(bytes(4))  # the first batch's length
    manager = await world.start()
    assert offline(manager) == ["a"]
    assert set(manager.logs) == {B}
    assert "a/t-0: Record size 0 is less than the minimum" in caplog.text
    await manager.aclose(-1)


async def test_when_none_can_be_read_the_broker_ends(world: World) -> None:
    manager = await world.two_logs()
    await manager.aclose(-1)
    for path in (world.a / "t-0", world.b / "t-1"):
        (path / "partition.metadata").write_text("garbage")
    with pytest.raises(BrokerFailure, match=r"all log dirs in .* have failed"):
        await world.start()


# --- while it runs


async def test_one_error_ends_all_logs_of_the_directory_and_no_other(world: World) -> None:
    manager = await world.two_logs()
    beside = await make(manager, TopicPartition("t", 2))
    assert beside.directory.parent == world.a
    world.disk.break_directory(world.a)
    with storage_error():
        fill(manager.logs[A], 1)
    assert offline(manager) == ["a"]
    world.disk.mend()  # too late: what it holds isn't known any more
    with storage_error():
        fill(beside, 1)
    with storage_error():
        manager.logs[A].read(0, 1000, 3)
    fill(manager.logs[B], 1)
    manager.directory_failed(manager.directories.offline[0])
    assert set(manager.logs) == {B}
    await manager.aclose(-1)
    assert not (world.a / ".kafka_cleanshutdown").exists()
    again = await world.start()
    assert values(again.logs[A]) == ["0", "1", "2"]
    assert values(again.logs[B]) == ["0", "1", "2", "3"]
    assert not again.logs[A].was_clean
    assert again.logs[B].was_clean
    await again.aclose(-1)


async def test_a_partition_that_may_be_in_it_is_not_made_anew_elsewhere(world: World) -> None:
    manager = await world.two_logs()
    world.disk.break_directory(world.a)
    with storage_error():
        fill(manager.logs[A], 1)
    manager.directory_failed(manager.directories.offline[0])
    with pytest.raises(KafkaError, match=r"Can not create log for t-0 because .*/a are offline"):
        await make(manager, A, is_new=False)
    log = await make(manager, TopicPartition("new", 0), is_new=True)
    assert log.directory.parent == world.b
    assert (await make(manager, B, is_new=False)).log_end_offset == 3
    await manager.aclose(-1)


async def test_a_new_log_goes_to_the_next_directory_when_the_first_fails(world: World) -> None:
    manager = await world.start()
    world.a.rename(world.root / "moved")
    world.a.write_text("a file")
    log = await make(manager, A)
    assert log.directory.parent == world.b
    assert offline(manager) == ["a"]
    await manager.aclose(-1)


async def test_a_log_half_made_is_not_made_elsewhere_too(world: World) -> None:
    """It would be in two directories, and the next start would end."""
    manager = await world.start()
    world.disk.break_directory(world.a)
    with storage_error():
        await make(manager, A)
    assert offline(manager) == ["a"]
    assert not (world.b / "t-0").exists()
    await manager.aclose(-1)


async def test_a_log_is_made_to_its_end_or_not_begun(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order is cancelled as soon as the log's own directory is there, and comes again when the
    other one has fewer logs."""
    manager = await world.start()
    mkdir = Path.mkdir

    def and_then_cancelled(path: Path, **options: bool) -> None:
        mkdir(path, **options)
        trio.from_thread.run_sync(scope.cancel)

    with monkeypatch.context() as patch, trio.CancelScope() as scope:
        patch.setattr(Path, "mkdir", and_then_cancelled)
        await make(manager, A)
    made = [path for path in (world.a / "t-0", world.b / "t-0") if path.exists()]
    assert [log.directory for log in manager.logs.values()] == made
    await make(manager, B)
    assert (await make(manager, A)).topic_id == TOPIC_ID
    await manager.aclose(-1)
    manager = await world.start()
    assert set(manager.logs) == {A, B}
    await manager.aclose(-1)


async def roll(manager: LogManager) -> None:
    fill(manager.logs[A], 10)


async def truncate(manager: LogManager) -> None:
    manager.logs[A].truncate_to(1)


async def truncate_fully(manager: LogManager) -> None:
    manager.logs[A].truncate_fully_and_start_at(9)


async def new_epoch(manager: LogManager) -> None:
    manager.logs[A].assign_epoch_start_offset(7, 3)


async def flush(manager: LogManager) -> None:
    manager.logs[A].flush()


async def delete(manager: LogManager) -> None:
    for error in (await manager.delete([A])).values():
        raise error


async def set_aside(manager: LogManager) -> None:
    await manager.set_aside(A)


@pytest.mark.parametrize(
    "use", [roll, truncate, truncate_fully, new_epoch, flush, delete, set_aside]
)
async def test_whatever_fails_takes_the_directory_offline(
    world: World, use: Callable[[LogManager], Awaitable[None]]
) -> None:
    manager = await world.two_logs()
    world.disk.break_directory(world.a)
    with storage_error():
        await use(manager)
    assert offline(manager) == ["a"]
    await manager.aclose(-1)


def rolled_segments_to_sync(world: World, manager: LogManager) -> None:
    fill(manager.logs[A], 10)


def old_segments(world: World, manager: LogManager) -> None:
    fill(manager.logs[A], 10)
    manager.logs[A].flush()
    manager.logs[A].update_high_watermark(13)
    manager.update_config("t", LogConfig(segment_bytes=400, retention_bytes=0))


def nothing_but_checkpoints(world: World, manager: LogManager) -> None:
    pass


def files_to_unlink(world: World, manager: LogManager) -> None:
    fill(manager.logs[A], 10)
    manager.logs[A].flush()
    manager.logs[A].truncate_fully_and_start_at(0)
    world.clock.now_ms += 2_000


@pytest.mark.parametrize(
    "prepare", [rolled_segments_to_sync, old_segments, nothing_but_checkpoints, files_to_unlink]
)
async def test_what_happens_by_itself_finds_out_too_and_goes_on_with_the_others(
    world: World,
    autojump_clock: trio.testing.MockClock,
    prepare: Callable[[World, LogManager], None],
) -> None:
    manager = await world.two_logs()
    prepare(world, manager)
    world.disk.break_directory(world.a)
    async with trio.open_nursery() as nursery:
        await nursery.start(manager.run)
        await until(lambda: offline(manager) == ["a"])
        manager.directory_failed(manager.directories.offline[0])
        fill(manager.logs[B], 12)
        await until(lambda: manager.logs[B].recovery_point > 3)
        nursery.cancel_scope.cancel()
    await manager.aclose(-1)


async def test_a_deleted_log_that_is_still_used_harms_nobody(world: World) -> None:
    """Its files are gone, which is no failure of the disk."""
    manager = await world.two_logs()
    log = manager.logs[A]
    await manager.delete([A])
    with storage_error():
        fill(log, 10)
    assert offline(manager) == []
    await manager.aclose(-1)


async def until(condition: Callable[[], bool]) -> None:
    """Let mock time pass until `condition` holds; threads need real time for what they do."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "not within ten seconds"
        await trio.sleep(0.1)
