"""`zbroker-admin records` and `log dirs`, with brokers that have two log directories each."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka import Producer

from tests.interop.test_admin import admin, ended
from tests.interop.test_kafka_tools import GET_OFFSETS, run
from tests.interop.test_log_dirs import LOG_DIRS
from tests.interop.test_transactions import TIMEOUT_S, producer_of
from tests.support.cluster import Kind, TestCluster, running_cluster
from tests.support.topics import wait_until_known
from tests.support.waiting import wait_until

pytestmark = pytest.mark.server

PROPERTIES = {"log.dirs": "{directory}/data,{directory}/other"}


@pytest.fixture(scope="module")
def cluster(kind: Kind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestCluster]:
    directory = tmp_path_factory.mktemp("two-dirs")
    with running_cluster(kind, directory, brokers=1, properties=PROPERTIES) as cluster:
        yield cluster


@pytest.fixture
def topic(cluster: TestCluster, name: str) -> str:
    """One partition of 10 records."""
    admin(cluster, "topic", "create", name, "-p", "1", "-r", "1")
    wait_until_known(cluster.bootstrap, name)
    producer = Producer({"bootstrap.servers": cluster.bootstrap})
    for number in range(10):
        producer.produce(name, str(number))
    producer.flush()
    return name


def test_records_are_deleted(cluster: TestCluster, topic: str) -> None:
    start = ("--topic", topic, "--time", "earliest")
    delete = ("records", "delete", "--offset", f"{topic}:0=4")
    dry = admin(cluster, *delete)
    assert dry.splitlines()[1].split() == [topic, "0", "0", "4", "4"]
    assert run(cluster, GET_OFFSETS, *start).strip() == f"{topic}:0:0"
    done = json.loads(admin(cluster, *delete, "--execute", "-o", "json"))
    assert done["partitions"][0]["low_watermark"] == 4
    assert run(cluster, GET_OFFSETS, *start).strip() == f"{topic}:0:4"
    beyond = admin(
        cluster, "records", "delete", "--offset", f"{topic}:0=99", "--execute", exit_code=1
    )
    assert f"{topic}-0: OFFSET_OUT_OF_RANGE" in beyond
    admin(cluster, "records", "delete", "--offset", f"{topic}:0=-1", "--execute")
    assert admin(cluster, "topic", "offsets", topic, "--time", "earliest") == f"{topic}:0:10\n"


def described(cluster: TestCluster, topic: str) -> list[Any]:
    """(directory, replica) for each place in which the topic's partition lies."""
    describe = ("log", "dirs", "describe", "--topic-list", topic, "-o", "json")
    dirs = json.loads(admin(cluster, *describe))["log_dirs"]
    return [(each["log_dir"], replica) for each in dirs for replica in each["replicas"]]


def test_a_replica_moves_to_the_other_directory(cluster: TestCluster, topic: str) -> None:
    ((before, replica),) = described(cluster, topic)
    theirs = run(cluster, LOG_DIRS, "--describe", "--topic-list", topic).splitlines()[-1]
    told = {
        each["logDir"]: [part["size"] for part in each["partitions"]]
        for each in json.loads(theirs)["brokers"][0]["logDirs"]
    }
    assert told[before] == [replica["size_bytes"]]
    (after,) = told.keys() - {before}
    move = ("log", "dirs", "move", f"{topic}:0", "--broker", "1", "--dir")
    assert admin(cluster, *move, after) == f"Moving {topic}-0 on broker 1 to {after}.\n"
    wait_until("the move", lambda: [each for each, _ in described(cluster, topic)] == [after])
    assert "LOG_DIR_NOT_FOUND" in admin(cluster, *move, "/nowhere", exit_code=1)


def test_lines_become_records_and_lines_again(cluster: TestCluster, name: str) -> None:
    """Keys go where librdkafka puts them, if it hashes as Java's producer does."""
    admin(cluster, "topic", "create", name, "-p", "3", "-r", "1")
    wait_until_known(cluster.bootstrap, name, partitions=3)
    lines = "".join(f"key-{number}:value {number}\n" for number in range(20))
    sent = ended(cluster, "records", "produce", name, "--key-separator", ":", stdin=lines)
    assert sent.returncode == 0, sent.stderr
    settings = {"bootstrap.servers": cluster.bootstrap, "partitioner": "murmur2"}
    producer = Producer({**settings, "compression.type": "lz4"})
    for number in range(20):
        producer.produce(name, f"value {number}", f"key-{number}")
    producer.flush()
    read = json.loads(admin(cluster, "records", "consume", name, "-o", "json"))["records"]
    places = {(each["key"], each["value"], each["partition"]) for each in read}
    assert (len(read), len(places)) == (40, 20), "each twice, in one place"
    values = admin(cluster, "records", "consume", name, "--max-messages", "3").splitlines()
    assert [each["value"] for each in read[:3]] == values


def test_committed_records_only(cluster: TestCluster, topic: str) -> None:
    producer = producer_of(cluster, topic)
    producer.init_transactions(TIMEOUT_S)
    for value, end in (("dropped", producer.abort_transaction), ("kept", None)):
        producer.begin_transaction()
        producer.produce(topic, value)
        producer.flush(TIMEOUT_S)
        (end or producer.commit_transaction)(TIMEOUT_S)
    consume = ("records", "consume", topic, "--offset", "10")
    wait_until("the markers", lambda: "dropped\nkept" in admin(cluster, *consume))
    committed = (*consume, "--isolation-level", "read_committed")
    wait_until("the commit", lambda: admin(cluster, *committed) == "kept\n")
