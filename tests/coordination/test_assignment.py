"""Kafka's replica assignment. The expected ones are AdminUtils' own examples and goals."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordination.assignment import AdminError, BrokerRack, assign_replicas, rack_alternated

FIVE = [BrokerRack(broker_id) for broker_id in range(5)]


def test_without_racks_as_in_the_lecture() -> None:
    assert assign_replicas(FIVE, 10, 3, start_index=0, shift=0) == {
        0: (0, 1, 2),
        1: (1, 2, 3),
        2: (2, 3, 4),
        3: (3, 4, 0),
        4: (4, 0, 1),
        5: (0, 2, 3),
        6: (1, 3, 4),
        7: (2, 4, 0),
        8: (3, 0, 1),
        9: (4, 1, 2),
    }


def test_start_index_and_shift_turn_the_ring() -> None:
    assert assign_replicas(FIVE, 2, 3, start_index=3, shift=1) == {0: (3, 0, 1), 1: (4, 1, 2)}


def test_further_partitions_continue_where_the_topic_stopped() -> None:
    whole = assign_replicas(FIVE, 12, 2, start_index=0, shift=0)
    first = assign_replicas(FIVE, 5, 2, start_index=0, shift=0)
    more = assign_replicas(FIVE, 7, 2, start_index=0, shift=0, first_partition=5)
    assert {**first, **more} == whole


SIX_RACKS = {0: "rack1", 1: "rack3", 2: "rack3", 3: "rack2", 4: "rack2", 5: "rack1"}


def test_racks_are_woven() -> None:
    assert rack_alternated(SIX_RACKS) == [0, 3, 1, 5, 4, 2]


def test_uneven_racks_are_woven() -> None:
    assert rack_alternated({1: "a", 2: "a", 3: "a", 4: "b"}) == [1, 4, 2, 3]


def test_with_racks_as_kafka_explains_it() -> None:
    brokers = [BrokerRack(broker_id, rack) for broker_id, rack in sorted(SIX_RACKS.items())]
    assert assign_replicas(brokers, 7, 3, start_index=0, shift=0) == {
        0: (0, 3, 1),
        1: (3, 1, 5),
        2: (1, 5, 4),
        3: (5, 4, 2),
        4: (4, 2, 0),
        5: (2, 0, 3),
        6: (0, 4, 2),
    }


@given(
    broker_count=st.integers(1, 12),
    rack_count=st.integers(1, 4),
    partition_count=st.integers(1, 30),
    start_index=st.integers(0, 11),
    shift=st.integers(0, 11),
    data=st.data(),
)
def test_goals_with_racks(
    broker_count: int,
    rack_count: int,
    partition_count: int,
    start_index: int,
    shift: int,
    data: st.DataObject,
) -> None:
    replication_factor = data.draw(st.integers(1, broker_count))
    rack_of = {broker_id: f"rack{broker_id % rack_count}" for broker_id in range(broker_count)}
    brokers = [BrokerRack(broker_id, rack) for broker_id, rack in rack_of.items()]
    assignment = assign_replicas(
        brokers, partition_count, replication_factor, start_index=start_index, shift=shift
    )
    assert sorted(assignment) == list(range(partition_count))
    for replicas in assignment.values():
        assert len(set(replicas)) == len(replicas) == replication_factor
        racks = {rack_of[replica] for replica in replicas}
        assert len(racks) == min(replication_factor, len(set(rack_of.values())))
    leaders = Counter(replicas[0] for replicas in assignment.values())
    assert max(leaders.values()) - min(leaders.get(b, 0) for b in rack_of) <= 1


@pytest.mark.parametrize(
    ("partition_count", "replication_factor", "error", "message"),
    [
        (0, 1, "INVALID_PARTITIONS", "Number of partitions must be larger than 0."),
        (1, 0, "INVALID_REPLICATION_FACTOR", "Replication factor must be larger than 0."),
        (
            1,
            6,
            "INVALID_REPLICATION_FACTOR",
            "Replication factor: 6 larger than available brokers: 5.",
        ),
    ],
)
def test_refusals(partition_count: int, replication_factor: int, error: str, message: str) -> None:
    with pytest.raises(AdminError) as refused:
        assign_replicas(FIVE, partition_count, replication_factor, start_index=0, shift=0)
    assert (refused.value.error, str(refused.value)) == (error, message)


def test_all_brokers_or_none_must_have_a_rack() -> None:
    with pytest.raises(AdminError, match="Not all brokers have rack information"):
        assign_replicas([*FIVE, BrokerRack(9, "r")], 1, 1, start_index=0, shift=0)
