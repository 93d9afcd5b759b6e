"""Row 40: compaction loses transaction markers or tombstones, and with them what a reader sees.

A marker that goes before the records of its transaction leaves an aborted transaction open, or its
records visible (KAFKA-8351); a tombstone that goes before the value that it deletes brings that
back (KAFKA-4529, KAFKA-13727); and a log that is cleaned all the time never got rid of tombstones
before they had a horizon of their own (KIP-534). Provoked by random logs of producers with and
without transactions, aborts, tombstones and time that passes, cleaned between the appends, the
cleaner (or the broker with it) killed before any change of a file, and the log opened again.

What was written is remembered. After each step a reader of the log, whichever isolation level it
has, must find of each key what it would have found without compaction.
"""

import random
from pathlib import Path
from typing import Final

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.log.cleaner.choosing import look_at
from broker.log.log_config import CleanerConfig, LogConfig
from broker.log.values import Origin
from broker.wire.compression import Compression
from broker.wire.control_records import build_marker
from broker.wire.record_batch import NO_PRODUCER_ID, RecordBatch, build_batch
from broker.wire.records import Record
from tests.broker.log.logs import LogWorld, read_batches
from tests.support.cleaning import Killed, KillingDisk, clean

DELETE_RETENTION_MS: Final = 1000
CONFIG = LogConfig(
    cleanup_policy=frozenset({"compact"}),
    segment_bytes=700,
    index_interval_bytes=150,
    delete_retention_ms=DELETE_RETENTION_MS,
    file_delete_delay_ms=0,
)
# A map of five keys: several rounds; and one of all.
MAPS = (CleanerConfig(map_bytes=24 * 7), CleanerConfig())


@attrs.define
class Written:
    """A record as it was written. `outcome`: None while its transaction is open."""

    offset: int
    key: bytes
    value: bytes | None
    producer_id: int
    outcome: bool | None = True
    cleaned_ms: int | None = None  # when it was first certainly seen by compaction


class Story:
    def __init__(self, directory: Path, seed: int) -> None:
        self.randomness = random.Random(seed)
        self.disk = KillingDisk()
        self.world = LogWorld(directory / "topic-0", CONFIG, self.disk)
        self.log = self.world.open()
        self.written: list[Written] = []
        self.cleanable_to = 0
        self.sequences: dict[int, int] = {}
        self.open: dict[int, list[Written]] = {}
        self.transactions: list[tuple[int, int, int, bool]] = []  # id, first offset, marker, commit

    def step(self) -> None:
        self.randomness.choices(
            [self.append, self.end_transaction, self.let_time_pass, self.clean, self.be_killed],
            [20, 5, 2, 3, 2],
        )[0]()

    def append(self) -> None:
        producer_id = self.randomness.choice([NO_PRODUCER_ID, 7, 8, 9])  # 9 has no transactions
        count = self.randomness.randint(1, 4)
        records = [
            Record(
                b"key-%d" % self.randomness.randrange(6),
                None
                if self.randomness.random() < 0.25
                else b"%030d" % self.randomness.getrandbits(40),
                self.world.clock(),
            )
            for _ in range(count)
        ]
        sequence = -1
        if producer_id != NO_PRODUCER_ID:
            sequence = self.sequences.get(producer_id, 0)
            self.sequences[producer_id] = sequence + count
        transactional = producer_id in (7, 8)
        batch = build_batch(
            records,
            compression=self.randomness.choice(list(Compression)),
            producer_id=producer_id,
            producer_epoch=0 if producer_id != NO_PRODUCER_ID else -1,
            base_sequence=sequence,
            is_transactional=transactional,
        )
        first_offset = self.log.append_as_leader(batch, 0).first_offset
        for place, record in enumerate(records):
            assert record.key is not None
            one = Written(first_offset + place, record.key, record.value, producer_id)
            if transactional:
                one.outcome = None
                self.open.setdefault(producer_id, []).append(one)
            self.written.append(one)
        self.replicated()

    def end_transaction(self) -> None:
        if not self.open:
            return
        producer_id = self.randomness.choice(list(self.open))
        commit = self.randomness.random() < 0.5
        marker = build_marker(
            producer_id, 0, commit=commit, coordinator_epoch=0, timestamp_ms=self.world.clock()
        )
        offset = self.log.append_as_leader(marker, 0, Origin.COORDINATOR).first_offset
        records = self.open.pop(producer_id)
        for one in records:
            one.outcome = commit
        self.transactions.append((producer_id, records[0].offset, offset, commit))
        self.replicated()

    def replicated(self) -> None:
        self.log.update_high_watermark(self.log.log_end_offset)

    def let_time_pass(self) -> None:
        self.world.clock.now_ms += self.randomness.choice([10, DELETE_RETENTION_MS + 1])

    def clean(self) -> None:
        """What it may look at counts as cleaned, also if it is killed."""
        now_ms = self.world.clock()
        self.cleanable_to = look_at(self.log, now_ms).first_uncleanable_offset
        for one in self.written:
            if one.offset < self.cleanable_to and one.cleaned_ms is None:
                one.cleaned_ms = now_ms
        before = self.log.local.cleaned_to or 0
        config = self.randomness.choice(MAPS)
        assert clean(self.log, now_ms, self.disk, config).end_offset >= before
        self.check()

    def be_killed(self) -> None:
        """The cleaner alone, whose half-done files stay, or the broker with it."""
        cleaned_to, recovery_point = self.log.local.cleaned_to, self.log.recovery_point
        self.disk.lives = self.randomness.randrange(60)
        was_killed = False
        try:
            self.clean()
        except Killed:
            was_killed = True
        self.disk.lives = None
        if not was_killed:
            cleaned_to = self.log.local.cleaned_to
        self.log = self.world.open(recovery_point=recovery_point)
        self.log.local.cleaned_to = cleaned_to
        self.replicated()
        self.check()
        if self.randomness.random() < 0.3:
            # The loader's own work done twice changes nothing.
            self.log.close()
            self.log = self.world.open(was_clean=True, recovery_point=recovery_point)
            self.log.local.cleaned_to = cleaned_to
            self.replicated()

    # --- what must be true

    def check(self) -> None:
        found = read_batches(self.log)
        offsets = [batch.base_offset for batch in found]
        assert offsets == sorted(set(offsets))
        self.check_reader(self.records_for(found, committed=False), committed=False)
        self.check_reader(self.records_for(found, committed=True), committed=True)
        self.check_markers(found)
        self.check_producers()

    def records_for(self, found: list[RecordBatch], *, committed: bool) -> list[Record]:
        """As a consumer does it, with the aborted transactions that its fetches are told of."""
        end_offset = self.log.last_stable_offset if committed else self.log.log_end_offset
        aborted = sorted(
            (each.first_offset, each.producer_id)
            for each in self.log.aborted_transactions(self.log.log_start_offset, end_offset)
        )
        being_aborted: set[int] = set()
        records: list[Record] = []
        for batch in found:
            if batch.base_offset >= end_offset:
                break
            while aborted and aborted[0][0] <= batch.last_offset:
                being_aborted.add(aborted.pop(0)[1])
            if batch.is_control:
                if batch.count and batch.records()[0].key == b"\0\0\0\0":
                    being_aborted.discard(batch.producer_id)
            elif not (committed and batch.is_transactional and batch.producer_id in being_aborted):
                records += batch.records()
        return records

    def check_reader(self, records: list[Record], *, committed: bool) -> None:
        end_offset = self.log.last_stable_offset if committed else self.log.log_end_offset
        visible = {
            one.offset: one
            for one in self.written
            if one.offset < end_offset and (not committed or one.outcome)
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
            assert one.offset < self.cleanable_to
            if one.outcome is False:
                continue
            assert one.outcome is not None
            if latest[one.key] is one:
                assert one.value is None
                assert one.cleaned_ms is not None
                assert self.world.clock() >= one.cleaned_ms + DELETE_RETENTION_MS
        for key, one in latest.items():  # what is deleted stays deleted
            if one.offset not in seen:
                assert not [
                    record
                    for record in records
                    if record.key == key and visible[record.offset].outcome is not False
                ]

    def check_markers(self, found: list[RecordBatch]) -> None:
        """A transaction of which there is a batch has its end, and if aborted its index entry."""
        markers = {batch.base_offset for batch in found if batch.is_control and batch.count}
        aborted = self.log.aborted_transactions(self.log.log_start_offset, self.log.log_end_offset)
        for producer_id, first_offset, marker_offset, commit in self.transactions:
            left = any(
                batch.producer_id == producer_id
                and not batch.is_control
                and first_offset <= batch.base_offset < marker_offset
                for batch in found
            )
            if left:
                assert marker_offset in markers
                if not commit:
                    assert (producer_id, marker_offset) in {
                        (each.producer_id, each.last_offset) for each in aborted
                    }

    def check_producers(self) -> None:
        """Each goes on where it was, also after a start that has only the log."""
        known = {entry.producer_id: entry.last_sequence for entry in self.log.producers.entries()}
        for producer_id, sequence in self.sequences.items():
            assert known[producer_id] == sequence - 1


@pytest.mark.long
@settings(max_examples=12, deadline=None)
@given(seed=st.integers(min_value=0))
def test_readers_find_the_same_before_and_after_compaction(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    tell(tmp_path_factory, seed)


@pytest.mark.matrix
@settings(max_examples=300, deadline=None)
@given(seed=st.integers(min_value=0))
def test_and_so_they_do_in_many_more_stories(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    tell(tmp_path_factory, seed)


def tell(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    story = Story(tmp_path_factory.mktemp("log"), seed)
    for _ in range(60):
        story.step()
    story.check()
