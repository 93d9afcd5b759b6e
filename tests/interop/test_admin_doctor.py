"""`zbroker-admin doctor` on a cluster that is well, and on one that was damaged on purpose.

Damage is what somebody else did to it: wrote into a znode, changed a follower's file. Each test
makes it good again, so that all of them can have one cluster.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import NewTopic
from crc32c import crc32c
from kazoo.client import KazooClient

from broker.wire.record_batch import batches
from tests.cli.commands.canned import check_schema
from tests.interop.test_transactions import TIMEOUT_S, producer_of
from tests.support.cluster import Kind, TestCluster, running_cluster
from tests.support.ports import free_port
from tests.support.topics import make_topics
from tests.support.waiting import wait_until

pytestmark = pytest.mark.server

RECORDS = 30
# So that none of their partitions is without a leader while one broker is away.
ON_ALL_BROKERS = {
    "offsets.topic.replication.factor": "3",
    "transaction.state.log.replication.factor": "3",
}
Findings = dict[str, list[tuple[str, str]]]


@pytest.fixture(scope="module")
def patient(kind: Kind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestCluster]:
    """Three brokers; a topic of each kind, and something in it."""
    directory = tmp_path_factory.mktemp("patient")
    with running_cluster(kind, directory, properties=ON_ALL_BROKERS) as cluster:
        make_topics(
            cluster.bootstrap,
            NewTopic("orders", 3, 3),
            NewTopic("compacted", 1, 3, config={"cleanup.policy": "compact"}),
            NewTopic("isr", 1, 1),
            NewTopic("epoch", 1, 2),
        )
        produce(cluster, "orders", partitions=3)
        produce(cluster, "compacted")
        transactional = producer_of(cluster, "id")
        transactional.init_transactions(TIMEOUT_S)
        transactional.begin_transaction()
        transactional.produce("orders", "in a transaction")
        transactional.commit_transaction(TIMEOUT_S)
        join_group(cluster, "orders")
        yield cluster


def produce(cluster: TestCluster, topic: str, partitions: int = 1) -> None:
    """In several batches."""
    producer = Producer({"bootstrap.servers": cluster.bootstrap, "acks": "all"})
    for number in range(RECORDS):
        producer.produce(topic, f"value {number}", f"key {number % 5}", number % partitions)
        if number % 10 == 9:
            assert producer.flush(TIMEOUT_S) == 0


def join_group(cluster: TestCluster, topic: str) -> None:
    consumer = Consumer(
        {
            "bootstrap.servers": cluster.bootstrap,
            "group.id": "group",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    consumer.subscribe([topic])
    assert consumer.consume(1, TIMEOUT_S)
    consumer.commit(asynchronous=False)
    consumer.close()


def doctor(cluster: TestCluster, *options: str) -> tuple[int, Any]:
    """Exit code and JSON."""
    result = subprocess.run(
        [
            *(sys.executable, "-m", "cli.admin", "doctor", "-b", cluster.bootstrap),
            *("--zookeeper", cluster.zookeeper_connect, "--timeout", "60", "-o", "json", *options),
        ],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert result.returncode in (0, 4), result.stderr
    facts = json.loads(result.stdout)
    check_schema(["doctor"], facts)
    return result.returncode, facts


def broken(cluster: TestCluster) -> Findings:
    """Subject and words of each check's findings."""
    code, facts = doctor(cluster)
    found = {
        each["name"]: [(one["subject"], one["what"]) for one in each["findings"]]
        for each in facts["checks"]
        if each["result"] == "broken"
    }
    assert (code, facts["broken"]) == (4 if found else 0, len(found))
    return found


def test_a_cluster_that_is_well(patient: TestCluster) -> None:
    code, facts = doctor(patient)
    checks = {each["name"]: each for each in facts["checks"]}
    assert {name: each["findings"] for name, each in checks.items() if each["findings"]} == {}
    assert (code, facts["broken"]) == (0, 0)
    assert {each["result"] for each in checks.values()} == {"ok"}
    assert checks["brokers"]["looked_at"] >= 7
    assert checks["internal-topics"]["looked_at"] == 2 + 5 + 5
    # Of the three partitions of orders, and of what is compacted, all replicas were read.
    assert checks["records"]["looked_at"] >= 4 * 3
    assert checks["records"]["not_seen"] == ["records before the sample"]


@contextmanager
def rewritten(
    cluster: TestCluster, path: str, write: Callable[[bytes], bytes]
) -> Iterator[dict[str, Any]]:
    """Somebody writes into a znode; in the end it has again what it had. Gives what it had."""
    client = KazooClient(cluster.zookeeper_connect)
    client.start()
    try:
        before, _ = client.get(path)
        client.set(path, write(before))
        try:
            document = json.loads(before)
            yield document if isinstance(document, dict) else {}
        finally:
            client.set(path, before)
    finally:
        client.stop()
        client.close()


def changed(**fields: object) -> Callable[[bytes], bytes]:
    return lambda data: json.dumps({**json.loads(data), **fields}).encode()


def state_of(topic: str) -> str:
    return f"/brokers/topics/{topic}/partitions/0/state"


def test_a_foreign_isr(patient: TestCluster) -> None:
    with rewritten(patient, state_of("isr"), changed(isr=[1, 2, 3, 9])) as before:
        found = broken(patient)
    (replica,) = before["isr"]
    assert found.keys() == {"isr", "caches"}
    assert found["isr"] == [("isr-0", f"ISR 1,2,3,9 is not within the replicas {replica}")]
    assert sorted(found["caches"]) == [
        ("isr-0", f"broker {broker_id} says ISR {replica}, ZooKeeper 1,2,3,9")
        for broker_id in patient.brokers
    ]
    assert broken(patient) == {}


def test_a_foreign_epoch(patient: TestCluster) -> None:
    with rewritten(patient, state_of("epoch"), changed(leader_epoch=7)) as before:
        found = broken(patient)
    epoch = before["leader_epoch"]
    assert found.keys() == {"caches", "leader-epochs"}
    assert sorted(found["leader-epochs"]) == sorted(
        [
            ("epoch-0", "the leader's log has no epoch 7, which its state is of"),
            *(
                (
                    "epoch-0",
                    f"broker {each} was told leader epoch {epoch}, its state is of epoch 7",
                )
                for each in before["isr"]
            ),
        ]
    )
    assert broken(patient) == {}


def test_no_document_at_all(patient: TestCluster) -> None:
    with rewritten(patient, state_of("isr"), lambda _: b"{"):
        found = broken(patient)
    assert found.keys() == {"znodes"}
    ((subject, what),) = found["znodes"]
    assert subject == state_of("isr")
    assert what.startswith("not JSON")
    assert broken(patient) == {}


def replicas_of(cluster: TestCluster) -> tuple[int, list[int]]:
    """Leader and ISR of orders-0."""
    described = cluster.metadata(min(cluster.brokers)).topics["orders"].partitions[0]
    return described.leader, sorted(described.isrs)


def away(cluster: TestCluster, broker_id: int, work: Callable[[], None]) -> None:
    """Stop a broker, do something to its files, start it, until it's in the ISR again."""
    cluster.brokers[broker_id].stop()
    work()
    cluster.start(broker_id)
    cluster.wait_ready()
    everybody = sorted(cluster.brokers)
    wait_until(f"{broker_id} to be in sync", lambda: replicas_of(cluster)[1] == everybody, 60)


def test_a_follower_with_other_records(patient: TestCluster) -> None:
    """As by a disk that lies: the batch is sound, and isn't what the leader has."""
    leader, _ = replicas_of(patient)
    follower = next(each for each in sorted(patient.brokers) if each != leader)
    directory = patient.log_dir(follower) / "orders-0"
    file = directory / f"{0:020}.log"
    offsets: list[int] = []

    def change_last_value() -> None:
        data = bytearray(file.read_bytes())
        position = 0
        for batch in list(batches(bytes(data))):
            if not batch.is_control:
                start, end, offset = position, position + batch.size_bytes, batch.base_offset
            position += batch.size_bytes
        data[end - 2] ^= 1  # the last byte is the count of headers
        data[start + 17 : start + 21] = crc32c(bytes(data[start + 21 : end])).to_bytes(4, "big")
        file.write_bytes(data)
        offsets.append(offset)

    away(patient, follower, change_last_value)
    found = broken(patient)
    assert found.keys() == {"records"}
    pairs = [(each, follower) for each in sorted(patient.brokers) if each != follower]
    assert sorted(found["records"]) == [
        (
            "orders-0",
            f"brokers {min(pair)} and {max(pair)} differ at offset {offsets[0]}, "
            "which is committed",
        )
        for pair in pairs
    ]

    # What the doctor says is to be done: it copies the leader's.
    away(patient, follower, lambda: shutil.rmtree(directory))
    assert broken(patient) == {}


def test_a_broker_that_is_down_is_no_broken_promise(patient: TestCluster) -> None:
    patient.brokers[3].kill()
    wait_until("its end to be known", lambda: 3 not in patient.metadata(1).brokers)
    assert broken(patient) == {}
    patient.start(3)
    patient.wait_ready()
    wait_until("3 to be in sync", lambda: replicas_of(patient)[1] == [1, 2, 3], 60)
    assert broken(patient) == {}


def test_what_moves_is_not_broken(patient: TestCluster) -> None:
    """Watched while records come, a broker leaves and comes back, and leaders change with it."""
    with ThreadPoolExecutor() as threads:
        watching = threads.submit(doctor, patient, "--for", "15")
        for step in (patient.brokers[2].stop, lambda: patient.start(2), patient.wait_ready):
            produce(patient, "orders", partitions=3)
            step()
        produce(patient, "orders", partitions=3)
        code, facts = watching.result()
    broken = {each["name"]: each["findings"] for each in facts["checks"] if each["findings"]}
    assert (code, broken) == (0, {})
    assert facts["looks"] > 3
    (history,) = [each for each in facts["checks"] if each["name"] == "history"]
    assert history["looked_at"] > 20


def test_an_epoch_set_back(patient: TestCluster) -> None:
    """The last one: the controller resigns at its next write, as it is to."""
    with rewritten(patient, "/controller_epoch", lambda _: b"0"):
        found = broken(patient)
    assert found.keys() == {"controller-epoch"}
    assert all("/controller_epoch is 0" in what for _, what in found["controller-epoch"])


def test_what_a_zbroker_says_of_itself(
    kind: Kind, new_cluster: Callable[..., AbstractContextManager[TestCluster]]
) -> None:
    """Over HTTP; a real Kafka says it by JMX alone."""
    if kind == "kafka":
        return
    http = f"127.0.0.1:{free_port()}"
    with new_cluster(brokers=1, properties={"http.listener": f"HTTP://{http}"}) as cluster:
        for options, unseen in (((), 1), (("--http", http), 0)):
            code, facts = doctor(cluster, *options)
            assert code == 0
            (controller,) = [each for each in facts["checks"] if each["name"] == "controller"]
            assert len(controller["not_seen"]) == unseen
