"""A swap of compaction that is broken off anywhere, and a start after it that is, too."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest

from broker.log import leftovers
from broker.log.partition_log import PartitionLog
from tests.broker.log.cleaner.logs import COMPACTED, CompactedLog, words_of
from tests.broker.log.logs import LogWorld
from tests.support.cleaning import Killed, KillingDisk, clean

MERGED = attrs.evolve(COMPACTED, segment_bytes=10_000)
TOPIC = "topic-0"


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """Three segments with aborted transactions, one that lies in two of them, and an active one."""
    compacted = CompactedLog.at(tmp_path, MERGED)
    compacted.put("a=1", producer=(7, 0, 0), transactional=True)
    compacted.put("b=1")
    compacted.end_transaction(7, commit=False)
    compacted.put("c=1", producer=(8, 0, 0), transactional=True)
    compacted.roll()
    compacted.put("c=2", producer=(8, 0, 1), transactional=True)
    compacted.put("b=2", "d=1")
    compacted.end_transaction(8, commit=False)
    compacted.roll()
    compacted.put("b=3")
    compacted.put("e=1", producer=(7, 0, 1), transactional=True)
    compacted.end_transaction(7, commit=True)
    compacted.roll()
    compacted.log.close()
    return compacted.world.directory


def kills(
    action: Callable[[LogWorld], object], before: Path, to: Path
) -> Iterator[tuple[LogWorld, bool]]:
    """`before`, as `action` leaves it that is killed before its first change of a file, its second,
    ..; and at last as it leaves it when nothing happens to it."""
    for lives in range(200):
        directory = to / str(lives) / TOPIC
        shutil.copytree(before, directory)
        disk = KillingDisk()
        disk.lives = lives
        world = LogWorld(directory, MERGED, disk)
        try:
            action(world)
        except Killed:
            disk.lives = None
            yield world, True
        else:
            disk.lives = None
            yield world, False
            return


def compact(world: LogWorld) -> None:
    """Into one segment. What a cleaner does before its swap isn't of interest here."""
    assert isinstance(world.disk, KillingDisk)
    lives, world.disk.lives = world.disk.lives, None
    log = world.open(was_clean=True)
    log.update_high_watermark(log.log_end_offset)
    replace = log.local.replace

    def swap(base_offsets: tuple[int, ...], size_bytes: int) -> None:
        assert isinstance(world.disk, KillingDisk)
        world.disk.lives = lives
        replace(base_offsets, size_bytes)
        world.disk.lives = None

    log.local.replace = swap  # type: ignore[method-assign, assignment]
    clean(log, world.clock(), world.disk)


def names_of(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir() if path.is_file())


def read_committed(log: PartitionLog) -> tuple[list[str], list[tuple[int, int]]]:
    """Everything but what is told to be aborted, and what that is."""
    aborted = log.aborted_transactions(0, log.log_end_offset)
    return words_of(log), [(each.producer_id, each.last_offset) for each in aborted]


@pytest.mark.long
@pytest.mark.parametrize("order", [1, -1])
def test_wherever_it_is_broken_off_it_is_the_old_log_or_the_new_one(
    written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: int
) -> None:
    """In whatever order the file system gives the names."""
    monkeypatch.setattr(leftovers, "_names", lambda directory: names_of(directory)[::order])
    old = LogWorld(written, MERGED).open(was_clean=True)
    before = read_committed(old)
    old.abandon()
    swaps = list(kills(compact, written, tmp_path / "swaps"))
    after = read_committed(swaps[-1][0].open(was_clean=True))
    assert before != after
    assert len(swaps) > 15
    seen = []
    for place, (world, _) in enumerate(swaps):
        starts = kills(
            lambda world: world.open(was_clean=True), world.directory, tmp_path / f"starts-{place}"
        )
        for start, _ in starts:
            found = read_committed(start.open(was_clean=True))
            assert found in (before, after), start.names()
            seen.append(found)
    assert seen == sorted(seen, key=(before, after).index), "what was decided stays decided"


def test_an_index_of_aborted_transactions_goes_with_its_segment(
    written: Path, tmp_path: Path
) -> None:
    """Though nothing at all is left of that one: the entry would have no marker any more, and what
    the producer commits later would count as aborted."""
    world = LogWorld(written, MERGED)
    assert (written / "00000000000000000000.txnindex").stat().st_size
    for suffix in (".log", ".index", ".timeindex"):
        (written / f"00000000000000000000{suffix}.swap").touch()
    log = world.open(was_clean=True)
    assert [aborted.producer_id for aborted in log.aborted_transactions(0, 99)] == [8]
    assert not (written / "00000000000000000000.txnindex").exists()
