"""Row 43: the directory of a deleted topic with a dot in its name keeps the broker from starting.

Source: KAFKA-5232 (https://github.com/apache/kafka/pull/3043). A deleted partition's directory is
renamed to `<topic>-<partition>.<unique>-delete` and removed a minute later. A broker that ended in
between found it at its next start, took the name apart at the wrong dot, and gave up.

Provoked with such directories as both brokers leave them, for names with dots and dashes, and a
living partition of the very same name beside each: the start goes well, the deleted ones are
removed, the living ones are served.
"""

import contextlib
import random
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio
import trio.testing

from broker.events import EventLog
from broker.log.file_names import deleted_directory
from broker.log.log_config import LogConfig
from broker.log.log_manager import LogManager, LogManagerConfig
from coordination.values import TopicPartition
from tests.broker.log.logs import Clock, fill, values
from tests.broker.log.test_log_manager import until
from tests.support.unsynced_disk import UnsyncedDisk

TOPICS = ["a.b", "a.b-c", "a-0.b", ".hidden", "x.0123456789abcdef0123456789abcdef-delete", "plain"]
KAFKAS = "0123456789abcdef0123456789abcdef"


@contextlib.asynccontextmanager
async def running(data: Path) -> AsyncIterator[LogManager]:
    """A broker's logs, from a start to a clean end."""
    manager = LogManager(
        LogManagerConfig((data,), LogConfig()),
        disk=UnsyncedDisk(),
        clock_ms=Clock(),
        randomness=random.Random(1),
        recorder=EventLog(1),
    )
    await manager.lock()
    await manager.load({}, lambda _done, _total: None)
    yield manager
    await manager.aclose(-1)


@pytest.mark.parametrize("topic", TOPICS)
async def test_it_is_removed_and_its_namesake_served(
    tmp_path: Path, topic: str, autojump_clock: trio.testing.MockClock
) -> None:
    living = TopicPartition(topic, 0)
    deleted = [
        tmp_path / deleted_directory(living, uuid.UUID(int=5)),
        tmp_path / f"{topic}-0.{KAFKAS}-delete",
        tmp_path / f"{topic}-12.{KAFKAS}-delete",
    ]
    async with running(tmp_path) as manager:
        fill(await manager.get_or_create(living, None, LogConfig()), 3)
    for directory in deleted:
        directory.mkdir()
        (directory / "00000000000000000000.log").write_bytes(b"of the topic's former life")
    async with running(tmp_path) as manager, trio.open_nursery() as nursery:
        assert manager.logs.keys() == {living}
        assert values(manager.logs[living]) == ["0", "1", "2"]
        await nursery.start(manager.run)
        await until(lambda: not any(directory.exists() for directory in deleted))
        assert (tmp_path / f"{topic}-0").is_dir()
        nursery.cancel_scope.cancel()
