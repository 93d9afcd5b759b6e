"""What is behind a refused batch of a new producer: Kafka takes it, zbroker doesn't.

librdkafka sends up to five batches without waiting. If the first is refused and the second isn't,
it takes the first for written, too, and reports it as delivered: the record is lost. See
`broker.replica.refusals`.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from broker.wire.apis import ApiKey
from broker.wire.errors import ErrorCode
from broker.wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from broker.wire.record_batch import build_batch
from broker.wire.records import Record
from tests.support.cluster import Kind, TestCluster
from tests.support.raw_client import RawClient
from tests.support.waiting import wait_until

pytestmark = pytest.mark.server

TIMEOUT_S = 30.0
LEADER, FOLLOWER = 1, 2
# Producer ids that nobody was given. The second one may have written before the ISR shrank.
NEWCOMER, OTHER, ANOTHER = 1_000_000, 1_000_001, 1_000_002


def test_what_is_behind_a_new_producers_refused_batch(
    new_cluster: Callable[..., AbstractContextManager[TestCluster]], kind: Kind, name: str
) -> None:
    with new_cluster(brokers=2) as cluster:
        admin = AdminClient({"bootstrap.servers": cluster.address(LEADER), "log_level": 0})
        new = NewTopic(
            name,
            num_partitions=1,
            replica_assignment=[[LEADER, FOLLOWER]],
            config={"min.insync.replicas": "2"},
        )
        admin.create_topics([new])[name].result(TIMEOUT_S)
        cluster.brokers[FOLLOWER].stop()
        with RawClient(cluster.address(LEADER)) as client:

            def send(sequence: int) -> ErrorCode:
                return produced(client, name, sequence, NEWCOMER)

            wait_until(
                "the ISR to be too small",
                lambda: produced(client, name, 0, OTHER) is ErrorCode.NOT_ENOUGH_REPLICAS,
                TIMEOUT_S,
            )
            assert send(0) is ErrorCode.NOT_ENOUGH_REPLICAS
            set_min_isr(admin, name, 1)
            wait_until(
                "the leader to take batches",
                lambda: produced(client, name, 0, ANOTHER) is ErrorCode.NONE,
                TIMEOUT_S,
            )
            if kind == "kafka":
                assert send(1) is ErrorCode.NONE
                assert send(0) is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
            else:
                assert send(1) is ErrorCode.NOT_ENOUGH_REPLICAS
                assert [send(0), send(1)] == [ErrorCode.NONE, ErrorCode.NONE]


def produced(client: RawClient, topic: str, sequence: int, producer_id: int) -> ErrorCode:
    records = build_batch(
        [Record(value=b"a")], producer_id=producer_id, producer_epoch=0, base_sequence=sequence
    )
    data = TopicProduceData(
        name=topic, partition_data=[PartitionProduceData(index=0, records=records)]
    )
    request = ProduceRequest(acks=-1, timeout_ms=5000, topic_data=[data])
    answer = client.ask(ApiKey.PRODUCE, 9, request)
    [partition] = answer.responses[0].partition_responses
    return ErrorCode.of(partition.error_code)


def set_min_isr(admin: AdminClient, topic: str, count: int) -> None:
    entry = ConfigEntry(
        "min.insync.replicas", str(count), incremental_operation=AlterConfigOpType.SET
    )
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    admin.incremental_alter_configs([resource])[resource].result(TIMEOUT_S)
