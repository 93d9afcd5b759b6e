"""Whatever is appended, cut off, deleted and recovered: what a log says of its transactions is what
reading all of its batches would tell.

Held together with a follower that copies the log and now and then is cut back itself.
"""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.log.log_config import LogConfig
from broker.log.partition_log import PartitionLog
from broker.wire.record_batch import RecordBatch
from tests.broker.log.logs import LogWorld, make_batch, read_batches
from tests.broker.log.transactions import (
    aborted_of,
    end_transaction,
    last_stable_offset,
    transactions_of,
)

CONFIG = LogConfig(segment_bytes=500, index_interval_bytes=150, file_delete_delay_ms=0)
PRODUCERS = range(1, 5)

# An action, and a number that it makes of what it wants.
Step = tuple[str, int]
ACTIONS = (
    *("write", "write", "write", "write", "plain", "commit", "abort", "abort"),
    *("replicate", "copy", "truncate", "start", "delete", "reopen", "recover"),
)


class Run:
    """A log, the batches that it should have, and a follower of it."""

    def __init__(self, directory: Path) -> None:
        self.world = LogWorld(directory / "topic-0", CONFIG)
        self.log = self.world.open()
        self.batches: list[RecordBatch] = []
        self.following = LogWorld(directory / "topic-1", CONFIG)
        self.follower = self.following.open()

    def do(self, step: Step) -> None:
        action, number = step
        getattr(self, action)(number)
        self.check(self.log, self.batches)

    # --- what happens to the log

    def write(self, number: int) -> None:
        """A batch of a producer's transaction, which may begin with it."""
        producer_id = PRODUCERS[number % len(PRODUCERS)]
        mine = [b for b in self.batches if b.producer_id == producer_id and not b.is_control]
        entry = {e.producer_id: e for e in self.log.producers.entries()}.get(producer_id)
        sequence = mine[-1].last_sequence + 1 if mine else entry.last_sequence + 1 if entry else 0
        self.append(
            make_batch(
                *"v" * (1 + number % 3), producer=(producer_id, 0, sequence), transactional=True
            )
        )

    def plain(self, number: int) -> None:
        self.append(make_batch(*"p" * (1 + number % 3)))

    def append(self, batch: bytearray) -> None:
        self.log.append_as_leader(batch, 0)
        self.took()

    def commit(self, number: int) -> None:
        end_transaction(self.log, PRODUCERS[number % len(PRODUCERS)], commit=True)
        self.took()

    def abort(self, number: int) -> None:
        end_transaction(self.log, PRODUCERS[number % len(PRODUCERS)], commit=False)
        self.took()

    def took(self) -> None:
        end_offset = self.batches[-1].end_offset if self.batches else self.log.log_start_offset
        self.batches += read_batches(self.log, end_offset)

    def replicate(self, number: int) -> None:
        """The high watermark moves, somewhere up to the end."""
        behind = self.log.log_end_offset - self.log.high_watermark
        self.log.update_high_watermark(self.log.high_watermark + number % (behind + 1))

    def truncate(self, number: int) -> None:
        """What was to be cut off may have been replicated: an unclean election."""
        length = self.log.log_end_offset - self.log.log_start_offset
        self.log.truncate_to(self.log.log_end_offset - number % (length + 1))
        self.batches = [b for b in self.batches if b.end_offset <= self.log.log_end_offset]
        self.log.update_high_watermark(self.log.log_end_offset)

    def start(self, number: int) -> None:
        """Records are deleted, but of no transaction only some: of such the rest looks like all."""
        reach = self.log.last_stable_offset - self.log.log_start_offset
        start = self.log.log_start_offset + number % (reach + 1)
        for each in reversed(transactions_of(self.batches)):
            if each.last_offset is None or each.first_offset < start <= each.last_offset:
                start = min(start, each.first_offset)
        self.log.increment_log_start_offset(start)

    def delete(self, _: int) -> None:
        self.log.delete_old_segments()

    def reopen(self, _: int) -> None:
        self.log.close()
        self.open(was_clean=True)

    def recover(self, number: int) -> None:
        self.log.abandon()
        self.open(was_clean=False, recovery_point=number % (self.log.recovery_point + 1))

    def open(self, *, was_clean: bool, recovery_point: int = 0) -> None:
        self.log = self.world.open(
            was_clean=was_clean,
            recovery_point=recovery_point,
            log_start_offset=self.log.log_start_offset,
        )
        self.log.update_high_watermark(self.log.log_end_offset)

    # --- and to its follower

    def copy(self, number: int) -> None:
        """Cut back to what it shares with the log, and some more, then brought up to it."""
        self.follower.truncate_to(self.shared_end_offset() - number % 7)
        if self.follower.log_end_offset < self.log.log_start_offset:
            self.follower.truncate_fully_and_start_at(self.log.log_start_offset)
        missing = [b for b in self.batches if b.base_offset >= self.follower.log_end_offset]
        if missing:
            self.follower.append_as_follower(b"".join(bytes(b.view) for b in missing))
        self.follower.update_high_watermark(self.log.high_watermark)
        self.check(self.follower, read_batches(self.follower), of_follower=True)

    def shared_end_offset(self) -> int:
        end_offset = self.follower.log_start_offset
        theirs = {bytes(b.view) for b in self.batches}
        for batch in read_batches(self.follower):
            if bytes(batch.view) not in theirs:
                break
            end_offset = batch.end_offset
        return end_offset

    # --- what must hold

    def check(
        self, log: PartitionLog, batches: list[RecordBatch], *, of_follower: bool = False
    ) -> None:
        if not of_follower:
            stable = last_stable_offset(batches, log.high_watermark)
            assert log.last_stable_offset == stable
        ours = aborted_of(batches)
        start, end = log.log_start_offset, log.log_end_offset
        for first in range(start, end, 5):
            for last in (first + 1, (first + end + 1) // 2, end):
                expected = [
                    each for each in ours if each.last_offset >= first and each.first_offset < last
                ]
                assert log.aborted_transactions(first, last) == expected
        open_ones = {
            t.producer_id: t.first_offset for t in transactions_of(batches) if t.commit is None
        }
        assert {
            entry.producer_id: entry.transaction_first_offset
            for entry in log.producers.entries()
            if entry.transaction_first_offset is not None
        } == open_ones


def run(directory: Path, steps: list[Step]) -> None:
    life = Run(directory)
    for step in steps:
        life.do(step)
    life.log.abandon()
    life.follower.abandon()


steps = st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 1000)), max_size=40)


@pytest.mark.long
@settings(max_examples=15, deadline=None)
@given(steps)
def test_a_log_knows_its_transactions(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Step]
) -> None:
    run(tmp_path_factory.mktemp("transactions"), steps)


@pytest.mark.matrix
@settings(max_examples=1500, deadline=None)
@given(steps)
def test_any_log_knows_its_transactions(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Step]
) -> None:
    run(tmp_path_factory.mktemp("transactions"), steps)
