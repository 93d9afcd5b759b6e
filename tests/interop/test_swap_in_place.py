"""Stop a Kafka broker, start zbroker on the same directories, and back: nothing is rebuilt or lost.

With several log.dirs, so that each broker finds the other's checkpoints, marks of a clean end and
identity in each of them, what a deletion left, and the old logs where they are.
"""

import re
from functools import partial
from pathlib import Path

import pytest
from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewTopic

from tests.interop.transactions.committed import values_by_partition
from tests.support.broker_process import Kind, running_broker
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.server, pytest.mark.matrix]

PARTITIONS = 5
RECORDS = 300
NEVER_SAID = r"orrupt|Found invalid|ecovering unflushed|is offline|Stopping serving"


def is_known(admin: AdminClient, *topics: str) -> bool:
    """Whether the controller has told the broker of the cluster: it answers a moment before."""
    try:
        metadata = admin.list_topics(timeout=10)
    except KafkaException:
        return False  # of no broker yet, not even of itself
    found = [metadata.topics[topic] for topic in topics if topic in metadata.topics]
    leaders = [p.leader for topic in found for p in topic.partitions.values()]
    return metadata.controller_id == 1 and leaders == [1] * PARTITIONS * len(topics)


def produce(address: str, topic: str, who: str, expected: dict[int, list[str]]) -> None:
    producer = Producer({"bootstrap.servers": address, "enable.idempotence": True, "log_level": 0})
    for number in range(RECORDS):
        value = f"{who}-{number}-{'x' * 50}"
        producer.produce(topic, value, partition=number % PARTITIONS)
        expected.setdefault(number % PARTITIONS, []).append(value)
    assert producer.flush(30) == 0


def where(log_dirs: list[Path], topic: str) -> dict[str, list[str]]:
    """By directory, the partitions in it."""
    return {d.name: sorted(p.name for p in d.glob(f"{topic}-?")) for d in log_dirs}


@pytest.mark.parametrize("first", ["kafka", "zbroker"])
def test_over_several_directories(tmp_path: Path, zookeeper: str, kind: Kind, first: Kind) -> None:
    if kind == "kafka":
        pytest.skip("each side is both kinds in turn")
    log_dirs = [tmp_path / name for name in ("one", "two", "three")]
    settings = {
        "log.dirs": ",".join(map(str, log_dirs)),
        "log.segment.bytes": "8000",
        "log.index.interval.bytes": "500",
        "default.replication.factor": "1",
    }
    second: Kind = "zbroker" if first == "kafka" else "kafka"
    expected: dict[int, list[str]] = {}
    placed = None
    for turn, who in enumerate((first, second, first)):
        directory = tmp_path / f"{turn}-{who}"
        with running_broker(who, 1, zookeeper, directory, properties=settings) as broker:
            address = f"127.0.0.1:{broker.port}"
            admin = AdminClient({"bootstrap.servers": address, "log_level": 0})
            topics = ["t"] if turn else []
            wait_until("the cluster to be known", partial(is_known, admin, *topics))
            if turn == 0:
                for topic in ("t", "gone"):
                    admin.create_topics([NewTopic(topic, PARTITIONS, 1)])[topic].result(30)
                admin.delete_topics(["gone"])["gone"].result(30)
            else:
                assert values_by_partition(address, "t") == expected
            produce(address, "t", f"{turn}-{who}", expected)
            assert values_by_partition(address, "t") == expected
            assert placed in (None, where(log_dirs, "t"))
            placed = where(log_dirs, "t")
        said = broker.log_file.read_text()
        assert not re.findall(NEVER_SAID, said)
        for log_dir in log_dirs:
            assert (log_dir / ".kafka_cleanshutdown").exists()
    assert placed is not None
    assert sorted(map(len, placed.values())) == [1, 2, 2]
