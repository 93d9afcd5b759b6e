"""Markers and what is known of producers, by raw requests: what a coordinator, an operator and a
late producer are answered.

All of it holds for the real Kafka as well (`--cluster kafka`).
"""

from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka.admin import NewTopic

from broker.wire.apis import ApiKey
from broker.wire.errors import ErrorCode
from broker.wire.messages.describe_producers import (
    DescribeProducersRequest,
    ProducerState,
    TopicRequest,
)
from broker.wire.messages.find_coordinator import FindCoordinatorRequest
from broker.wire.messages.metadata import MetadataRequest, MetadataRequestTopic
from broker.wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from broker.wire.messages.write_txn_markers import (
    WritableTxnMarker,
    WritableTxnMarkerTopic,
    WriteTxnMarkersRequest,
)
from broker.wire.record_batch import build_batch
from broker.wire.records import Record
from tests.support.cluster import TestCluster
from tests.support.raw_client import RawClient
from tests.support.topics import make_topics
from tests.support.waiting import wait_until

pytestmark = pytest.mark.server

E = ErrorCode
PRODUCER = 1 << 40  # of no block that a controller will ever give


@pytest.fixture
def leader(cluster: TestCluster, name: str) -> Iterator[RawClient]:
    """A connection to the leader of a new topic's only partition."""
    make_topics(cluster.bootstrap, NewTopic(name, 1, 1))
    with RawClient(cluster.bootstrap.split(",")[0]) as any_broker:
        asked = MetadataRequest(topics=[MetadataRequestTopic(name=name)])
        known = any_broker.ask(ApiKey.METADATA, 12, asked)
    leader_id = known.topics[0].partitions[0].leader_id
    [node] = [each for each in known.brokers if each.node_id == leader_id]
    with RawClient(f"{node.host}:{node.port}") as client:
        yield client


def produce(
    client: RawClient,
    topic: str,
    epoch: int,
    sequence: int,
    *,
    transactional_id: str | None = None,
    version: int = 11,
) -> ErrorCode:
    batch = build_batch(
        [Record(value=b"v", timestamp_ms=1)],
        producer_id=PRODUCER,
        producer_epoch=epoch,
        base_sequence=sequence,
        is_transactional=transactional_id is not None,
    )
    data = PartitionProduceData(index=0, records=bytes(batch))
    request = ProduceRequest(
        acks=-1,
        timeout_ms=5000,
        transactional_id=transactional_id,
        topic_data=[TopicProduceData(name=topic, partition_data=[data])],
    )
    answer = client.ask(ApiKey.PRODUCE, version, request)
    return ErrorCode(answer.responses[0].partition_responses[0].error_code)


def mark(
    client: RawClient, topic: str, epoch: int, coordinator_epoch: int, version: int = 1
) -> list[Any]:
    """An abort; (producer id, topic, partition, error) of each answer."""
    marker = WritableTxnMarker(
        producer_id=PRODUCER,
        producer_epoch=epoch,
        transaction_result=False,
        topics=[WritableTxnMarkerTopic(name=topic, partition_indexes=[0])],
        coordinator_epoch=coordinator_epoch,
    )
    answer = client.ask(ApiKey.WRITE_TXN_MARKERS, version, WriteTxnMarkersRequest(markers=[marker]))
    return [
        (each.producer_id, of_topic.name, partition.partition_index, E(partition.error_code))
        for each in answer.markers
        for of_topic in each.topics
        for partition in of_topic.partitions
    ]


def describe(client: RawClient, topic: str, partition: int = 0) -> Any:
    request = DescribeProducersRequest(
        topics=[TopicRequest(name=topic, partition_indexes=[partition])]
    )
    return client.ask(ApiKey.DESCRIBE_PRODUCERS, 0, request).topics[0].partitions[0]


def test_markers_and_who_is_fenced(leader: RawClient, name: str) -> None:
    def answer(code: ErrorCode, topic: str = name) -> list[Any]:
        return [(PRODUCER, topic, 0, code)]

    assert produce(leader, name, 0, 0) is E.NONE
    assert mark(leader, name, 0, 5, version=0) == answer(E.NONE)
    assert mark(leader, name, 0, 5, version=1) == answer(E.NONE)
    assert mark(leader, name, 0, 4) == answer(E.TRANSACTION_COORDINATOR_FENCED)
    assert produce(leader, name, 0, 1) is E.NONE
    assert mark(leader, name, 1, 5) == answer(E.NONE)
    assert mark(leader, name, 0, 5) == answer(E.INVALID_PRODUCER_EPOCH)
    assert produce(leader, name, 0, 2) is E.INVALID_PRODUCER_EPOCH
    missing = f"{name}-missing"
    assert mark(leader, missing, 0, 5) == answer(E.UNKNOWN_TOPIC_OR_PARTITION, missing)
    nothing = leader.ask(ApiKey.WRITE_TXN_MARKERS, 1, WriteTxnMarkersRequest())
    assert nothing.markers == []
    assert produce(leader, name, 1, 0) is E.NONE


def test_what_is_known_of_producers(leader: RawClient, name: str) -> None:
    assert describe(leader, name).active_producers == []
    assert produce(leader, name, 3, 10) is E.NONE
    known = ProducerState(
        producer_id=PRODUCER,
        producer_epoch=3,
        last_sequence=10,
        last_timestamp=1,
        coordinator_epoch=-1,
        current_txn_start_offset=-1,
    )
    assert describe(leader, name).active_producers == [known]
    mark(leader, name, 4, 7)
    [marked] = describe(leader, name).active_producers
    assert (marked.producer_epoch, marked.last_sequence, marked.coordinator_epoch) == (4, -1, 7)
    assert marked.last_timestamp > 1
    assert E(describe(leader, name, partition=9).error_code) is E.UNKNOWN_TOPIC_OR_PARTITION
    assert E(describe(leader, f"{name}-missing").error_code) is E.UNKNOWN_TOPIC_OR_PARTITION
    assert E(describe(leader, "a b").error_code) is E.INVALID_TOPIC_EXCEPTION


def test_a_transaction_of_which_no_coordinator_knows(leader: RawClient, name: str) -> None:
    """A late record would begin it, and nobody would end it."""
    find = FindCoordinatorRequest(key_type=1, coordinator_keys=[f"{name}-late"])
    leader.ask(ApiKey.FIND_COORDINATOR, 4, find)  # makes __transaction_state
    heard: list[ErrorCode] = []

    def is_decided() -> bool:
        """Not before there is a coordinator, and it has loaded what it knows."""
        heard.append(produce(leader, name, 0, 0, transactional_id=f"{name}-late"))
        return heard[-1] is not E.NOT_ENOUGH_REPLICAS

    wait_until("the coordinator to answer", is_decided, 60.0)
    assert heard[-1] is E.INVALID_PRODUCER_ID_MAPPING
    assert describe(leader, name).active_producers == []
