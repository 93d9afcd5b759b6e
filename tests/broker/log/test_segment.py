"""When a segment rolls, and what of it stays open."""

from pathlib import Path

import pytest

from broker.log.log_config import LogConfig
from broker.log.segment import Segment
from broker.wire.record_batch import batches
from tests.broker.log.logs import START_MS, LogWorld, fill, make_batch, read_batches
from tests.support.unsynced_disk import UnsyncedDisk

CONFIG = LogConfig(segment_bytes=1000, segment_ms=500, segment_index_bytes=16)


def new_segment(directory: Path, jitter_ms: int = 0) -> Segment:
    return Segment.create(
        UnsyncedDisk(), directory, 100, CONFIG, created_ms=START_MS, jitter_ms=jitter_ms
    )


def append(segment: Segment, offset: int, timestamp_ms: int = START_MS) -> None:
    data = make_batch(base_offset=offset, timestamp_ms=timestamp_ms)
    segment.append(list(batches(data)), data)


def rolls(
    segment: Segment,
    *,
    size_bytes: int = 10,
    timestamp_ms: int = START_MS,
    last_offset: int = 200,
    now_ms: int = START_MS,
) -> bool:
    return segment.should_roll(CONFIG, size_bytes, timestamp_ms, last_offset, now_ms)


def test_it_rolls_by_size(tmp_path: Path) -> None:
    segment = new_segment(tmp_path)
    append(segment, 100)
    assert not rolls(segment, size_bytes=1000 - segment.size_bytes)
    assert rolls(segment, size_bytes=1001 - segment.size_bytes)


def test_it_rolls_by_its_records_time(tmp_path: Path) -> None:
    segment = new_segment(tmp_path, jitter_ms=100)
    append(segment, 100)
    assert not rolls(segment, timestamp_ms=START_MS + 400, now_ms=START_MS + 10_000)
    assert rolls(segment, timestamp_ms=START_MS + 401)


def test_it_rolls_by_the_clock_if_records_have_no_time(tmp_path: Path) -> None:
    segment = new_segment(tmp_path)
    append(segment, 100, timestamp_ms=-1)
    assert not rolls(segment, timestamp_ms=-1, now_ms=START_MS + 500)
    assert rolls(segment, timestamp_ms=-1, now_ms=START_MS + 501)


def test_an_empty_one_does_not_roll_by_time(tmp_path: Path) -> None:
    segment = new_segment(tmp_path)
    assert not rolls(segment, timestamp_ms=START_MS + 10_000, now_ms=START_MS + 10_000)


def test_it_rolls_when_an_offset_no_longer_fits_an_index_entry(tmp_path: Path) -> None:
    segment = new_segment(tmp_path)
    assert not rolls(segment, last_offset=100 + 2**31 - 1)
    assert rolls(segment, last_offset=100 + 2**31)


def test_it_rolls_when_an_index_is_full(tmp_path: Path) -> None:
    segment = new_segment(tmp_path)
    segment.offset_index.append(110, 10)
    assert not rolls(segment)
    segment.offset_index.append(120, 20)
    assert rolls(segment)


def test_rolled_logs_keep_one_file_open_each(small_segments: LogWorld) -> None:
    def open_files() -> int:
        files = [fd for fd in Path("/proc/self/fd").iterdir() if fd.is_symlink()]
        return sum(fd.readlink().is_relative_to(small_segments.directory) for fd in files)

    log = small_segments.open()
    fill(log, 100)
    assert len(log.local.segments) == 20
    assert open_files() <= 3  # .log, .index and .timeindex of the active segment
    slices = [log.read(offset, 1000, 100) for offset in range(0, 100, 10)]
    assert open_files() <= 3 + len(slices)
    del slices
    assert open_files() <= 3
    log.close()
    assert open_files() == 0


@pytest.mark.parametrize("end", [0, 1, 7, 8, 20])
def test_a_reading_never_passes_its_end_offset(small_segments: LogWorld, end: int) -> None:
    log = small_segments.open()
    fill(log, 20)
    assert [batch.base_offset for batch in read_batches(log, 0, end)] == list(range(end))


def test_a_reading_is_cut_at_max_bytes_but_has_one_batch(world: LogWorld) -> None:
    log = world.open()
    fill(log, 10)
    batch_bytes = read_batches(log)[0].size_bytes
    assert log.read(2, 3 * batch_bytes + 5, 10).size_bytes == 3 * batch_bytes + 5
    assert log.read(2, 5, 10).size_bytes == batch_bytes
    assert log.read(2, 5, 10, min_one=False).regions == ()
    assert log.read(2, 0, 10).size_bytes == batch_bytes
    assert log.read(9, 10_000, 10).size_bytes == batch_bytes
