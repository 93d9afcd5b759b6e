"""Which partitions of a coordinator's topic are owned: elections in any order, and again."""

import pytest

from broker.coordinators.log import partition_for
from broker.coordinators.ownership import OwnedPartition, Ownership
from broker.wire.errors import ErrorCode, KafkaError
from tests.broker.groups.support import PARTITION_COUNT, MemoryLog

P = partition_for("x", PARTITION_COUNT)
Owned = Ownership[OwnedPartition[str], str]


def refusal(ownership: Owned) -> ErrorCode:
    with pytest.raises(KafkaError) as refused:
        ownership.partition_of("x")
    return refused.value.code


def test_elected_loaded_and_resigned() -> None:
    ownership = Owned(MemoryLog(), OwnedPartition[str])
    assert refusal(ownership) is ErrorCode.NOT_COORDINATOR
    owned = ownership.own(P, 3)
    assert owned is not None
    assert refusal(ownership) is ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
    assert ownership.is_loading
    owned.entries["x"] = "value"
    owned.is_loaded = True
    assert ownership.partition_of("x") is owned
    assert list(ownership.entries()) == [(owned, "value")]
    assert ownership.disown(P, 4) is owned
    assert not ownership.still_owns(owned)
    assert refusal(ownership) is ErrorCode.NOT_COORDINATOR


def test_old_news_is_no_news_and_the_same_again_changes_nothing() -> None:
    ownership = Owned(MemoryLog(), OwnedPartition[str])
    owned = ownership.own(P, 3)
    assert owned is not None
    assert ownership.own(P, 3) is None
    assert ownership.own(P, 4) is None, "a new epoch of the same leadership"
    assert owned.leader_epoch == 4
    assert ownership.own(P, 3) is None
    assert ownership.disown(P, 3) is None
    assert ownership.still_owns(owned)
    assert owned.leader_epoch == 4
    assert ownership.disown(P, 5) is owned
    assert ownership.own(P, 4) is None
    again = ownership.own(P, 6)
    assert again is not None
    assert again is not owned


def test_a_partition_that_is_deleted_begins_anew_when_it_is_made_again() -> None:
    ownership = Owned(MemoryLog(), OwnedPartition[str])
    owned = ownership.own(P, 3)
    assert ownership.disown(P, None) is owned, "whatever the epoch"
    again = ownership.own(P, 0)
    assert again is not None
    assert again.leader_epoch == 0
