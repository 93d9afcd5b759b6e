"""Row 40: compaction loses transaction markers or tombstones, and with them what a reader sees.

A marker that goes before the records of its transaction leaves an aborted transaction open, or its
records visible (KAFKA-8351); a tombstone that goes before the value that it deletes brings that
back (KAFKA-4529, KAFKA-13727); and a log that is cleaned all the time never got rid of tombstones
before they had a horizon of their own (KIP-534). Provoked by random lives of a log, in which
compaction is broken off anywhere (see `compaction_story`).

What was written is remembered. After each step a reader of the log, whichever isolation level it
has and from wherever it reads, must find of each key what it would have found without compaction.
"""

import pytest

from broker.log.partition_log import PartitionLog
from broker.wire.record_batch import RecordBatch, batches
from broker.wire.records import Record
from tests.broker.log.logs import read_batches
from tests.failures.compaction_story import DELETE_RETENTION_MS, CompactionStory
from tests.fuzz.chosen import cases, seed

STEPS = 60


def tell(tmp_path_factory: pytest.TempPathFactory, number: int) -> None:
    story = CompactionStory(tmp_path_factory.mktemp("log"), number)
    try:
        for _ in range(STEPS):
            if story.step():
                check(story)
        check(story)
    except Exception as error:
        error.add_note(f"story {number}")
        raise
    finally:
        story.end()


@pytest.mark.long
def test_readers_find_the_same_before_and_after_compaction(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    for number in range(12):
        tell(tmp_path_factory, number)


@pytest.mark.matrix
@pytest.mark.parametrize("part", range(8))
def test_and_so_they_do_in_many_more_stories(
    tmp_path_factory: pytest.TempPathFactory, part: int
) -> None:
    first = seed(1000) + part * 1_000_000
    for number in range(first, first + cases(250, share=1 / 8)):
        tell(tmp_path_factory, number)


# --- what must be true


def check(story: CompactionStory) -> None:
    found = read_batches(story.log)
    offsets = [batch.base_offset for batch in found]
    assert offsets == sorted(set(offsets))
    for committed in (False, True):
        records = read(story.log, story.log.log_start_offset, committed=committed)
        check_reader(story, records, committed=committed)
        start_offset = story.randomness.randint(
            story.log.log_start_offset, story.log.log_end_offset
        )
        later = [record for record in records if record.offset >= start_offset]
        assert read(story.log, start_offset, committed=committed) == later
    check_markers(story, found)
    check_producers(story)


def read(log: PartitionLog, start_offset: int, *, committed: bool) -> list[Record]:
    """As a consumer does it, with the aborted transactions that each of its fetches is told of."""
    end_offset = log.last_stable_offset if committed else log.log_end_offset
    records: list[Record] = []
    offset = start_offset
    while True:
        found = log.read(offset, 300, end_offset)
        fetched = list(batches(b"".join(region.read() for region in found.regions)))
        if not fetched:
            return [record for record in records if record.offset >= start_offset]
        aborted = log.aborted_in(found, end_offset) if committed else []
        records += visible_of(fetched, sorted((e.first_offset, e.producer_id) for e in aborted))
        offset = fetched[-1].end_offset


def visible_of(fetched: list[RecordBatch], aborted: list[tuple[int, int]]) -> list[Record]:
    """`aborted`: first offsets and producers, in order."""
    being_aborted: set[int] = set()
    records: list[Record] = []
    for batch in fetched:
        while aborted and aborted[0][0] <= batch.last_offset:
            being_aborted.add(aborted.pop(0)[1])
        if batch.is_control:
            if batch.count and batch.records()[0].key == b"\0\0\0\0":
                being_aborted.discard(batch.producer_id)
        elif not (batch.is_transactional and batch.producer_id in being_aborted):
            records += batch.records()
    return records


def check_reader(story: CompactionStory, records: list[Record], *, committed: bool) -> None:
    log = story.log
    end_offset = log.last_stable_offset if committed else log.log_end_offset
    visible = {
        one.offset: one
        for one in story.written
        if log.log_start_offset <= one.offset < end_offset and (not committed or one.outcome)
    }
    for record in records:  # nothing that was not there, and nothing changed
        one = visible[record.offset]
        assert (record.key, record.value) == (one.key, one.value)
    seen = {record.offset for record in records}
    latest = {one.key: one for one in visible.values() if one.outcome is not False}
    for one in visible.values():
        if one.offset in seen:
            continue
        # What is missing was compacted: never what is still dirty, nor a key's latest value.
        assert one.offset < story.cleanable_to
        if one.outcome is False:
            continue
        assert one.outcome is not None
        if latest[one.key] is one:
            assert one.value is None
            assert one.cleaned_ms is not None
            assert story.world.clock() >= one.cleaned_ms + DELETE_RETENTION_MS
    for key, one in latest.items():  # what is deleted stays deleted
        if one.offset not in seen:
            assert not [
                record
                for record in records
                if record.key == key and visible[record.offset].outcome is not False
            ]


def check_markers(story: CompactionStory, found: list[RecordBatch]) -> None:
    """A transaction of which there is a batch has its end, and if aborted its index entry."""
    log = story.log
    markers = {batch.base_offset for batch in found if batch.is_control and batch.count}
    aborted = {
        (each.producer_id, each.last_offset)
        for each in log.aborted_transactions(log.log_start_offset, log.log_end_offset)
    }
    for ended in story.ended:
        left = any(
            batch.producer_id == ended.producer_id
            and not batch.is_control
            and ended.first_offset <= batch.base_offset < ended.marker_offset
            for batch in found
        )
        if left:
            assert ended.marker_offset in markers
            assert ended.commit or (ended.producer_id, ended.marker_offset) in aborted


def check_producers(story: CompactionStory) -> None:
    """Each goes on where it was, also after a start that has only the log."""
    known = {entry.producer_id: entry.last_sequence for entry in story.log.producers.entries()}
    for producer_id, sequence in story.sequences.items():
        assert known[producer_id] == sequence - 1
