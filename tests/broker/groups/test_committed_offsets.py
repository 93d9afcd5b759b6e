"""Committed and pending offsets of a group."""

from broker.groups.committed_offsets import CommittedOffset, EndedTransaction, GroupOffsets
from coordination.values import TopicPartition

T0, T1 = TopicPartition("t", 0), TopicPartition("t", 1)
ONE, TWO = CommittedOffset(1), CommittedOffset(2)


def test_the_later_record_wins_whichever_is_replicated_first() -> None:
    offsets = GroupOffsets()
    offsets.prepare({T0: ONE})
    offsets.prepare({T0: TWO})
    offsets.complete({T0: TWO}, 11)
    assert offsets.is_unstable(T0)
    offsets.complete({T0: ONE}, 10)
    assert offsets.get(T0) == TWO
    assert not offsets.is_unstable(T0)


def test_a_commit_that_fails_does_not_take_another_with_it() -> None:
    offsets = GroupOffsets()
    offsets.prepare({T0: ONE})
    offsets.prepare({T0: TWO})
    offsets.abandon({T0: TWO})
    assert offsets.is_unstable(T0)
    offsets.complete({T0: ONE}, 10)
    assert offsets.get(T0) == ONE


def test_nothing_comes_back_of_a_deleted_topic() -> None:
    offsets = GroupOffsets()
    offsets.load(T0, ONE, 9)
    offsets.prepare({T0: TWO})
    offsets.prepare_in_transaction(7, {T0: TWO}, 10)
    assert offsets.remove([T0]) == [T0]
    offsets.complete({T0: TWO}, 11)
    offsets.end_transaction(EndedTransaction(7, 12, is_commit=True))
    assert offsets.is_empty


def test_what_is_pending_has_a_record_that_needs_a_tombstone() -> None:
    """Its batch is in the log; whoever loads that would have it back."""
    offsets = GroupOffsets()
    offsets.prepare({T0: ONE, T1: ONE})
    assert offsets.remove([T0]) == [T0]
    assert offsets.remove_all() == [T1]
    offsets.complete({T0: ONE, T1: ONE}, 10)
    assert offsets.is_empty


def test_a_transaction_does_not_undo_a_later_commit() -> None:
    offsets = GroupOffsets()
    offsets.prepare_in_transaction(7, {T0: ONE}, 10)
    offsets.load(T0, TWO, 11)
    offsets.end_transaction(EndedTransaction(7, 12, is_commit=True))
    assert offsets.get(T0) == TWO


def test_a_marker_ends_what_was_recorded_before_it() -> None:
    offsets = GroupOffsets()
    offsets.prepare_in_transaction(7, {T0: ONE}, 10)
    offsets.prepare_in_transaction(7, {T1: TWO}, 12)
    offsets.end_transaction(EndedTransaction(7, 11, is_commit=True))
    assert offsets.get(T0) == ONE
    assert offsets.get(T1) is None
    assert offsets.has_open_transaction(7)
    offsets.end_transaction(EndedTransaction(7, 13, is_commit=False))
    assert offsets.partitions == [T0]
    assert not offsets.has_open_transaction(7)
