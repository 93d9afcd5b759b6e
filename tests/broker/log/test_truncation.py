"""Cutting the end off: records, epochs and sequences go together."""

import random

import pytest

from broker.log import producer_history
from broker.log.partition_log import PartitionLog
from tests.broker.log.logs import (
    LogWorld,
    fill,
    make_batch,
    values,
)
from tests.broker.log.transactions import end_transaction


def test_truncation_forgets_records_epochs_and_sequences(small_segments: LogWorld) -> None:
    log = small_segments.open()
    for offset in range(20):
        log.append_as_leader(make_batch(str(offset), producer=(1, 0, offset)), offset // 5)
    log.update_high_watermark(20)
    assert log.truncate_to(8)
    assert (log.log_end_offset, log.high_watermark, log.latest_epoch) == (8, 8, 1)
    assert values(log) == [str(offset) for offset in range(8)]
    assert log.append_as_leader(make_batch(producer=(1, 0, 8)), 4).first_offset == 8
    assert not log.truncate_to(9)
    assert log.truncate_to(0)
    assert (log.log_end_offset, log.epochs.entries(), values(log)) == (0, [], [])


def test_truncation_inside_a_batch_drops_all_of_it(world: LogWorld) -> None:
    log = world.open()
    log.append_as_leader(make_batch("a"), 0)
    log.append_as_leader(make_batch("b", "c", "d"), 0)
    assert log.truncate_to(3)
    assert (log.log_end_offset, values(log)) == (1, ["a"])


def test_a_truncation_without_effect_still_forgets_an_empty_epoch(world: LogWorld) -> None:
    log = world.open()
    fill(log, 3, leader_epoch=1)
    log.assign_epoch_start_offset(2, 3)
    assert not log.truncate_to(3)
    assert log.latest_epoch == 1


def test_starting_over_elsewhere(small_segments: LogWorld) -> None:
    log = small_segments.open()
    fill(log, 20)
    log.truncate_fully_and_start_at(100)
    assert (log.log_start_offset, log.log_end_offset, log.high_watermark) == (100, 100, 100)
    fill(log, 3)
    assert values(log) == ["100", "101", "102"]
    log.close()
    again = small_segments.open(was_clean=True)
    assert values(again) == ["100", "101", "102"]


# What producers are after it


def work(log: PartitionLog, seed: int, batches: int) -> list[int]:
    """Idempotent and transactional producers, new epochs among them; the offsets of all batches."""
    rng = random.Random(seed)
    sequences = {producer_id: [0, 0] for producer_id in range(6)}  # epoch, sequence
    for entry in log.producers.entries():
        sequences[entry.producer_id] = [entry.epoch, entry.last_sequence + 1]
    offsets = []
    for _ in range(batches):
        offsets.append(log.log_end_offset)
        producer_id = rng.randrange(6)
        state = sequences[producer_id]
        if rng.random() < 0.1:
            state[:] = [state[0] + 1, 0]
        is_transactional = producer_id >= 3
        if is_transactional and rng.random() < 0.3:
            end_transaction(log, producer_id, commit=rng.random() < 0.5, epoch=state[0])
            continue
        batch = make_batch("v", producer=(producer_id, *state), transactional=is_transactional)
        log.append_as_leader(batch, 0)
        state[1] += 1
    return offsets


def known(log: PartitionLog) -> object:
    """All that is known of producers."""
    return (
        {entry.producer_id: entry for entry in log.producers.entries()},
        log.producers.transactions.first_unstable_offset,
        log.producers.end_offset,
    )


@pytest.mark.parametrize("most_changes", [10_000, 20])
@pytest.mark.parametrize("seed", range(10))
def test_producers_are_what_they_were_where_it_is_cut(
    world: LogWorld, monkeypatch: pytest.MonkeyPatch, seed: int, most_changes: int
) -> None:
    """Taken back, or read again if that goes too far back: the same as after a start."""
    monkeypatch.setattr(producer_history, "MOST_CHANGES", most_changes)
    log = world.open()
    offsets = work(log, seed, 60)
    for offset in random.Random(seed).choices(offsets, k=2):
        log.truncate_to(offset)
        assert known(log) == known(world.open())
        work(log, seed + 1, 5)


def test_a_short_truncation_reads_no_batch(
    world: LogWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = world.open()
    for sequence in range(20):
        log.append_as_leader(make_batch(producer=(1, 0, sequence)), 0)
    log.update_high_watermark(10)
    reads = []
    monkeypatch.setattr(
        type(log.local.segments.active), "headers", lambda *_: reads.append(1) or ()
    )
    log.truncate_to(12)
    assert not reads
    assert log.append_as_leader(make_batch(producer=(1, 0, 12)), 0).first_offset == 12
    assert log.append_as_leader(make_batch(producer=(1, 0, 9)), 0).is_duplicate
    log.truncate_to(5)
    assert reads, "below the high watermark nothing is kept"
