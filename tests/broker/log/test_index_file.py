"""The two indexes: lookups against a plain list, on the disk and after a reopening."""

from bisect import bisect_right
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.log.index_file import OffsetIndex, TimeIndex
from tests.support.unsynced_disk import UnsyncedDisk

BASE = 1000


def offset_index(directory: Path) -> OffsetIndex:
    return OffsetIndex(UnsyncedDisk(), str(directory / "x.index"), BASE, 800)


def time_index(directory: Path) -> TimeIndex:
    return TimeIndex(UnsyncedDisk(), str(directory / "x.timeindex"), BASE, 1200)


@pytest.mark.long
@given(st.lists(st.integers(0, 500), min_size=1, max_size=60, unique=True), st.integers(-5, 600))
def test_lookup_finds_the_last_entry_at_or_below(
    tmp_path_factory: pytest.TempPathFactory, deltas: list[int], target: int
) -> None:
    directory = tmp_path_factory.mktemp("index")
    index = offset_index(directory)
    deltas.sort()
    for number, delta in enumerate(deltas, start=1):
        index.append(BASE + delta, number * 100)
    expected = bisect_right(deltas, target) * 100
    assert index.lookup(BASE + target) == expected
    index.release()
    assert offset_index(directory).lookup(BASE + target) == expected


def test_the_bytes_are_kafkas(tmp_path: Path) -> None:
    index, times = offset_index(tmp_path), time_index(tmp_path)
    index.append(BASE + 7, 4200)
    times.append_if_later(1_700_000_000_123, BASE + 7)
    assert Path(index.path).read_bytes().hex(" ", 4) == "00000007 00001068"
    assert Path(times.path).read_bytes().hex(" ", 4) == "0000018b cfe5687b 00000007"


def test_an_index_is_as_long_as_its_entries_and_full_at_its_limit(tmp_path: Path) -> None:
    index = offset_index(tmp_path)
    for number in range(100):
        assert not index.is_full
        index.append(BASE + number, 100 + number)
    assert index.is_full
    assert Path(index.path).stat().st_size == 800


def test_timestamps_ascend_and_none_is_not_one(tmp_path: Path) -> None:
    times = time_index(tmp_path)
    assert times.largest() == (-1, BASE)
    for timestamp_ms, offset in ((-1, 0), (50, 3), (50, 5), (40, 7), (60, 9)):
        times.append_if_later(timestamp_ms, BASE + offset)
    assert list(times.entries()) == [(50, 3), (60, 9)]
    assert times.largest() == (60, BASE + 9)
    assert [times.lookup(t) for t in (49, 50, 59, 60, 99)] == [
        BASE,
        BASE + 3,
        BASE + 3,
        BASE + 9,
        BASE + 9,
    ]


def test_truncation_keeps_what_ends_before_the_offset(tmp_path: Path) -> None:
    index, times = offset_index(tmp_path), time_index(tmp_path)
    for number in (10, 20, 30):
        index.append(BASE + number, number * 10)
        times.append_if_later(number * 100, BASE + number)
    index.truncate_to(BASE + 20)
    times.truncate_to(BASE + 20)
    assert list(index.entries()) == [(10, 100)]
    assert list(times.entries()) == [(1000, 10)]
    index.append(BASE + 25, 150)
    assert list(offset_index(tmp_path).entries()) == [(10, 100), (25, 150)]


def test_the_zeros_after_a_killed_kafkas_entries_are_seen(tmp_path: Path) -> None:
    """Kafka maps 10 MB, and a kill leaves the file that long."""
    index, times = offset_index(tmp_path), time_index(tmp_path)
    index.append(BASE + 10, 100)
    times.append_if_later(1000, BASE + 10)
    assert index.is_sound(200)
    assert times.is_sound()
    assert not index.is_sound(100), "points past the log file"
    for path in (index.path, times.path):
        with Path(path).open("r+b") as file:
            file.truncate(800)
    assert not offset_index(tmp_path).is_sound(200)
    assert not time_index(tmp_path).is_sound()


@pytest.mark.parametrize("rest", [1, 7])
def test_half_an_entry_is_seen(tmp_path: Path, rest: int) -> None:
    index, times = offset_index(tmp_path), time_index(tmp_path)
    for path in (index.path, times.path):
        Path(path).write_bytes(bytes(rest))
    assert not index.is_sound(200)
    assert not times.is_sound()
    index.create()
    times.create()
    assert index.is_sound(200)
    assert times.is_sound()


def test_timestamps_that_do_not_ascend_are_seen(tmp_path: Path) -> None:
    times = time_index(tmp_path)
    for entry in ((2000, 10), (3000, 20), (1000, 30)):
        times.append_entry(entry)
    assert not times.is_sound()
    times.truncate_to_count(2)
    assert times.is_sound()
    times.append_entry((4000, -1))
    assert not times.is_sound()
