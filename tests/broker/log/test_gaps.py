"""Logs with gaps between their segments, as compaction leaves them: a start may not take a gap for
records that a power failure took, whatever the topic's cleanup.policy is by then."""

import random
from pathlib import Path

import attrs
import pytest

from broker.log.log_config import LogConfig
from broker.log.partition_log import PartitionLog
from broker.log.values import EpochEndOffset
from tests.broker.log.cleaner.logs import COMPACTED, CompactedLog, words_of
from tests.broker.log.logs import LogWorld, make_batch, read_batches
from tests.support.cleaning import clean
from tests.support.simulated_disk import SimulatedDisk

DELETE = attrs.evolve(COMPACTED, cleanup_policy=frozenset({"delete"}))


@attrs.define
class Gaps:
    """A log that was compacted, and is opened as one of a topic that isn't."""

    world: LogWorld
    words: list[str]
    end_offset: int
    cleaned_to: int

    def open(
        self,
        *,
        was_clean: bool = False,
        recovery_point: int | None = 0,
        cleaned_to: int | None = None,
    ) -> PartitionLog:
        return self.world.open(
            was_clean=was_clean, recovery_point=recovery_point, cleaned_to=cleaned_to
        )

    def check(self, log: PartitionLog) -> None:
        assert words_of(log) == self.words
        assert log.log_end_offset == self.end_offset
        assert [entry.last_sequence for entry in log.producers.entries()] == [29]
        for offset in range(log.log_start_offset, self.end_offset):
            batch = read_batches(log, offset)[0]
            assert batch.last_offset >= offset


@pytest.fixture
def gaps(tmp_path: Path) -> Gaps:
    """Thirty records, some of keys of their own, the others of four, and an active segment of the
    last ones. Small segments stay small: they end before the next one begins."""
    compacted = CompactedLog.at(tmp_path)
    for number in range(30):
        key = f"key-{number % 4}" if number % 5 else f"only-{number}"
        compacted.put(f"{key}={number}", producer=(7, 0, number))
    log = compacted.log
    log.update_config(attrs.evolve(COMPACTED, segment_bytes=170))  # no two become one
    cleaned_to = clean(log, compacted.world.clock(), compacted.world.disk).end_offset
    ends = [segment.next_offset() for segment in log.local.segments]
    begins = log.local.segments.base_offsets
    assert sum(end < begin for end, begin in zip(ends, begins[1:], strict=False)) > 2
    words = compacted.words()
    log.close()
    for path in log.local.take_deletable():
        path.unlink()
    compacted.world.config = DELETE
    return Gaps(compacted.world, words, log.log_end_offset, cleaned_to)


@pytest.mark.parametrize("suffix", [".index", ".timeindex"])
@pytest.mark.parametrize("was_clean", [True, False])
@pytest.mark.parametrize("every_other", [True, False])
def test_lost_indexes_are_made_again_and_nothing_else_touched(
    gaps: Gaps, suffix: str, was_clean: bool, every_other: bool
) -> None:
    directory = gaps.world.directory
    before = {path.name: path.read_bytes() for path in directory.iterdir()}
    lost = sorted(directory.glob(f"*{suffix}"))[:: 2 if every_other else 1]
    for path in lost:
        path.unlink()
    log = gaps.open(was_clean=was_clean, recovery_point=gaps.end_offset)
    gaps.check(log)
    log.abandon()
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == before


def test_recovery_points_that_can_not_be_read(gaps: Gaps) -> None:
    gaps.check(gaps.open(recovery_point=None))


def test_a_log_that_was_compacted_further_than_it_was_synced(gaps: Gaps) -> None:
    """What the cleaner wrote is on the disk, whatever the other checkpoint says."""
    gaps.check(gaps.open(recovery_point=0, cleaned_to=gaps.cleaned_to))
    gaps.check(gaps.open(recovery_point=5, cleaned_to=gaps.cleaned_to))


def test_a_copy_of_it_that_nobody_has_compacted(gaps: Gaps, tmp_path: Path) -> None:
    """A follower, killed before its recovery point is written down. It may be the only replica."""
    log = gaps.open(was_clean=True)
    copies = LogWorld(tmp_path / "copy" / "topic-0", attrs.evolve(DELETE, segment_bytes=80))
    copies.directory.parent.mkdir()
    copy = copies.open()
    for batch in read_batches(log):
        copy.append_as_follower(batch.view)
    assert len(copy.local.segments) > 7
    copy.abandon()
    gaps.check(copies.open())


def test_a_torn_file_of_epochs(gaps: Gaps) -> None:
    (gaps.world.directory / "leader-epoch-checkpoint").write_text("0\n1\n0")
    log = gaps.open(recovery_point=gaps.end_offset)
    gaps.check(log)
    assert log.epochs.latest == 0


def test_an_epoch_begins_where_it_began_though_its_first_batches_are_gone(tmp_path: Path) -> None:
    """A follower with an unreplicated tail of the old epoch would otherwise keep that."""
    compacted = CompactedLog.at(tmp_path)
    for number in range(10):
        compacted.put(f"key-{number % 3}={number}")
    compacted.log.assign_epoch_start_offset(5, 10)
    for number in range(10, 20):
        compacted.log.append_as_leader(
            make_batch(str(number), key=f"key-{number % 3}"), leader_epoch=5
        )
    compacted.log.update_high_watermark(20)
    compacted.log.assign_epoch_start_offset(6, 20)
    clean(compacted.log, compacted.world.clock(), compacted.world.disk)
    assert read_batches(compacted.log)[0].base_offset > 10
    compacted.log.abandon()
    log = compacted.world.open()
    assert log.end_offset_for_epoch(0) == EpochEndOffset(0, 10)
    assert log.epochs.entries() == [(0, 0), (5, 10)], "6 has appended nothing"


@pytest.mark.long
@pytest.mark.parametrize("seed", range(8))
def test_a_power_failure_after_the_policy_was_altered(tmp_path: Path, seed: int) -> None:
    """Nothing that was compacted is lost, and of what came since a prefix is there."""
    randomness = random.Random(seed)
    disk = SimulatedDisk(randomness)
    world = LogWorld(tmp_path / "topic-0", COMPACTED, disk)
    compacted = CompactedLog(world, world.open())
    for number in range(randomness.randrange(10, 40)):
        compacted.put(f"key-{randomness.randrange(5)}={number}")
    log = compacted.log
    log.flush()
    log.update_config(attrs.evolve(COMPACTED, segment_bytes=170))
    checkpoint = randomness.choice([0, log.recovery_point])
    cleaned = clean(log, world.clock(), disk)
    kept = [word for word in compacted.words() if int(word.partition(":")[0]) < cleaned.end_offset]
    world.config = DELETE
    log.update_config(DELETE)
    synced = compacted.words()
    for number in range(randomness.randrange(20)):
        compacted.put(f"new-{number}={number}")
    written = compacted.words()
    log.abandon()
    disk.crash()
    log = world.open(recovery_point=checkpoint, cleaned_to=cleaned.end_offset)
    found = words_of(log)
    assert found[: len(kept)] == kept
    assert found == written[: len(found)]
    assert len(found) >= len(synced), "what was flushed"


def test_a_hole_that_a_power_failure_made_ends_the_log(gaps: Gaps) -> None:
    """Beyond what is known to have been synced, and compacted, a segment may lack its end."""
    world = gaps.world
    log = gaps.open(was_clean=True)
    synced = log.log_end_offset
    log.update_config(LogConfig(segment_bytes=200))
    compacted = CompactedLog(world, log)
    for number in range(6):
        compacted.put(f"new-{number}={number}")
    log.abandon()
    segments = sorted(world.directory.glob("*.log"))
    with segments[-2].open("r+b") as file:
        file.truncate(0)
    log = gaps.open(recovery_point=synced, cleaned_to=gaps.cleaned_to)
    left = int(segments[-2].stem)
    assert log.log_end_offset == left
    new = [f"{offset}:new-{offset - synced}={offset - synced}" for offset in range(synced, left)]
    assert words_of(log) == gaps.words + new
