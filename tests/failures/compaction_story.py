"""A random life of a compacted log, and all that was ever written to it.

Producers with and without transactions write values and tombstones in every codec, transactions are
committed and aborted, time passes, records are deleted from the beginning. Between all that the log
is cleaned, by a map that takes it all or by one for a few keys, and this is broken off before any
change of a file:

    the cleaner is killed     what it was writing stays behind; the broker goes on
    the broker is killed      the files are as they were at that instant
    the power fails           .. and what was not synced is lost, or a part of it

A start after it may be broken off as well. What the log may believe of its files at a start is what
it had synced before: everything, some of it or nothing.
"""

import random
from contextlib import suppress
from pathlib import Path
from typing import Final

import attrs

from broker.log.cleaner.choosing import look_at
from broker.log.log_config import CleanerConfig, LogConfig
from broker.log.values import Origin
from broker.wire.compression import Compression
from broker.wire.control_records import build_marker
from broker.wire.record_batch import NO_PRODUCER_ID, build_batch
from broker.wire.records import Record
from tests.broker.log.logs import LogWorld
from tests.support.cleaning import Killed, KillingDisk, clean
from tests.support.simulated_disk import SimulatedDisk

DELETE_RETENTION_MS: Final = 1000
CONFIG: Final = LogConfig(
    cleanup_policy=frozenset({"compact"}),
    segment_bytes=700,
    index_interval_bytes=150,
    delete_retention_ms=DELETE_RETENTION_MS,
    file_delete_delay_ms=0,
)
# A map of five keys: several rounds; and one of all.
MAPS: Final = (CleanerConfig(map_bytes=24 * 7), CleanerConfig(map_bytes=24_000))


@attrs.define
class Written:
    """A record as it was written. `outcome`: None while its transaction is open."""

    offset: int
    key: bytes
    value: bytes | None
    producer_id: int
    outcome: bool | None = True
    cleaned_ms: int | None = None  # when it was first certainly seen by compaction


@attrs.frozen
class Ended:
    """A transaction, from its first record to its marker."""

    producer_id: int
    first_offset: int
    marker_offset: int
    commit: bool


class CompactionStory:
    """`step` is one event of it."""

    def __init__(self, directory: Path, seed: int) -> None:
        self.randomness = random.Random(seed)
        removed = directory / "removed"
        removed.mkdir()
        self.power = SimulatedDisk(self.randomness, removed) if seed % 3 == 0 else None
        self.disk = KillingDisk(self.power)
        self.world = LogWorld(directory / "topic-0", CONFIG, self.disk)
        self.log = self.world.open()
        self.written: list[Written] = []
        self.cleanable_to = 0
        self.sequences: dict[int, int] = {}
        self.open: dict[int, list[Written]] = {}
        self.ended: list[Ended] = []

    def step(self) -> bool:
        """Whether there is something to be looked at: not after every single append."""
        story = {
            self.append: 40,
            self.end_transaction: 10,
            self.let_time_pass: 4,
            self.flush: 2,
            self.delete_records: 1,
            self.clean: 5,
            self.kill_the_cleaner: 2,
            self.kill_the_broker: 4,
        }
        [event] = self.randomness.choices(list(story), list(story.values()))
        event()
        return event in {self.clean, self.kill_the_cleaner, self.kill_the_broker}

    def end(self) -> None:
        """Close its files."""
        self.log.abandon()

    # --- what is written

    def append(self) -> None:
        producer_id = self.randomness.choice([NO_PRODUCER_ID, 7, 8, 9])  # 9 has no transactions
        records = [self._record() for _ in range(self.randomness.randint(1, 4))]
        sequence = -1
        if producer_id != NO_PRODUCER_ID:
            sequence = self.sequences.get(producer_id, 0)
            self.sequences[producer_id] = sequence + len(records)
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

    def _record(self) -> Record:
        value = b"%030d" % self.randomness.getrandbits(40)
        is_tombstone = self.randomness.random() < 0.25
        key = b"key-%d" % self.randomness.randrange(6)
        return Record(key, None if is_tombstone else value, self.world.clock())

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
        self.ended.append(Ended(producer_id, records[0].offset, offset, commit))
        self.replicated()

    def replicated(self) -> None:
        self.log.update_high_watermark(self.log.log_end_offset)

    def let_time_pass(self) -> None:
        self.world.clock.now_ms += self.randomness.choice([10, DELETE_RETENTION_MS + 1])

    def flush(self) -> None:
        self.log.flush()

    def delete_records(self) -> None:
        """Not the last one of a producer: it would have to begin anew (row 36)."""
        log = self.log
        last = {one.producer_id: one.offset for one in self.written}
        end_offset = min(log.last_stable_offset, *last.values(), log.log_end_offset)
        if end_offset > log.log_start_offset:
            log.increment_log_start_offset(
                self.randomness.randint(log.log_start_offset, end_offset)
            )
            log.delete_old_segments()

    # --- compaction, and its end before its time

    def clean(self, disk: KillingDisk | None = None) -> None:
        """What it may look at counts as cleaned, also if it is killed. `disk` is the cleaner's."""
        now_ms = self.world.clock()
        self.cleanable_to = look_at(self.log, now_ms).first_uncleanable_offset
        for one in self.written:
            if one.offset < self.cleanable_to and one.cleaned_ms is None:
                one.cleaned_ms = now_ms
        before = self.log.local.cleaned_to or 0
        config = self.randomness.choice(MAPS)
        assert clean(self.log, now_ms, disk or self.disk, config).end_offset >= before

    def kill_the_cleaner(self) -> None:
        disk = KillingDisk(self.power)
        disk.lives = self._lives()
        with suppress(Killed):
            self.clean(disk)

    def kill_the_broker(self) -> None:
        if self.power is not None:  # only compaction is to lose something
            self.log.flush()
        cleaned_to, recovery_point = self.log.local.cleaned_to, self.log.recovery_point
        start_offset = self.log.log_start_offset
        self.disk.lives = self._lives()
        with suppress(Killed):
            self.clean()
            cleaned_to = self.log.local.cleaned_to
        self._let_go()
        self._start(recovery_point, start_offset)
        if self.randomness.random() < 0.3:
            self.log.close()
            self._let_go()
            self._start(recovery_point, start_offset, was_clean=True)
        self.log.local.cleaned_to = cleaned_to
        self.replicated()

    def _start(self, recovery_point: int, start_offset: int, *, was_clean: bool = False) -> None:
        """Broken off at first, perhaps."""
        self.disk.lives = self._lives() if self.randomness.random() < 0.5 else None
        while True:
            try:
                self.log = self.world.open(
                    was_clean=was_clean,
                    recovery_point=recovery_point,
                    log_start_offset=start_offset,
                )
            except Killed:
                self._let_go()
                was_clean = False
            else:
                self.disk.lives = None
                return

    def _let_go(self) -> None:
        self.disk.lives = None
        self.log.abandon()
        if self.power is not None:
            self.power.crash()

    def _lives(self) -> int:
        return self.randomness.randrange(self.randomness.choice([5, 40, 150]))
