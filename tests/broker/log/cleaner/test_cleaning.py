"""A round over a log: what stays of it, in which files, and for how long."""

from pathlib import Path

import attrs
import pytest

from broker.log.cleaner.choosing import look_at
from broker.log.cleaner.cleaning import Cleaning, grouped
from broker.log.cleaner.job import SegmentToRead
from broker.log.cleaner.log_cleaner import job_for
from broker.log.cleaner.transactions import CleanedTransactions
from broker.log.log_config import CleanerConfig
from broker.log.storage import Storage
from broker.log.values import AbortedTransaction
from broker.wire.compression import Compression
from broker.wire.control_records import build_marker
from broker.wire.errors import KafkaError
from broker.wire.record_batch import batch_at, build_batch
from broker.wire.records import Record
from tests.broker.log.cleaner.logs import COMPACTED, CompactedLog, words_of
from tests.broker.log.logs import read_batches
from tests.support.cleaning import clean


@pytest.fixture
def compacted(tmp_path: Path) -> CompactedLog:
    return CompactedLog.at(tmp_path)


def cleaned(compacted: CompactedLog, config: CleanerConfig | None = None) -> int:
    return clean(
        compacted.log, compacted.world.clock(), compacted.world.disk, config or CleanerConfig()
    ).end_offset


@pytest.mark.parametrize("codec", Compression)
def test_the_latest_record_of_each_key_stays_where_it_was(
    compacted: CompactedLog, codec: Compression
) -> None:
    compacted.put("a=1", "b=1", "c=1", compression=codec)
    compacted.put("b=2", "b=3", compression=codec)
    compacted.put("d=1", "e=1", compression=codec)
    compacted.roll()
    compacted.put("a=9", compression=codec)  # in the active segment: nobody looks at it
    assert cleaned(compacted) == 7
    assert compacted.words() == ["0:a=1", "2:c=1", "4:b=3", "5:d=1", "6:e=1", "7:a=9"]
    assert [batch.codec for batch in read_batches(compacted.log)] == [codec] * 4
    for batch in read_batches(compacted.log):
        batch.check_crc()


def test_segments_become_one_and_the_log_opens_again_as_it_was(compacted: CompactedLog) -> None:
    for number in range(40):
        compacted.put(f"key-{number % 3}={number}", producer=(7, 0, number))
    assert len(compacted.log.local.segments) > 5
    compacted.log.update_config(attrs.evolve(COMPACTED, segment_bytes=10_000))
    cleaned(compacted)
    words, ends = compacted.words(), compacted.log.log_end_offset
    assert len(compacted.log.local.segments) == 2
    compacted.log.close()
    again = compacted.world.open(was_clean=True, recovery_point=ends)
    assert words_of(again) == words
    assert again.log_end_offset == ends
    assert [entry.last_sequence for entry in again.producers.entries()] == [39]
    killed = compacted.world.open()  # all is read again
    assert words_of(killed) == words


def test_a_batch_that_stays_whole_stays_as_it_is(compacted: CompactedLog) -> None:
    compacted.put("a=1", "b=1")
    before = bytes(read_batches(compacted.log)[0].view)
    compacted.roll()
    cleaned(compacted)
    assert bytes(read_batches(compacted.log)[0].view) == before


def test_a_tombstone_stays_for_its_time_and_goes(compacted: CompactedLog) -> None:
    compacted.put("a=1", "b=1")
    compacted.put("a=", "c=1")
    compacted.roll()
    cleaned(compacted)
    assert compacted.words() == ["1:b=1", "2:a=", "3:c=1"]
    tombstone = read_batches(compacted.log)[1]
    assert tombstone.delete_horizon_ms == compacted.world.clock() + 1000
    assert [record.timestamp_ms for record in tombstone.records()] == [compacted.world.clock()] * 2
    compacted.world.clock.now_ms += 999
    again(compacted)
    assert "2:a=" in compacted.words()
    compacted.world.clock.now_ms += 1
    again(compacted)
    assert [word for word in compacted.words() if "x" not in word] == ["1:b=1", "3:c=1"]


def again(compacted: CompactedLog) -> None:
    """There must be something dirty for a round."""
    compacted.put(f"x{compacted.log.log_end_offset}=1")
    compacted.roll()
    cleaned(compacted)


def test_a_segment_that_may_not_grow_waits_for_its_delete_horizon(compacted: CompactedLog) -> None:
    """Whose beginning makes each record longer: an index has 31 bits for where a batch is."""
    for name in "abcde":
        compacted.put(f"{name}=")
    compacted.roll()

    def begun(most_bytes: int) -> list[bool]:
        job = job_for(look_at(compacted.log, 0), CleanerConfig(), compacted.world.clock())
        for made in Cleaning(job, compacted.world.disk, lambda _: None, most_bytes).run():
            assert made.size_bytes <= most_bytes
            compacted.log.local.replace(made.base_offsets, made.size_bytes)
        return [batch.delete_horizon_ms is not None for batch in read_batches(compacted.log)]

    first = compacted.log.local.segments.first
    assert not any(begun(first.size_bytes))
    assert any(begun(first.size_bytes + 100))
    assert all(begun(first.size_bytes * 2))
    assert len(compacted.words()) == 5


def test_records_of_aborted_transactions_go_and_the_marker_follows(
    compacted: CompactedLog,
) -> None:
    compacted.put("a=1")
    compacted.put("a=2", "b=2", producer=(7, 0, 0), transactional=True)
    marker = compacted.end_transaction(7, commit=False)
    # The producer goes on elsewhere in the log, so nothing of it must be kept for its sequence.
    compacted.put("c=1", producer=(7, 0, 2), transactional=True)
    compacted.end_transaction(7, commit=True)
    compacted.roll()
    cleaned(compacted)
    assert compacted.words() == ["0:a=1", "4:c=1"]
    assert compacted.left() == [(0, 1), (marker, 1), (4, 1), (5, 1)]
    # Its records were still met in this round; the next one begins the delay.
    [aborted] = compacted.log.aborted_transactions(0, 10)
    assert aborted.last_offset == marker
    again(compacted)
    assert read_batches(compacted.log)[1].delete_horizon_ms == compacted.world.clock() + 1000
    assert compacted.log.aborted_transactions(0, 10) == []
    compacted.world.clock.now_ms += 1000
    again(compacted)
    assert marker not in [offset for offset, _ in compacted.left()]


def test_aborted_transactions_of_a_producer_that_seem_to_begin_alike_end_one_by_one() -> None:
    entries = [AbortedTransaction(8, 3, last, last + 1) for last in (5, 9)]
    walk = CleanedTransactions(entries, 0)
    first, second = (
        build_batch(
            [Record(b"a", b"1", 5)],
            base_offset=offset,
            producer_id=8,
            producer_epoch=0,
            base_sequence=offset,
            is_transactional=True,
        )
        for offset in (3, 6)
    )
    marker = build_marker(8, 0, commit=False, coordinator_epoch=0, timestamp_ms=5)
    assert walk.is_aborted(batch_at(memoryview(first), 0, len(first)))
    assert not walk.marks_nothing(batch_at(memoryview(marker), 0, len(marker)))
    assert walk.is_aborted(batch_at(memoryview(second), 0, len(second)))


def test_the_last_batch_of_a_producer_stays_as_a_header(compacted: CompactedLog) -> None:
    compacted.put("a=1", "b=1", producer=(7, 0, 0), compression=Compression.LZ4)
    compacted.put("a=2", "b=2")
    compacted.put("z=1")
    compacted.roll()
    cleaned(compacted)
    assert compacted.left() == [(0, 0), (2, 2), (4, 1)]
    header = read_batches(compacted.log)[0]
    assert (header.last_sequence, header.last_offset, header.codec) == (1, 1, 0)


def test_a_map_that_is_too_small_takes_several_rounds(compacted: CompactedLog) -> None:
    for number in range(40):
        compacted.put(f"key-{number % 20}={number}")
    compacted.roll()
    small = CleanerConfig(map_bytes=24 * 8)
    ends = []
    while look_at(compacted.log, 0).cleanable_bytes:
        ends.append(cleaned(compacted, small))
    assert len(ends) > 3
    assert ends == sorted(set(ends))
    assert compacted.words() == [f"{n}:key-{n % 20}={n}" for n in range(20, 40)]


def test_a_log_of_few_records_that_lie_far_apart_takes_one_round(compacted: CompactedLog) -> None:
    compacted.put("a=1", "b=1")
    for far in (10**8, 10**9):
        compacted.log.skip_to(far)
        compacted.put("a=2", "b=")
    compacted.roll()
    assert cleaned(compacted, CleanerConfig(map_bytes=24_000)) == 10**9 + 2
    assert compacted.words() == ["1000000000:a=2", "1000000001:b="]


def test_an_open_transaction_keeps_its_segment_from_being_cleaned(compacted: CompactedLog) -> None:
    compacted.put("a=1")
    compacted.put("a=2")
    compacted.roll()
    compacted.put("a=3", producer=(7, 0, 0), transactional=True)
    compacted.roll()
    assert cleaned(compacted) == 2
    assert compacted.words() == ["1:a=2", "2:a=3"]


def test_the_new_segment_is_as_old_as_the_last_of_those_it_was_made_from(tmp_path: Path) -> None:
    compacted = CompactedLog.at(tmp_path, attrs.evolve(COMPACTED, segment_bytes=10_000))
    compacted.put("a=1")
    compacted.roll()
    compacted.put("a=2")
    compacted.roll()
    first, second = (Path(s.path) for s in list(compacted.log.local.segments)[:2])
    modified_ns = second.stat().st_mtime_ns
    cleaned(compacted)
    assert first.stat().st_mtime_ns == modified_ns
    assert not second.exists()


def segment(base_offset: int, size_bytes: int, index_bytes: int = 8) -> SegmentToRead:
    return SegmentToRead(base_offset, base_offset + 10, size_bytes, index_bytes, 12)


@pytest.mark.parametrize(
    ("sizes", "groups"),
    [
        ([50, 50, 50], [[0, 10], [20]]),
        ([100, 1, 99], [[0], [10, 20]]),
        ([0, 0, 0], [[0, 10, 20]]),
        ([200, 200], [[0], [10]]),
    ],
)
def test_neighbours_are_grouped_as_long_as_they_fit(
    sizes: list[int], groups: list[list[int]]
) -> None:
    segments = [segment(number * 10, size) for number, size in enumerate(sizes)]
    found = [[each.base_offset for each in group] for group in grouped(segments, 100, 1000, 30)]
    assert found == groups


def test_a_group_is_swapped_in_at_once_so_it_is_not_of_thousands() -> None:
    many = [segment(number * 10, 1) for number in range(2000)]
    groups = list(grouped(many, 10_000, 1 << 20, 20_000))
    assert [each for group in groups for each in group] == many
    assert {len(group) for group in groups[:-1]} == {32}


def test_a_swap_wants_all_of_its_files_before_it_touches_a_segment(compacted: CompactedLog) -> None:
    for number in range(20):
        compacted.put(f"key-{number}=1")
    compacted.roll()
    words = compacted.words()
    chosen = look_at(compacted.log, 0)
    job = job_for(chosen, CleanerConfig(), compacted.world.clock())
    made = next(Cleaning(job, compacted.world.disk, lambda _size_bytes: None).run())
    directory = compacted.log.directory
    [log_file] = directory.glob("*.log.cleaned")
    whole = log_file.read_bytes()
    old = [name for name in compacted.world.names() if "cleaned" not in name]
    for damage in (
        lambda: log_file.write_bytes(whole[:-1]),
        log_file.unlink,
        next(directory.glob("*.timeindex.cleaned")).unlink,
    ):
        damage()
        compacted.log.local.storage = Storage(directory.parent)
        with pytest.raises(KafkaError, match="offline"):
            compacted.log.local.replace(made.base_offsets, made.size_bytes)
        log_file.write_bytes(whole)
    assert [name for name in compacted.world.names() if "cleaned" not in name] == old
    compacted.log.local.storage = Storage(directory.parent)
    assert compacted.words() == words


def test_what_was_replaced_twice_in_the_delay_goes_by_another_name(tmp_path: Path) -> None:
    """A rename over the first one's name would free its blocks then and there."""
    compacted = CompactedLog.at(tmp_path, attrs.evolve(COMPACTED, file_delete_delay_ms=1000))
    for number in range(2):
        compacted.put(f"a={number}")
        compacted.roll()
        cleaned(compacted)
    deleted = [name for name in compacted.world.names() if name.endswith(".deleted")]
    assert [name for name in deleted if "00.log" in name] == [
        "00000000000000000000.log.1.deleted",
        "00000000000000000000.log.deleted",
    ]
    compacted.world.clock.now_ms += 1000
    due = compacted.log.local.take_deletable()
    assert sorted(path.name for path in due) == deleted
    again = compacted.world.open()
    assert not [name for name in compacted.world.names() if name.endswith(".deleted")]
    assert words_of(again) == ["1:a=1"]


def test_a_group_stays_within_an_index_and_the_range_of_its_offsets() -> None:
    full = [segment(0, 1, 600), segment(10, 1, 600)]
    assert len(list(grouped(full, 100, 1000, 20))) == 2
    far = [segment(0, 1), segment(2**31, 1)]
    assert len(list(grouped(far, 100, 1000, 2**31 + 10))) == 2
    assert len(list(grouped([far[0], segment(2**31, 0)], 100, 1000, 2**31 + 10))) == 1
