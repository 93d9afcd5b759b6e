"""Transactions in a log: how far committed records may be read, and which were aborted."""

import os
from pathlib import Path

import pytest

from broker.log.partition_log import PartitionLog
from broker.log.values import AbortedTransaction, Origin
from broker.wire.control_records import build_marker
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.record_batch import build_batch
from broker.wire.records import Record
from tests.broker.log.logs import LogWorld, fill, make_batch, read_batches
from tests.broker.log.transactions import aborted_of, end_transaction


def write(log: PartitionLog, producer_id: int, sequence: int = 0) -> int:
    """A transactional record; its offset."""
    batch = make_batch(producer=(producer_id, 0, sequence), transactional=True)
    return log.append_as_leader(batch, 0).first_offset


def commit_all(log: PartitionLog) -> None:
    """Everything is replicated."""
    log.update_high_watermark(log.log_end_offset)


def all_aborted(log: PartitionLog) -> list[AbortedTransaction]:
    return log.aborted_transactions(log.log_start_offset, log.log_end_offset)


def test_a_marker_counts_when_it_is_replicated(world: LogWorld) -> None:
    log = world.open()
    fill(log, 1)
    write(log, 7)
    commit_all(log)
    end_transaction(log, 7, commit=True)
    assert log.last_stable_offset == 1
    commit_all(log)
    assert log.last_stable_offset == 3
    assert all_aborted(log) == []


def test_aborted_ones_are_found_by_what_was_read(small_segments: LogWorld) -> None:
    log = small_segments.open()
    write(log, 7)  # 0
    fill(log, 10)
    end_transaction(log, 7, commit=False)  # 11
    fill(log, 10)
    write(log, 8)  # 22
    end_transaction(log, 8, commit=False)  # 23
    commit_all(log)
    assert len(log.local.segments) > 4
    first, second = AbortedTransaction(7, 0, 11, 12), AbortedTransaction(8, 22, 23, 24)
    assert log.aborted_transactions(0, 1) == [first]
    assert log.aborted_transactions(5, 22) == [first]
    assert log.aborted_transactions(12, 22) == []
    assert log.aborted_transactions(11, 24) == [first, second]
    found = log.read(0, 100, log.last_stable_offset)
    assert log.aborted_in(found, log.last_stable_offset) == [first]
    assert log.aborted_in(log.read(24, 100, 24), 24) == []


def test_a_search_goes_on_while_one_was_open(small_segments: LogWorld) -> None:
    """What is asked for begins before the marker of another, and ends before its own."""
    log = small_segments.open()
    write(log, 7)  # 0
    write(log, 8)  # 1
    end_transaction(log, 8, commit=False)  # 2
    fill(log, 10)
    end_transaction(log, 7, commit=False)  # 13
    assert all_aborted(log) == [AbortedTransaction(8, 1, 2, 0), AbortedTransaction(7, 0, 13, 14)]
    assert log.aborted_transactions(0, 1) == [AbortedTransaction(7, 0, 13, 14)]


def test_a_marker_without_a_transaction_ends_nothing(world: LogWorld) -> None:
    log = world.open()
    end_transaction(log, 7, commit=False, coordinator_epoch=3)
    commit_all(log)
    assert (log.last_stable_offset, all_aborted(log)) == (1, [])
    assert "00000000000000000000.txnindex" not in world.names()
    with pytest.raises(KafkaError) as caught:
        end_transaction(log, 7, commit=False, coordinator_epoch=2)
    assert caught.value.code is ErrorCode.TRANSACTION_COORDINATOR_FENCED
    with pytest.raises(KafkaError) as caught:
        end_transaction(log, 7, commit=False, epoch=-1, coordinator_epoch=3)
    assert caught.value.code is ErrorCode.INVALID_PRODUCER_EPOCH
    assert log.log_end_offset == 1


def test_truncating_a_marker_opens_its_transaction_again(world: LogWorld) -> None:
    log = world.open()
    write(log, 7)  # 0
    write(log, 8)  # 1
    end_transaction(log, 8, commit=False)  # 2
    end_transaction(log, 7, commit=False)  # 3
    commit_all(log)
    log.truncate_to(3)
    assert log.last_stable_offset == 0
    assert all_aborted(log) == [AbortedTransaction(8, 1, 2, 0)]
    assert end_transaction(log, 7, commit=True).first_offset == 3
    commit_all(log)
    assert log.last_stable_offset == 4
    log.truncate_to(0)
    assert (log.last_stable_offset, all_aborted(log)) == (0, [])


def test_truncating_everything_forgets_transactions(world: LogWorld) -> None:
    log = world.open()
    write(log, 7)
    write(log, 8)
    end_transaction(log, 8, commit=False)
    log.truncate_fully_and_start_at(0)
    fill(log, 1)
    commit_all(log)
    assert (log.last_stable_offset, all_aborted(log)) == (1, [])


def test_deleted_records_of_an_open_transaction_hold_nothing_back_before(world: LogWorld) -> None:
    """Its first records are gone; the rest is as undecided as before."""
    log = world.open()
    write(log, 7)
    fill(log, 4)
    commit_all(log)
    log.increment_log_start_offset(3)
    assert log.last_stable_offset == 3
    end_transaction(log, 7, commit=True)
    commit_all(log)
    assert log.last_stable_offset == 6


def test_an_index_goes_with_its_segment(small_segments: LogWorld) -> None:
    log = small_segments.open()
    write(log, 7)
    end_transaction(log, 7, commit=False)
    fill(log, 20)
    write(log, 7, 1)
    end_transaction(log, 7, commit=False)
    commit_all(log)
    log.increment_log_start_offset(10)
    assert log.delete_old_segments() > 0
    assert all_aborted(log) == [AbortedTransaction(7, 22, 23, 24)]
    assert "00000000000000000000.txnindex.deleted" in small_segments.names()


@pytest.mark.parametrize("end", ["closed", "killed"])
def test_it_is_all_there_after_a_start(small_segments: LogWorld, end: str) -> None:
    log = small_segments.open()
    write(log, 7)
    write(log, 8)
    fill(log, 10)
    end_transaction(log, 8, commit=False)
    aborted = aborted_of(read_batches(log))
    assert all_aborted(log) == aborted
    if end == "closed":
        log.close()
    else:
        log.abandon()
    log = small_segments.open(was_clean=end == "closed", recovery_point=5)
    commit_all(log)
    assert log.last_stable_offset == 0
    assert all_aborted(log) == aborted
    end_transaction(log, 7, commit=True)
    commit_all(log)
    assert log.last_stable_offset == 14


def test_recovery_rebuilds_what_was_lost_or_torn(small_segments: LogWorld) -> None:
    log = small_segments.open()
    for number in range(6):
        write(log, 7, number)
        fill(log, 3)
        end_transaction(log, 7, commit=False)
    aborted = all_aborted(log)
    assert len(aborted) == 6
    log.abandon()
    indexes = sorted(small_segments.directory.glob("*.txnindex"))
    assert len(indexes) > 2
    indexes[0].unlink()
    indexes[1].write_bytes(indexes[2].read_bytes())
    assert all_aborted(small_segments.open()) == aborted


def test_an_index_that_is_not_its_segments_makes_even_a_clean_log_recover(
    small_segments: LogWorld,
) -> None:
    log = small_segments.open()
    for number in range(6):
        write(log, 7, number)
        end_transaction(log, 7, commit=False)
    aborted = all_aborted(log)
    log.close()
    indexes = sorted(small_segments.directory.glob("*.txnindex"))
    indexes[1].write_bytes(indexes[0].read_bytes())
    assert all_aborted(small_segments.open(was_clean=True)) == aborted


def test_a_flush_syncs_the_index(world: LogWorld) -> None:
    log = world.open()
    write(log, 7)
    end_transaction(log, 7, commit=False)
    segment = log.local.segments.active
    synced = {os.fstat(file.fd).st_ino for file in segment.files_to_sync()}
    assert Path(segment.transaction_index.path).stat().st_ino in synced


def test_a_follower_has_the_same(world: LogWorld) -> None:
    leader = world.open()
    write(leader, 7)
    fill(leader, 3)
    write(leader, 8)
    end_transaction(leader, 7, commit=False)
    records = b"".join(bytes(batch.view) for batch in read_batches(leader))
    leader.abandon()
    follower = LogWorld(world.directory.with_name("topic-1")).open()
    follower.append_as_follower(records)
    commit_all(follower)
    assert follower.last_stable_offset == 4
    assert all_aborted(follower) == [AbortedTransaction(7, 0, 5, 4)]


def test_a_follower_refuses_a_marker_that_nobody_can_read(world: LogWorld) -> None:
    log = world.open()
    batch = build_batch(
        [Record(b"\0\0\0\1", b"", 0)],
        producer_id=7,
        producer_epoch=0,
        is_transactional=True,
        is_control=True,
        base_offset=1,
        leader_epoch=0,
    )
    with pytest.raises(KafkaError) as caught:
        log.append_as_follower(make_batch(leader_epoch=0) + batch)
    assert caught.value.code is ErrorCode.CORRUPT_MESSAGE
    assert log.log_end_offset == 0


def test_a_client_writes_no_markers(world: LogWorld) -> None:
    log = world.open()
    marker = build_marker(7, 0, commit=True, coordinator_epoch=0, timestamp_ms=0)
    with pytest.raises(KafkaError) as caught:
        log.append_as_leader(marker, 0, Origin.CLIENT)
    assert caught.value.code is ErrorCode.INVALID_RECORD


def test_a_marker_before_the_log_start_ends_what_a_snapshot_has_open(
    small_segments: LogWorld,
) -> None:
    """The next transaction of the producer would be as old as the one that ended."""
    log = small_segments.open()
    fill(log, 10)
    write(log, 7)
    fill(log, 10)
    end_transaction(log, 7, commit=False)
    marked = log.log_end_offset
    fill(log, 10)
    commit_all(log)
    kept = max(s.base_offset for s in log.local.segments if s.base_offset < marked)
    log.flush()
    log.abandon()
    for path in small_segments.directory.glob("*.snapshot"):
        if int(path.stem) > kept:
            path.unlink()
    log = small_segments.open(recovery_point=marked + 9, log_start_offset=marked + 1)
    commit_all(log)
    assert log.last_stable_offset == log.log_end_offset
