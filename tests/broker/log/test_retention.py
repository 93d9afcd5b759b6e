"""What goes, in which order, and when its files do."""

import attrs

from broker.log.partition_log import PartitionLog
from tests.broker.log.logs import START_MS, LogWorld, fill, make_batch, values


def filled(world: LogWorld, **config: object) -> PartitionLog:
    """Offsets 0 to 16 in segments 0, 5, 10, 15; the high watermark at the end."""
    log = world.open()
    fill(log, 17)
    log.update_config(attrs.evolve(world.config, **config))
    log.update_high_watermark(17)
    return log


def test_by_size_at_least_the_limit_stays(small_segments: LogWorld) -> None:
    log = filled(small_segments, retention_bytes=700)
    sizes = [segment.size_bytes for segment in log.local.segments]
    assert sum(sizes[2:]) < 700 <= sum(sizes[1:])
    assert log.delete_old_segments() == 1
    assert (log.log_start_offset, values(log)[0]) == (5, "5")
    assert log.delete_old_segments() == 0


def test_by_time_even_the_active_segment_goes(small_segments: LogWorld) -> None:
    log = filled(small_segments, retention_ms=1000)
    small_segments.clock.now_ms = START_MS + 1000
    assert log.delete_old_segments() == 0
    small_segments.clock.now_ms += 1
    assert log.delete_old_segments() == 4
    assert (log.log_start_offset, log.log_end_offset, len(log.local.segments)) == (17, 17, 1)
    fill(log, 1)
    assert values(log) == ["17"]


def test_of_very_many_some_go_at_a_time(small_segments: LogWorld) -> None:
    log = small_segments.open()
    fill(log, 200)
    log.update_high_watermark(200)
    log.update_config(attrs.evolve(small_segments.config, retention_ms=1000))
    small_segments.clock.now_ms += 2000
    assert [log.delete_old_segments() for _ in range(3)] == [32, 8, 0]
    assert (log.log_start_offset, len(log.local.segments)) == (200, 1)


def test_one_segment_with_a_late_record_keeps_those_after_it(small_segments: LogWorld) -> None:
    log = small_segments.open()
    fill(log, 5)
    log.append_as_leader(make_batch(timestamp_ms=START_MS + 10_000), 0)
    fill(log, 10)
    log.update_high_watermark(16)
    log.update_config(attrs.evolve(small_segments.config, retention_ms=1000))
    small_segments.clock.now_ms = START_MS + 5000
    assert log.delete_old_segments() == 1


def test_nothing_goes_beyond_the_high_watermark(small_segments: LogWorld) -> None:
    log = filled(small_segments, retention_bytes=0)
    log.update_high_watermark(9)
    assert log.delete_old_segments() == 1
    assert log.log_start_offset == 5


def test_by_log_start_offset_also_when_compacted(small_segments: LogWorld) -> None:
    log = filled(small_segments, retention_bytes=0, cleanup_policy=frozenset({"compact"}))
    assert log.delete_old_segments() == 0
    log.increment_log_start_offset(11)
    assert log.starts_within_a_segment
    assert log.delete_old_segments() == 2
    assert log.log_start_offset == 11


def test_files_are_renamed_at_once_and_given_up_after_the_delay(small_segments: LogWorld) -> None:
    log = filled(small_segments, retention_bytes=700, file_delete_delay_ms=5000)
    [region] = log.read(0, 10_000, 17).regions
    before = region.read()
    log.delete_old_segments()
    deleted = [name for name in small_segments.names() if name.endswith(".deleted")]
    assert deleted == [
        "00000000000000000000.index.deleted",
        "00000000000000000000.log.deleted",
        "00000000000000000000.timeindex.deleted",
    ]
    assert log.local.take_deletable() == []
    small_segments.clock.now_ms += 5000
    for path in log.local.take_deletable():
        path.unlink()
    assert log.local.take_deletable() == []
    assert region.read() == before, "a file that is being sent stays readable"


def test_a_segments_snapshot_goes_with_it(small_segments: LogWorld) -> None:
    """To unlink it takes as long as all the renames together."""
    log = filled(small_segments, retention_bytes=300)
    assert log.delete_old_segments() == 2
    snapshots = [name for name in small_segments.names() if "snapshot" in name]
    assert snapshots[0] == "00000000000000000005.snapshot.deleted"
    assert not any(name.endswith(".deleted") for name in snapshots[1:])
    small_segments.clock.now_ms += 60_000
    assert small_segments.directory / snapshots[0] in log.local.take_deletable()
    log.close()
    assert small_segments.open().log_start_offset == 10


def test_an_empty_log_keeps_its_segment(world: LogWorld) -> None:
    world.config = attrs.evolve(world.config, retention_ms=0, retention_bytes=0)
    log = world.open()
    world.clock.now_ms += 10**12
    assert log.delete_old_segments() == 0
    assert len(log.local.segments) == 1
