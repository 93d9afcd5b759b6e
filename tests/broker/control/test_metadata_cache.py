"""The controller's last word: one whole state after the other."""

from uuid import UUID

import trio
from trio.testing import wait_all_tasks_blocked

from broker.control.metadata_cache import MetadataCache, PartitionMetadata
from coordination.values import (
    LEADER_DURING_DELETE,
    BrokerRegistration,
    Endpoint,
    LeaderAndIsr,
    TopicPartition,
)

T, U = UUID(int=1), UUID(int=2)
BROKERS = [
    BrokerRegistration(n, (Endpoint("PLAINTEXT", "PLAINTEXT", f"b{n}", 9092),)) for n in (1, 2)
]


def state(leader: int = 1, leader_epoch: int = 0) -> PartitionMetadata:
    return PartitionMetadata(LeaderAndIsr(leader, leader_epoch, (1, 2), 1, 0), (1, 2), ())


def tp(topic: str, partition: int = 0) -> TopicPartition:
    return TopicPartition(topic, partition)


def test_partitions_are_merged_and_brokers_replaced() -> None:
    cache = MetadataCache()
    cache.update(1, BROKERS, {tp("t"): state(), tp("u"): state()}, {"t": T, "u": U})
    first = cache.current
    cache.update(2, BROKERS[:1], {tp("t", 1): state(2)}, {"t": T})
    assert cache.current.controller_id == 2
    assert set(cache.current.brokers) == {1}
    assert set(cache.current.topics["t"].partitions) == {0, 1}
    assert cache.current.topic_names == {T: "t", U: "u"}
    # Who holds the first state goes on seeing it.
    assert set(first.topics["t"].partitions) == {0}
    assert set(first.brokers) == {1, 2}
    # A topic that wasn't named is the same object: an update doesn't cost what it doesn't change.
    assert cache.current.topics["u"] is first.topics["u"]


def test_a_partition_being_deleted_goes() -> None:
    cache = MetadataCache()
    cache.update(1, BROKERS, {tp("t"): state(), tp("t", 1): state()}, {"t": T})
    gone = state(LEADER_DURING_DELETE)
    assert cache.update(1, BROKERS, {tp("t"): gone}, {"t": T}) == {tp("t")}
    assert cache.current.partition(tp("t")) is None
    assert cache.current.partition(tp("t", 1)) is not None
    cache.update(1, BROKERS, {tp("t", 1): gone}, {"t": T})
    assert cache.current.topics == {}
    assert cache.current.topic_names == {}


def test_another_topic_of_the_same_name_has_nothing_of_the_old_one() -> None:
    cache = MetadataCache()
    cache.update(1, BROKERS, {tp("t"): state(), tp("t", 1): state()}, {"t": T})
    cache.update(1, BROKERS, {tp("t"): state()}, {"t": U})
    assert cache.current.topic_names == {U: "t"}
    assert set(cache.current.topics["t"].partitions) == {0}


def test_who_names_no_id_means_the_topic_that_is_known() -> None:
    """An UpdateMetadata of few partitions, by a controller that speaks an old version."""
    cache = MetadataCache()
    cache.update(1, BROKERS, {tp("t"): state(), tp("t", 1): state()}, {"t": T})
    cache.update(1, BROKERS, {tp("t", 1): state(2)}, {})
    assert set(cache.current.topics["t"].partitions) == {0, 1}
    assert cache.current.topics["t"].topic_id == T
    assert cache.current.topic_names == {T: "t"}
    gone = state(LEADER_DURING_DELETE)
    cache.update(1, BROKERS, {tp("t"): gone, tp("t", 1): gone}, {})
    assert (cache.current.topics, cache.current.topic_names) == ({}, {})


def test_a_topic_that_is_given_its_id_is_the_one_that_had_none() -> None:
    cache = MetadataCache()
    cache.update(1, BROKERS, {tp("t"): state(), tp("t", 1): state()}, {})
    assert cache.current.topic_names == {}
    cache.update(1, BROKERS, {tp("t", 1): state(2)}, {"t": T})
    assert set(cache.current.topics["t"].partitions) == {0, 1}
    assert cache.current.topic_names == {T: "t"}


def test_where_a_broker_listens() -> None:
    cache = MetadataCache()
    assert cache.current.endpoint(1, "PLAINTEXT") is None
    cache.update(1, BROKERS, {}, {})
    endpoint = cache.current.endpoint(2, "PLAINTEXT")
    assert endpoint is not None
    assert (endpoint.host, endpoint.port) == ("b2", 9092)
    assert cache.current.endpoint(2, "SSL") is None
    assert cache.current.endpoint(3, "PLAINTEXT") is None


async def test_who_waits_for_the_next_state_is_woken() -> None:
    cache = MetadataCache()
    event = trio.Event()
    cache.changed.register(event)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(event.wait)
        await wait_all_tasks_blocked()
        cache.update(1, BROKERS, {}, {})
