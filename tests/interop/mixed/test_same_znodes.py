"""One administrative story, told to three Kafka brokers and to three zbrokers: the same znodes.

Each step ends when the cluster is quiet again, so that the next finds the same state on both
sides; see `znode_tree` for what is compared. Assignments are explicit, and who is controller is
decided, so leaders and epochs follow from the story alone.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs
import pytest
from confluent_kafka import ElectionType, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
)

from tests.interop.faults.watch import ClusterWatch, watching
from tests.interop.mixed.ensembles import (
    PROPERTIES,
    TIMEOUT_S,
    new_topic,
    put_controller_on,
    reassign,
)
from tests.interop.mixed.znode_tree import Znode, differences, read_tree
from tests.support.cluster import Kind, TestCluster, running_cluster
from tests.support.topics import make_topics, wait_until_known
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.server, pytest.mark.matrix]

# In this story who is slow stays in the ISR: only who dies or is told to stop leaves it.
PATIENT_PROPERTIES = {**PROPERTIES, "replica.lag.time.max.ms": "30000"}


@attrs.define(eq=False)
class Side:
    """One of the two clusters."""

    cluster: TestCluster
    watch: ClusterWatch
    admin: AdminClient

    def topics(self) -> list[str]:
        return list(self.watch.client.get_children("/brokers/topics"))

    def wait_until_quiet(self) -> None:
        """All replicas in sync, nothing asked for that is not done."""
        wait_until(
            "deletions", lambda: not self.watch.client.get_children("/admin/delete_topics"), 60
        )
        self.cluster.wait_ready()
        self.watch.wait_until_full_isr(*self.topics())


def create(side: Side) -> None:
    orders = [[1, 2, 3], [2, 3, 1], [3, 1, 2]]
    wanted = [
        new_topic("orders", orders, retention_ms="1000000"),
        new_topic("lonely", [[2]]),
        new_topic("doomed", [[1, 2], [2, 3]], segment_ms="600000"),
    ]
    make_topics(side.cluster.bootstrap, *wanted)


def produce(side: Side) -> None:
    producer = Producer(
        {"bootstrap.servers": side.cluster.bootstrap, "enable.idempotence": True, "log_level": 0}
    )
    for partition in range(3):
        producer.produce("orders", b"a record", partition=partition)
    assert producer.flush(TIMEOUT_S) == 0


def grow(side: Side) -> None:
    new = NewPartitions("orders", 5, replica_assignment=[[3, 2, 1], [2, 1, 3]])
    side.admin.create_partitions([new])["orders"].result(TIMEOUT_S)
    wait_until_known(side.cluster.bootstrap, "orders", partitions=5)


def alter(side: Side) -> None:
    """A topic's config, and one broker's."""
    broker, topic = ConfigResource.Type.BROKER, ConfigResource.Type.TOPIC
    changes = [
        changed(topic, "orders", "retention.ms", "2000000"),
        changed(topic, "orders", "max.message.bytes", "200000"),
        changed(broker, "2", "log.cleaner.threads", "2"),
    ]
    for change in changes:
        for result in side.admin.incremental_alter_configs([change]).values():
            result.result(TIMEOUT_S)


def changed(kind: ConfigResource.Type, entity: str, name: str, value: str) -> ConfigResource:
    entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
    return ConfigResource(kind, entity, incremental_configs=[entry])


def kill_and_restart_a_leader(side: Side) -> None:
    gone = side.watch.vanishing("/brokers/ids/2")
    side.cluster.brokers[2].kill()
    gone.wait()
    wait_until("others to lead", lambda: 2 not in side.watch.leaders("orders").values(), TIMEOUT_S)
    wait_until("no leader", lambda: side.watch.leaders("lonely") == {0: -1}, TIMEOUT_S)
    side.cluster.start(2)
    wait_until("its leader back", lambda: side.watch.leaders("lonely") == {0: 2}, TIMEOUT_S)


def restart_in_an_orderly_way(side: Side) -> None:
    side.cluster.brokers[3].stop()
    assert 3 not in side.watch.leaders("orders").values()
    side.cluster.start(3)


def elect(side: Side) -> None:
    """Everybody leads again what it is the first replica of."""
    partitions = [TopicPartition("orders", number) for number in range(5)]
    outcomes = side.admin.elect_leaders(ElectionType.PREFERRED, partitions).result(TIMEOUT_S)
    errors = {error.code() for error in outcomes.values() if error is not None}
    assert errors <= {KafkaError.ELECTION_NOT_NEEDED}
    assert side.watch.leaders("orders") == {0: 1, 1: 2, 2: 3, 3: 3, 4: 2}


def move(side: Side) -> None:
    """One topic gets another leader, one another broker."""
    reassign(side.cluster, side.watch, "orders", {0: [2, 1, 3]})
    reassign(side.cluster, side.watch, "lonely", {0: [3]})


def delete(side: Side) -> None:
    for result in side.admin.delete_topics(["doomed"]).values():
        result.result(TIMEOUT_S)


def lose_the_controller(side: Side) -> None:
    gone = side.watch.vanishing("/brokers/ids/1")
    side.cluster.brokers[1].kill()
    gone.wait()
    wait_until("others to lead", lambda: 1 not in side.watch.leaders("orders").values(), TIMEOUT_S)
    assert side.watch.controller() != 1
    side.cluster.start(1)


STORY: list[Callable[[Side], None]] = [
    create,
    produce,
    grow,
    alter,
    kill_and_restart_a_leader,
    restart_in_an_orderly_way,
    elect,
    move,
    delete,
    lose_the_controller,
]


def test_the_same_story_leaves_the_same_znodes(tmp_path: Path) -> None:
    theirs = told_to("kafka", tmp_path)
    ours = told_to("zbroker", tmp_path)
    assert [step for step, _ in theirs] == [step for step, _ in ours]
    for (step, tree_of_theirs), (_, tree_of_ours) in zip(theirs, ours, strict=True):
        assert differences(tree_of_theirs, tree_of_ours) == [], f"after {step}"


def told_to(kind: Kind, directory: Path) -> list[tuple[str, dict[str, Znode]]]:
    """The tree after each step."""
    trees = []
    with side_of(kind, directory / kind) as side:
        for step in STORY:
            step(side)
            side.wait_until_quiet()
            trees.append((step.__name__, read_tree(side.watch.client)))
    return trees


@contextmanager
def side_of(kind: Kind, directory: Path) -> Iterator[Side]:
    with (
        running_cluster(kind, directory, properties=PATIENT_PROPERTIES) as cluster,
        watching(cluster.zookeeper_connect) as watch,
    ):
        put_controller_on(cluster, watch, 1)  # before the client asks who it is, and remembers
        admin = AdminClient({"bootstrap.servers": cluster.bootstrap, "log_level": 0})
        yield Side(cluster, watch, admin)
