"""Dynamic configs: asked of one kind, applied by both, live.

A change is written to ZooKeeper by the broker that is asked, and announced in /config/changes;
`max.message.bytes` shows when each leader has heard of it.
"""

import pytest
from confluent_kafka import KafkaError, Message, Producer

from broker.wire.apis import ApiKey
from broker.wire.messages.incremental_alter_configs import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)
from tests.interop.faults.watch import ClusterWatch
from tests.interop.mixed.ensembles import TIMEOUT_S, new_topic
from tests.support.cluster import Kind, TestCluster
from tests.support.raw_client import RawClient
from tests.support.topics import make_topics
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.server, pytest.mark.matrix]

TOPIC, BROKER = 2, 4  # types of ConfigResource
SET, DELETE = 0, 1  # types of AlterConfigOp
ALL_BROKERS = ""

SMALL = "2000"
RECORD = bytes(10_000)


@pytest.mark.parametrize("asked", ["kafka", "zbroker"])
def test_a_change_is_applied_by_both_kinds(
    cluster: TestCluster, watch: ClusterWatch, name: str, asked: Kind
) -> None:
    """Of a topic's config, then of the default that all brokers have."""
    broker_id = cluster.of_kind(asked)[0]
    one_leader_each = [[1, 2, 3], [2, 3, 1], [3, 1, 2]]
    make_topics(cluster.bootstrap, new_topic(name, one_leader_each))
    watch.wait_until_full_isr(name)
    everywhere = dict.fromkeys(range(3))
    nowhere = dict.fromkeys(range(3), KafkaError.MSG_SIZE_TOO_LARGE)
    wait_until("leaders that take it", lambda: outcomes(cluster, name) == everywhere, TIMEOUT_S)
    for resource_type, entity, config in (
        (TOPIC, name, "max.message.bytes"),
        (BROKER, ALL_BROKERS, "message.max.bytes"),
    ):
        change(cluster, broker_id, resource_type, entity, config, SMALL)
        wait_until("the new limit", lambda: outcomes(cluster, name) == nowhere, TIMEOUT_S)
        change(cluster, broker_id, resource_type, entity, config, None)
        wait_until("the old limit", lambda: outcomes(cluster, name) == everywhere, TIMEOUT_S)


def change(
    cluster: TestCluster,
    asked: int,
    resource_type: int,
    entity: str,
    config: str,
    value: str | None,
) -> None:
    """Ask that broker to set a config, or with None to delete it."""
    operation = DELETE if value is None else SET
    entry = AlterableConfig(name=config, config_operation=operation, value=value)
    resource = AlterConfigsResource(
        resource_type=resource_type, resource_name=entity, configs=[entry]
    )
    with RawClient(cluster.address(asked)) as client:
        answer = client.ask(
            ApiKey.INCREMENTAL_ALTER_CONFIGS,
            1,
            IncrementalAlterConfigsRequest(resources=[resource]),
        )
    assert [each.error_code for each in answer.responses] == [0], answer


def outcomes(cluster: TestCluster, topic: str) -> dict[int, int | None]:
    """What became of a large record in each partition: None if it was taken, or an error code."""
    found: dict[int, int | None] = {}

    def delivered(error: KafkaError | None, message: Message) -> None:
        found[message.partition()] = None if error is None else error.code()

    producer = Producer(
        {"bootstrap.servers": cluster.bootstrap, "acks": "all", "linger.ms": 0, "log_level": 0}
    )
    for partition in range(3):
        producer.produce(topic, RECORD, partition=partition, on_delivery=delivered)
    assert producer.flush(TIMEOUT_S) == 0
    return found
