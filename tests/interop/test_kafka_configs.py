"""kafka-configs on every entity type, and what it leaves in ZooKeeper; the same on a real Kafka.

The tool alters topics and loggers by IncrementalAlterConfigs, brokers by AlterConfigs, and users,
clients and addresses by AlterClientQuotas and AlterUserScramCredentials.
"""

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer
from kazoo.client import KazooClient

from tests.interop.test_kafka_tools import CONFIGS, create_topic, run
from tests.support.cluster import TestCluster
from tests.support.kafka import kafka_tool
from tests.support.waiting import wait_until

pytestmark = pytest.mark.server

PATIENCE_S = 20.0


def alter(cluster: TestCluster, entity: str, *change: str) -> str:
    """`entity` is as on the command line: `--entity-type users --entity-name alice`."""
    return run(cluster, CONFIGS, "--alter", *entity.split(), *change)


def describe(cluster: TestCluster, entity: str, *flags: str) -> list[str]:
    text = run(cluster, CONFIGS, "--describe", *entity.split(), *flags)
    return sorted(line.strip() for line in text.splitlines() if line.strip())


@contextmanager
def zookeeper(cluster: TestCluster) -> Iterator[KazooClient]:
    client = KazooClient(cluster.zookeeper_connect)
    client.start()
    try:
        yield client
    finally:
        client.stop()
        client.close()


def stored(cluster: TestCluster) -> dict[str, object]:
    """Every config in ZooKeeper, but those of topics that the brokers make themselves."""
    found: dict[str, object] = {}

    def visit(path: str) -> None:
        data, _ = client.get(path)
        if data and not path.startswith("/config/topics/__"):
            document = json.loads(data)
            assert document.pop("version") == 1
            found[path.removeprefix("/config/")] = document.pop("config")
            assert document == {}
        for child in client.get_children(path):
            visit(f"{path}/{child}")

    with zookeeper(cluster) as client:
        for root in ("topics", "brokers", "users", "clients", "ips"):
            visit(f"/config/{root}")
    return found


def notified(cluster: TestCluster) -> list[str]:
    with zookeeper(cluster) as client:
        names = sorted(client.get_children("/config/changes"))
        documents = [json.loads(client.get(f"/config/changes/{name}")[0]) for name in names]
    assert {document["version"] for document in documents} <= {2}
    return [document["entity_path"] for document in documents]


TOPIC, BROKER = "--entity-type topics --entity-name t", "--entity-type brokers --entity-name 1"
ALL_BROKERS = "--entity-type brokers --entity-default"
USER, CLIENT = "--entity-type users --entity-name alice", "--entity-type clients --entity-name app"


@pytest.mark.matrix
def test_every_entity_type(new_cluster: Callable[..., AbstractContextManager[TestCluster]]) -> None:
    with new_cluster(brokers=1) as cluster:
        create_topic(cluster, "t")
        changes = {
            TOPIC: "retention.ms=1000,cleanup.policy=[compact,delete]",
            BROKER: "log.cleaner.threads=2,leader.replication.throttled.rate=5000",
            ALL_BROKERS: "log.retention.ms=99999999",
            f"{USER} {CLIENT}": "producer_byte_rate=1024,request_percentage=50",
            USER: "consumer_byte_rate=2048",
            "--entity-type clients --entity-default": "producer_byte_rate=4096",
            "--entity-type users --entity-default": "controller_mutation_rate=3.5",
            "--entity-type ips --entity-name 127.0.0.9": "connection_creation_rate=10",
        }
        for entity, configs in changes.items():
            said = alter(cluster, entity, "--add-config", configs)
            assert "Completed updating" in said
        assert stored(cluster) == {
            "topics/t": {"retention.ms": "1000", "cleanup.policy": "compact,delete"},
            "brokers/1": {
                "log.cleaner.threads": "2",
                "leader.replication.throttled.rate": "5000",
            },
            "brokers/<default>": {"log.retention.ms": "99999999"},
            "users/alice/clients/app": {
                "producer_byte_rate": "1024",
                "request_percentage": "50.0",
            },
            "users/alice": {"consumer_byte_rate": "2048"},
            "clients/<default>": {"producer_byte_rate": "4096"},
            "users/<default>": {"controller_mutation_rate": "3.5"},
            "ips/127.0.0.9": {"connection_creation_rate": "10"},
        }
        assert sorted(notified(cluster)) == sorted(
            [
                "topics/t",
                "brokers/1",
                "brokers/<default>",
                "users/alice/clients/app",
                "users/alice",
                "clients/<default>",
                "users/<default>",
                "ips/127.0.0.9",
            ]
        )

        # Of brokers' configs that one tells what it has applied.
        wait_until("broker 1 to apply both", lambda: len(describe(cluster, BROKER)) == 3)
        wait_until("it to apply that of all", lambda: len(describe(cluster, ALL_BROKERS)) == 2)
        assert describe(cluster, TOPIC) == [
            "Dynamic configs for topic t are:",
            "cleanup.policy=compact,delete sensitive=false synonyms={DYNAMIC_TOPIC_CONFIG:"
            "cleanup.policy=compact,delete, DEFAULT_CONFIG:log.cleanup.policy=delete}",
            "retention.ms=1000 sensitive=false synonyms={DYNAMIC_TOPIC_CONFIG:retention.ms=1000, "
            "DYNAMIC_DEFAULT_BROKER_CONFIG:log.retention.ms=99999999, "
            "DEFAULT_CONFIG:log.retention.hours=168}",
        ]
        assert describe(cluster, BROKER) == [
            "Dynamic configs for broker 1 are:",
            "leader.replication.throttled.rate=5000 sensitive=false synonyms="
            "{DYNAMIC_BROKER_CONFIG:leader.replication.throttled.rate=5000}",
            "log.cleaner.threads=2 sensitive=false synonyms={DYNAMIC_BROKER_CONFIG:"
            "log.cleaner.threads=2, DEFAULT_CONFIG:log.cleaner.threads=1}",
        ]
        assert describe(cluster, ALL_BROKERS) == [
            "Default configs for brokers in the cluster are:",
            "log.retention.ms=99999999 sensitive=false synonyms="
            "{DYNAMIC_DEFAULT_BROKER_CONFIG:log.retention.ms=99999999}",
        ]
        everything = describe(cluster, BROKER, "--all")
        assert everything[0] == "All configs for broker 1 are:"
        assert [line for line in everything if line.startswith("log.retention.ms=")] == [
            "log.retention.ms=99999999 sensitive=false synonyms={DYNAMIC_DEFAULT_BROKER_CONFIG:"
            "log.retention.ms=99999999, DEFAULT_CONFIG:log.retention.hours=168}"
        ]
        assert "retention.ms=1000 sensitive=false" in "\n".join(describe(cluster, TOPIC, "--all"))
        [of_both] = describe(cluster, f"{USER} {CLIENT}")
        head, _, limits = of_both.partition(" are ")
        assert head == "Quota configs for user-principal 'alice', client-id 'app'"
        # in no order that anybody may rely on
        assert set(limits.split(", ")) == {"producer_byte_rate=1024.0", "request_percentage=50.0"}
        assert describe(cluster, USER) == [
            "Quota configs for user-principal 'alice' are consumer_byte_rate=2048.0"
        ]
        assert describe(cluster, "--entity-type clients --entity-default") == [
            "Quota configs for the default client-id are producer_byte_rate=4096.0"
        ]
        assert describe(cluster, "--entity-type ips") == [
            "Quota configs for ip '127.0.0.9' are connection_creation_rate=10.0"
        ]

        for entity, configs in changes.items():
            names = re.findall(r"([a-z._]+)=", configs)
            alter(cluster, entity, "--delete-config", ",".join(names))
        assert stored(cluster) == {"topics/t": {}, "brokers/1": {}, "brokers/<default>": {}}
        with zookeeper(cluster) as client:
            for root in ("users", "clients", "ips"):
                assert client.get_children(f"/config/{root}") == []


def test_refusals_reach_the_user(cluster: TestCluster, name: str) -> None:
    create_topic(cluster, name)
    topic = f"--entity-type topics --entity-name {name}"
    for entity, change, complaint in (
        (topic, "nonsense=1", "Unknown topic config name: nonsense"),
        (topic, "retention.ms=x", "Not a number of type LONG"),
        (BROKER, "log.dirs=/tmp", "Cannot update these configs dynamically"),
        (ALL_BROKERS, "listeners=PLAINTEXT://:1", "broker id must be specified"),
        (BROKER, "num.io.threads=100", "should not be greater than double the current value 8"),
    ):
        result = kafka_tool(
            CONFIGS, "--bootstrap-server", cluster.bootstrap, "--alter", *entity.split(),
            "--add-config", change, check=False,
        )  # fmt: skip
        assert result.returncode == 1
        assert complaint in result.stderr


def test_credentials(cluster: TestCluster) -> None:
    user = "--entity-type users --entity-name scram-user"
    alter(cluster, user, "--add-config", "SCRAM-SHA-256=[iterations=8192,password=secret]")
    assert describe(cluster, user) == [
        "SCRAM credential configs for user-principal 'scram-user' are SCRAM-SHA-256=iterations=8192"
    ]
    [credential] = [
        config for path, config in stored(cluster).items() if path == "users/scram-user"
    ]
    assert isinstance(credential, dict)
    assert re.fullmatch(
        r"salt=[^,]+,stored_key=[^,]{44},server_key=[^,]{44},iterations=8192",
        credential["SCRAM-SHA-256"],
    )
    # By ZooKeeper, which is still allowed for credentials: the brokers read what others wrote.
    kafka_tool(
        CONFIGS, "--zookeeper", cluster.zookeeper_connect, "--alter", *user.split(),
        "--add-config", "SCRAM-SHA-512=[password=secret]",
    )  # fmt: skip
    assert describe(cluster, user) == [
        "SCRAM credential configs for user-principal 'scram-user' are "
        "SCRAM-SHA-256=iterations=8192, SCRAM-SHA-512=iterations=4096"
    ]
    alter(cluster, user, "--delete-config", "SCRAM-SHA-256,SCRAM-SHA-512")
    assert describe(cluster, user) == []


def test_applied_while_they_run_by_every_broker(cluster: TestCluster, name: str) -> None:
    """A limit of all brokers, then of a topic, and none: the largest batch tells what counts."""
    create_topic(cluster, name, "--partitions", "3")
    topic = f"--entity-type topics --entity-name {name}"
    wait_until_accepted(cluster, name, accepted=True)
    alter(cluster, ALL_BROKERS, "--add-config", "message.max.bytes=500")
    wait_until_accepted(cluster, name, accepted=False)
    alter(cluster, topic, "--add-config", "max.message.bytes=100000")
    wait_until_accepted(cluster, name, accepted=True)
    alter(cluster, topic, "--delete-config", "max.message.bytes")
    wait_until_accepted(cluster, name, accepted=False)
    alter(cluster, ALL_BROKERS, "--delete-config", "message.max.bytes")
    wait_until_accepted(cluster, name, accepted=True)


def wait_until_accepted(cluster: TestCluster, topic: str, *, accepted: bool) -> None:
    """Until a record of 1,000 bytes is taken, or refused, by the leaders of all partitions."""
    producer = Producer({"bootstrap.servers": cluster.bootstrap, "linger.ms": 0})
    outcomes: dict[int, bool] = {}

    def delivered(error: KafkaError | None, message: object) -> None:
        if error is not None and error.code() != KafkaError.MSG_SIZE_TOO_LARGE:
            raise KafkaException(error)
        outcomes[message.partition()] = error is None  # type: ignore[attr-defined]

    deadline = time.monotonic() + PATIENCE_S
    while set(outcomes.values()) != {accepted}:
        assert time.monotonic() < deadline, f"{accepted=} not in {PATIENCE_S} s: {outcomes}"
        for partition in range(3):
            producer.produce(topic, bytes(1000), partition=partition, on_delivery=delivered)
        producer.flush()


def test_written_into_zookeeper_while_no_broker_runs(
    new_cluster: Callable[..., AbstractContextManager[TestCluster]],
) -> None:
    """--zookeeper alters brokers that are down; what is stored counts from their start."""
    with new_cluster(brokers=1) as cluster:
        broker = cluster.brokers[1]
        broker.stop()
        for entity, change in (
            (BROKER, "log.segment.bytes=5000000"),
            (ALL_BROKERS, "log.segment.bytes=6000000,log.retention.ms=777"),
        ):
            wait_for_tool(cluster, entity, change)
        with zookeeper(cluster) as client:
            data = {"log.segment.bytes": "5000000", "log.flush.interval.ms": "soon"}
            document = json.dumps({"version": 1, "config": data}).encode()
            client.set("/config/brokers/1", document)
        cluster.start_brokers()
        described = "\n".join(describe(cluster, BROKER, "--all"))
        assert "log.segment.bytes=5000000 " in described
        assert "log.retention.ms=777 " in described
        assert "log.flush.interval.ms=null " in described


def wait_for_tool(cluster: TestCluster, entity: str, change: str) -> None:
    """The tool refuses while the broker's ephemeral node is there."""
    for _ in range(10):
        result = kafka_tool(
            CONFIGS, "--zookeeper", cluster.zookeeper_connect, "--alter", *entity.split(),
            "--add-config", change, check=False,
        )  # fmt: skip
        if result.returncode == 0:
            return
    raise AssertionError(result.stderr)
