"""`.txnindex`: Kafka's bytes, searches, truncation, and what can't be one."""

import os
from pathlib import Path

import pytest

from broker.log.transaction_index import TransactionIndex
from broker.log.values import AbortedTransaction
from tests.support.unsynced_disk import UnsyncedDisk

BASE = 100
ONE = AbortedTransaction(7, 90, 105, 102)
TWO = AbortedTransaction(8, 102, 110, 108)
THREE = AbortedTransaction(7, 108, 120, 121)


def index_in(directory: Path, base_offset: int = BASE) -> TransactionIndex:
    return TransactionIndex(UnsyncedDisk(), str(directory / "x.txnindex"), base_offset)


@pytest.fixture
def index(tmp_path: Path) -> TransactionIndex:
    index = index_in(tmp_path)
    for aborted in (ONE, TWO, THREE):
        index.append(aborted)
    return index


def search(index: TransactionIndex, start: int, end: int) -> tuple[list[AbortedTransaction], bool]:
    found: list[AbortedTransaction] = []
    return found, index.search(start, end, found)


def test_there_is_no_file_before_the_first_entry(tmp_path: Path) -> None:
    index = index_in(tmp_path)
    index.clear()
    index.truncate_to(0)
    assert index.is_sound()
    assert search(index, 0, 1000) == ([], False)
    assert not index.exists
    index.append(ONE)
    assert index.exists


def test_the_bytes_are_kafkas(tmp_path: Path) -> None:
    index = index_in(tmp_path)
    index.append(ONE)
    assert Path(index.path).read_bytes().hex(" ", 8) == (
        "0000 0000000000000007 000000000000005a 0000000000000069 0000000000000066"
    )


def test_a_search_among_many_reads_those_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A segment may have a million of them, and each fetch from it asks."""
    index = index_in(tmp_path, 0)
    many = [AbortedTransaction(7, at, at + 2, at + 3) for at in range(0, 9_000, 3)]
    for aborted in many:
        index.append(aborted)
    sizes, pread = [], os.pread

    def noted(fd: int, size_bytes: int, position: int) -> bytes:
        sizes.append(size_bytes)
        return pread(fd, size_bytes, position)

    monkeypatch.setattr(os, "pread", noted)
    assert search(index, 0, 30) == (many[:10], True)
    assert sum(sizes) < 10_000
    assert search(index, 0, 9_000)[0] == many


def test_what_is_written_is_read(index: TransactionIndex, tmp_path: Path) -> None:
    assert index.aborted() == [ONE, TWO, THREE]
    index.release()
    assert index_in(tmp_path).aborted() == [ONE, TWO, THREE]


def test_a_search_finds_those_with_records_in_the_range(index: TransactionIndex) -> None:
    assert search(index, 100, 102) == ([ONE], True)
    assert search(index, 100, 103) == ([ONE, TWO], True)
    assert search(index, 106, 108) == ([TWO], True)
    assert search(index, 111, 121) == ([THREE], True)
    assert search(index, 121, 130) == ([], False)


def test_it_goes_on_in_later_segments_while_something_was_open(index: TransactionIndex) -> None:
    assert search(index, 100, 109) == ([ONE, TWO, THREE], True)
    assert search(index, 100, 122) == ([ONE, TWO, THREE], False)


def test_markers_ascend(index: TransactionIndex) -> None:
    with pytest.raises(ValueError, match="after a marker at 120"):
        index.append(AbortedTransaction(9, 100, 120, 121))


def test_truncation_keeps_those_whose_markers_stay(index: TransactionIndex, tmp_path: Path) -> None:
    index.truncate_to(121)
    assert index.aborted() == [ONE, TWO, THREE]
    index.truncate_to(110)
    assert index.aborted() == [ONE]
    index.append(THREE)
    assert index_in(tmp_path).aborted() == [ONE, THREE]
    index.clear()
    assert index_in(tmp_path).aborted() == []


def test_what_can_not_be_this_segments_is_not_sound(
    index: TransactionIndex, tmp_path: Path
) -> None:
    assert index.is_sound()
    assert not index_in(tmp_path, base_offset=106).is_sound(), "of an earlier segment"
    path = Path(index.path)
    content = path.read_bytes()
    path.write_bytes(b"\0\1" + content[2:])
    assert not index_in(tmp_path).is_sound(), "of a later version"
    path.write_bytes(content[34:68] + content[:34])
    assert not index_in(tmp_path).is_sound(), "markers descend"
    path.write_bytes(content[:50])
    assert index_in(tmp_path).aborted() == [ONE], "a torn entry is none, as in Kafka"
