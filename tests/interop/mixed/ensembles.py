"""Who is in a mixed ensemble, and who is made its controller.

An election is a race; `put_controller_on` decides it by freezing the others for its length, much
shorter than their sessions, so that nobody dies of it.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Final

from confluent_kafka import ElectionType, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from kazoo.exceptions import NoNodeError

from broker.wire.apis import ApiKey
from broker.wire.messages.alter_partition_reassignments import (
    AlterPartitionReassignmentsRequest,
    ReassignablePartition,
    ReassignableTopic,
)
from broker.wire.messages.metadata import MetadataRequest
from tests.interop.faults.conftest import PROPERTIES as FAULT_PROPERTIES
from tests.interop.faults.watch import ClusterWatch
from tests.support.cluster import Kind, TestCluster
from tests.support.raw_client import RawClient
from tests.support.waiting import wait_until

TIMEOUT_S: Final = 60.0
CONTROLLER: Final = "/controller"

# In the order in which they start: the last one joins the two before it.
ENSEMBLES: Final[dict[str, Sequence[Kind]]] = {
    "zbroker-joins": ("kafka", "kafka", "zbroker"),
    "kafka-joins": ("zbroker", "zbroker", "kafka"),
}

PROPERTIES: Final = {
    **FAULT_PROPERTIES,
    "inter.broker.protocol.version": "3.9",
    # A follower that is frozen leaves the ISR well before its session ends, on a busy machine too.
    "replica.lag.time.max.ms": "1500",
    "zookeeper.session.timeout.ms": "9000",
    # Leaders move when a test says so.
    "auto.leader.rebalance.enable": "false",
}


def odd_one(cluster: TestCluster) -> int:
    """The broker whose kind nobody else has: when it's gone, the other kind must do its work."""
    return next(
        broker_id
        for broker_id, kind in cluster.kinds.items()
        if cluster.of_kind(kind) == [broker_id]
    )


def one_of_the_pair(cluster: TestCluster) -> int:
    return next(broker_id for broker_id in cluster.brokers if broker_id != odd_one(cluster))


def put_controller_on(cluster: TestCluster, watch: ClusterWatch, broker_id: int) -> None:
    """Let that broker win an election, and wait until all have heard of it.

    There is one election even if the broker is controller already.
    """
    with frozen(cluster, [other for other in cluster.brokers if other != broker_id]):
        _depose(watch)
        while watch.controller() != broker_id:
            _depose(watch)  # whoever it is had begun to stand before it froze
    wait_until(
        f"all to know controller {broker_id}",
        lambda: {_controller_known_to(cluster, each) for each in cluster.brokers} == {broker_id},
        TIMEOUT_S,
    )


def _controller_known_to(cluster: TestCluster, broker_id: int) -> int:
    """What that very broker tells its clients; a client library may ask another one."""
    with RawClient(cluster.address(broker_id)) as client:
        return int(client.ask(ApiKey.METADATA, 12, MetadataRequest(topics=[])).controller_id)


def _depose(watch: ClusterWatch) -> None:
    with suppress(NoNodeError):
        watch.client.delete(CONTROLLER)


@contextmanager
def frozen(cluster: TestCluster, broker_ids: Sequence[int]) -> Iterator[None]:
    for broker_id in broker_ids:
        cluster.pause(broker_id)
    try:
        yield
    finally:
        for broker_id in broker_ids:
            cluster.resume(broker_id)


def new_topic(topic: str, replicas: list[list[int]], **config: str) -> NewTopic:
    """A topic whose partitions get these replicas."""
    configs = {name.replace("_", "."): value for name, value in config.items()}
    return NewTopic(
        topic, num_partitions=len(replicas), replica_assignment=replicas, config=configs
    )


def reassign(
    cluster: TestCluster, watch: ClusterWatch, topic: str, replicas: Mapping[int, list[int]]
) -> None:
    """Give partitions of the topic these replicas instead, and wait until they have them."""
    request = AlterPartitionReassignmentsRequest(
        topics=[
            ReassignableTopic(
                name=topic,
                partitions=[
                    ReassignablePartition(partition_index=number, replicas=each)
                    for number, each in replicas.items()
                ],
            )
        ]
    )
    with RawClient(cluster.address(watch.controller())) as client:
        answer = client.ask(ApiKey.ALTER_PARTITION_REASSIGNMENTS, 0, request)
    errors = {answer.error_code} | {
        partition.error_code for each in answer.responses for partition in each.partitions
    }
    assert errors == {0}, answer
    wait_until(
        f"the new replicas of {topic}", lambda: _are_replicas(watch, topic, replicas), TIMEOUT_S
    )


def make_leader(
    cluster: TestCluster, watch: ClusterWatch, topic: str, partition: int, broker_id: int
) -> None:
    """Have that broker, of all, lead the partition: the replica that is preferred."""
    others = [each for each in cluster.brokers if each != broker_id]
    reassign(cluster, watch, topic, {partition: [broker_id, *others]})
    watch.wait_until_full_isr(topic)
    if watch.leaders(topic)[partition] != broker_id:
        admin = AdminClient({"bootstrap.servers": cluster.bootstrap, "log_level": 0})
        asked = [TopicPartition(topic, partition)]
        admin.elect_leaders(ElectionType.PREFERRED, asked).result(TIMEOUT_S)
    wait_until(
        f"broker {broker_id} to lead {topic}-{partition}",
        lambda: watch.leaders(topic)[partition] == broker_id,
        TIMEOUT_S,
    )


def _are_replicas(watch: ClusterWatch, topic: str, replicas: Mapping[int, list[int]]) -> bool:
    document = watch.document(f"/brokers/topics/{topic}")
    wanted = {str(number): each for number, each in replicas.items()}
    return (
        document["partitions"] == document["partitions"] | wanted
        and not document["adding_replicas"]
        and not document["removing_replicas"]
    )


def replicas_on(cluster: TestCluster, broker_id: int, topic: str) -> list[str]:
    """The topic's directories on a broker, but for those that are renamed to be deleted."""
    return [
        directory.name
        for directory in cluster.log_dir(broker_id).glob(f"{topic}-*")
        if not directory.name.endswith("-delete")
    ]
