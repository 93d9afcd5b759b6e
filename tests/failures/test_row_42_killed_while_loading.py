"""Row 42: a broker that was killed while it loaded its logs takes them for cleanly closed.

Source: KAFKA-10471 (https://github.com/apache/kafka/pull/9364). The mark of a clean shutdown was
removed when all logs were loaded. A crash before that left it lying beside logs that had been
written to since, and the next start believed them: torn batches at the end, indexes half built.

Provoked at every single thing that a start does to the disk: the process is killed before it, and
once more, at every thing that the next start does, when that was in the middle of its recovery.
Here the mark is the first thing that goes. However often recovery is broken off, it is done again,
and ends with the same records, indexes and producers.
"""

import random
import shutil
from pathlib import Path

import pytest

from broker.events import EventLog
from broker.log.disk import Data, StrPath
from broker.log.log_config import LogConfig
from broker.log.log_manager import LogManager, LogManagerConfig
from broker.wire.regions import OpenFile
from coordination.values import TopicPartition
from tests.broker.log.logs import Clock, let_go, make_batch, values
from tests.support.unsynced_disk import UnsyncedDisk

ORDERS = TopicPartition("orders", 0)
CONFIG = LogConfig(segment_bytes=400, index_interval_bytes=100)
LETTERS = "abcdefghijkl"
ENOUGH = 1_000  # things that a start does to the disk; no start comes to so many
MARK = ".kafka_cleanshutdown"
RECOVERY_POINTS = "recovery-point-offset-checkpoint"
LAST_SEGMENT = "00000000000000000010.log"


class Killed(Exception):  # named for what it is
    """The process ends here."""


class MortalDisk(UnsyncedDisk):
    """Whoever uses it dies at the next thing after `left`. What was written stays: kill -9."""

    def __init__(self, left: int) -> None:
        self.left = left

    def _live(self) -> None:
        if not self.left:
            raise Killed
        self.left -= 1

    def write_at(self, file: OpenFile, data: Data, position: int) -> None:
        self._live()
        super().write_at(file, data, position)

    def truncate(self, file: OpenFile, size_bytes: int) -> None:
        self._live()
        super().truncate(file, size_bytes)

    def rename(self, source: StrPath, target: StrPath) -> None:
        self._live()
        super().rename(source, target)

    def unlink(self, path: StrPath) -> None:
        self._live()
        super().unlink(path)


async def start(data: Path, left: int = ENOUGH) -> LogManager:
    """A broker's logs, loaded; or, by `Killed`, what is left of the attempt."""
    manager = LogManager(
        LogManagerConfig((data,), CONFIG),
        disk=MortalDisk(left),
        clock_ms=Clock(),
        randomness=random.Random(1),
        recorder=EventLog(1),
    )
    await manager.lock()
    try:
        await manager.load({}, lambda _done, _total: None)
    except BaseException:
        let_go(manager)
        raise
    return manager


async def is_killed(data: Path, left: int) -> bool:
    """Start, and whether it came to its end before it was done."""
    killed = False
    try:
        let_go(await start(data, left))
    except* Killed:
        killed = True
    return killed


async def closed_cleanly(data: Path) -> None:
    """Twelve records of an idempotent producer in three segments, and the mark."""
    manager = await start(data)
    log = await manager.get_or_create(ORDERS, None, CONFIG)
    for offset, letter in enumerate(LETTERS):
        log.append_as_leader(make_batch(letter, producer=(7, 0, offset)), 0)
    await manager.aclose(25)
    assert (data / MARK).exists()


async def found(data: Path) -> tuple[list[str], list[int], dict[str, bytes]]:
    """The records, the producer's last sequence, and the files, of a start without a fault."""
    manager = await start(data)
    log = manager.logs[ORDERS]
    sequences = [entry.last_sequence for entry in log.producers.entries()]
    records = values(log)
    let_go(manager)
    return records, sequences, files_in(data / "orders-0")


def files_in(directory: Path) -> dict[str, bytes]:
    """By their paths below it."""
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


def tear(data: Path) -> None:
    """What a power failure leaves: half of the last batch."""
    last = data / "orders-0" / LAST_SEGMENT
    last.write_bytes(last.read_bytes()[:-30])


@pytest.fixture
async def clean(tmp_path: Path) -> Path:
    data = tmp_path / "clean"
    await closed_cleanly(data)
    return data


async def test_the_mark_is_gone_before_anything_else_is_touched(
    clean: Path, tmp_path: Path
) -> None:
    """Else what the start writes, and then tears, would be believed by the next one."""
    before = files_in(clean)
    for left in (0, 1):
        data = tmp_path / f"killed-{left}"
        shutil.copytree(clean, data)
        await is_killed(data, left)
        after = files_in(data)
        changed = [name for name in before if after.get(name) != before[name]]
        assert changed == ([MARK] if left else [])
        if left:
            tear(data)
            records, sequences, _ = await found(data)
            assert (records, sequences) == (list(LETTERS[:-1]), [10])


@pytest.mark.long
async def test_recovery_is_done_again_however_often_it_is_broken_off(
    clean: Path, tmp_path: Path
) -> None:
    tear(clean)
    (clean / MARK).unlink()
    (clean / RECOVERY_POINTS).unlink()  # everything is to be read again
    expected_data = tmp_path / "expected"
    shutil.copytree(clean, expected_data)
    expected = await found(expected_data)
    assert expected[:2] == (list(LETTERS[:-1]), [10])
    killed = 0
    for left in range(ENOUGH):
        data = tmp_path / f"killed-at-{left}"
        shutil.copytree(clean, data)
        if not await is_killed(data, left):
            break
        await is_killed(data, left)  # and the next start, too
        assert await found(data) == expected
        killed += 1
    assert killed > 10, "recovery writes more than that"
