"""`log dump` and `log verify` on what a broker has left on the disk, zbroker or the real Kafka."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer

from tests.cli.commands.canned import invoke
from tests.interop.test_admin import admin
from tests.interop.test_transactions import TIMEOUT_S, producer_of
from tests.support.cluster import TestCluster
from tests.support.kafka import kafka_tool
from tests.support.topics import wait_until_known

pytestmark = pytest.mark.server

DUMP = "kafka.tools.DumpLogSegments"
GAP = "Non-consecutive"  # which Kafka's tool tells on stderr, in the end
NewCluster = Callable[..., AbstractContextManager[TestCluster]]


def fill(cluster: TestCluster, topic: str) -> None:
    """Batches of two codecs, an aborted and a committed transaction, a group's offsets."""
    admin(cluster, "topic", "create", topic, "-p", "1", "--config", "segment.bytes=20000")
    wait_until_known(cluster.bootstrap, topic)
    for codec in ("none", "gzip"):
        producer = Producer({"bootstrap.servers": cluster.bootstrap, "compression.type": codec})
        for number in range(300):
            producer.produce(topic, f"value {number} " * 10, f"key {number}")
            if number % 50 == 49:
                producer.flush()
        producer.flush()
    transactional = producer_of(cluster, topic)
    transactional.init_transactions(TIMEOUT_S)
    for end in (transactional.abort_transaction, transactional.commit_transaction):
        transactional.begin_transaction()
        transactional.produce(topic, "in a transaction")
        transactional.flush(TIMEOUT_S)
        end(TIMEOUT_S)
    consumer = Consumer(
        {
            "bootstrap.servers": cluster.bootstrap,
            "group.id": topic,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    consumer.subscribe([topic])
    consumer.consume(10, 30)
    consumer.commit(asynchronous=False)
    consumer.close()


def used(directory: Path, *suffixes: str) -> list[Path]:
    """Files of these kinds with something in them."""
    return [
        file
        for suffix in suffixes
        for file in sorted(directory.glob(f"*.{suffix}"))
        if file.stat().st_size
    ]


def same(files: list[Path], *options: str) -> None:
    """Kafka's tool and ours say the same, line by line."""
    names = ",".join(map(str, files))
    theirs = kafka_tool(DUMP, "--files", names, *options).stdout
    ours = invoke("log", "dump", "--files", names, *options)
    assert ours.exit_code == 0, ours.stderr
    told = [line.rstrip() for line in ours.stdout.splitlines() if not line.startswith(GAP)]
    assert told == [line.rstrip() for line in theirs.splitlines()]


def test_what_a_broker_leaves(new_cluster: NewCluster) -> None:
    with new_cluster(brokers=1) as cluster:
        fill(cluster, "orders")
        cluster.brokers[1].stop()
        log_dir = cluster.log_dir(1)
        sound = invoke("log", "verify", str(log_dir))
        assert (sound.exit_code, sound.stderr) == (0, ""), sound.stdout
        orders = log_dir / "orders-0"
        kinds = ("log", "index", "timeindex", "txnindex", "snapshot")
        assert len({file.suffix for file in used(orders, *kinds)}) == len(kinds)
        same(used(orders, *kinds), "--print-data-log")
        offsets = [used(each, "log") for each in log_dir.glob("__consumer_offsets-*")]
        same([file for files in offsets for file in files], "--offsets-decoder")
        states = [used(each, "log") for each in log_dir.glob("__transaction_state-*")]
        same([file for files in states for file in files], "--transaction-log-decoder")

        log = min(orders.glob("*.log"))
        data = bytearray(log.read_bytes())
        data[100] ^= 1
        log.write_bytes(data)
        damaged = invoke("log", "verify", str(orders))
        assert damaged.exit_code == 4
        assert f"{log}: byte 0: the CRC of the batch at offset 0 is " in damaged.stdout


def test_a_broker_that_runs_and_one_that_was_killed(new_cluster: NewCluster) -> None:
    with new_cluster(brokers=1) as cluster:
        fill(cluster, "orders")
        log_dir = str(cluster.log_dir(1))
        assert "a broker is using it" in invoke("log", "verify", log_dir).stderr
        cluster.brokers[1].kill()
        killed = invoke("log", "verify", log_dir)
        assert killed.exit_code == 0, killed.stdout
        assert "its broker did not end cleanly" in killed.stderr
