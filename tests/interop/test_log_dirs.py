"""Several log directories: what kafka-log-dirs says of them, and what happens when one is lost.

Neither full disks nor broken ones are at hand, and no permission stops root. So a directory is
lost as by an unmounted disk: it's moved away, and a plain file is in its place. What was open goes
on, whatever must be opened or replaced by name fails (ENOTDIR); the next checkpoint finds it out.
"""

import json
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from itertools import count
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from tests.interop.transactions.committed import values_by_partition
from tests.support.cluster import TestCluster
from tests.support.kafka import kafka_tool
from tests.support.topics import make_topics

pytestmark = pytest.mark.server

LOG_DIRS = "org.apache.kafka.tools.LogDirsCommand"
END_TIMEOUT_S = 30.0
NewCluster = Callable[..., AbstractContextManager[TestCluster]]


def properties(*log_dirs: Path | str) -> dict[str, str]:
    return {
        "log.dirs": ",".join(map(str, log_dirs)),
        "log.initial.task.delay.ms": "0",
        "log.flush.offset.checkpoint.interval.ms": "500",
        "replica.high.watermark.checkpoint.interval.ms": "500",
    }


def described(cluster: TestCluster, *arguments: str) -> dict[str, dict[str, object]]:
    """By log directory: its error, and the size of each of its partitions."""
    said = kafka_tool(LOG_DIRS, "--bootstrap-server", cluster.bootstrap, "--describe", *arguments)
    document = json.loads(said.stdout.splitlines()[-1])
    [broker] = document["brokers"]
    found = {}
    for entry in broker["logDirs"]:
        assert not any(partition["isFuture"] for partition in entry["partitions"])
        assert all(partition["offsetLag"] == 0 for partition in entry["partitions"])
        sizes = {p["partition"]: p["size"] for p in entry["partitions"]}
        found[entry["logDir"]] = {"error": entry["error"], "sizes": sizes}
    return found


def make_topic(cluster: TestCluster, name: str, partitions: int) -> None:
    make_topics(cluster.bootstrap, NewTopic(name, partitions, 1))


def produce(cluster: TestCluster, topic: str, partition: int, value: str) -> str | None:
    """The error, None if it was acknowledged."""
    errors: list[object] = []
    producer = Producer(
        {"bootstrap.servers": cluster.bootstrap, "message.timeout.ms": 3000, "log_level": 0}
    )
    producer.produce(
        topic, value, partition=partition, on_delivery=lambda error, _: errors.append(error)
    )
    producer.flush(20)
    [error] = errors
    return None if error is None else str(error)


def lose(directory: Path) -> Path:
    """Where it is now."""
    moved = directory.with_name(f"{directory.name}.moved")
    directory.rename(moved)
    directory.write_text("not a directory")
    return moved


def wait_for(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + END_TIMEOUT_S
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_kafka_log_dirs(new_cluster: NewCluster, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    with new_cluster(brokers=1, properties=properties(one, two)) as cluster:
        make_topic(cluster, "t", 4)
        make_topic(cluster, "u", 1)
        assert produce(cluster, "t", 0, "x" * 1000) is None
        found = described(cluster)
        assert set(found) == {str(one), str(two)}
        all_sizes: dict[str, int] = {}
        for directory in (one, two):
            entry = found[str(directory)]
            assert entry["error"] is None
            sizes = entry["sizes"]
            assert isinstance(sizes, dict)
            assert len([name for name in sizes if name.startswith("t-")]) == 2
            for name, size in sizes.items():
                assert size == sum(f.stat().st_size for f in (directory / name).glob("*.log"))
            all_sizes |= sizes
        assert all_sizes["t-0"] > 1000
        assert {name for name in all_sizes if name[0] in "tu"} == {
            "t-0", "t-1", "t-2", "t-3", "u-0",
        }  # fmt: skip
        only_u = described(cluster, "--topic-list", "u")
        assert sorted(name for entry in only_u.values() for name in entry["sizes"]) == ["u-0"]  # type: ignore[attr-defined]


def test_a_directory_is_lost_and_then_the_other(new_cluster: NewCluster, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    with new_cluster(brokers=1, properties=properties(one, two)) as cluster:
        make_topic(cluster, "t", 2)
        for partition in (0, 1):
            assert produce(cluster, "t", partition, "before") is None
        [lost] = [p for p in (0, 1) if (one / f"t-{p}").exists()]
        moved = lose(one)
        wait_for(lambda: described(cluster)[str(one)]["error"] is not None)
        found = described(cluster)
        assert "KafkaStorageException" in str(found[str(one)]["error"])
        assert found[str(one)]["sizes"] == {}
        assert found[str(two)]["error"] is None
        assert produce(cluster, "t", lost, "refused") is not None
        assert produce(cluster, "t", 1 - lost, "after") is None

        lose(two)
        broker = cluster.brokers[1]
        assert broker.child is not None
        assert broker.child.process.wait(END_TIMEOUT_S) == 1
        said = broker.log_file.read_text()
        assert f"Shutdown broker because all log dirs in {one}, {two} have failed" in said
        if cluster.kinds[1] == "zbroker":
            assert "Traceback" not in said

        for directory in (one, two):
            directory.unlink()
            directory.with_name(f"{directory.name}.moved").rename(directory)
        assert not moved.exists()
        cluster.start_brokers()
        for partition in (0, 1):
            assert produce(cluster, "t", partition, "again") is None
        assert described(cluster)[str(one)]["error"] is None


def test_leadership_moves_away_from_a_lost_directory(new_cluster: NewCluster) -> None:
    """And nothing that was acknowledged is lost with it; the broker leads on what it has left."""
    settings = properties("{directory}/one", "{directory}/two")
    with new_cluster(properties=settings) as cluster:
        admin = AdminClient({"bootstrap.servers": cluster.bootstrap, "log_level": 0})
        config = {"min.insync.replicas": "2"}
        topic = NewTopic("t", 2, replica_assignment=[[1, 2, 3], [1, 2, 3]], config=config)
        make_topics(cluster.bootstrap, topic)
        acknowledged: dict[int, list[str]] = {0: [], 1: []}
        producer = Producer(
            {"bootstrap.servers": cluster.bootstrap, "enable.idempotence": True, "log_level": 0}
        )
        numbers = count()

        def produce_some() -> None:
            for number in [next(numbers) for _ in range(20)]:
                producer.produce(
                    "t",
                    f"{number}",
                    partition=number % 2,
                    on_delivery=lambda error, message: (
                        error or acknowledged[message.partition()].append(message.value().decode())
                    ),
                )
            assert producer.flush(60) == 0

        produce_some()
        one = cluster.brokers[1].directory / "one"
        [lost] = [p for p in (0, 1) if (one / f"t-{p}").exists()]
        moved = lose(one)

        def leaders() -> dict[int, int]:
            found = admin.list_topics("t", timeout=10).topics["t"].partitions
            return {number: partition.leader for number, partition in found.items()}

        wait_for(lambda: leaders()[lost] in (2, 3))
        assert leaders()[1 - lost] == 1
        produce_some()
        assert {p: len(values) for p, values in acknowledged.items()} == {0: 20, 1: 20}
        assert values_by_partition(cluster.bootstrap, "t") == acknowledged

        cluster.brokers[1].stop()
        one.unlink()
        moved.rename(one)
        cluster.start(1)
        wait_for(lambda: in_sync(admin, "t") == {0: {1, 2, 3}, 1: {1, 2, 3}})
        produce_some()
        assert values_by_partition(cluster.bootstrap, "t") == acknowledged


def in_sync(admin: AdminClient, topic: str) -> dict[int, set[int]]:
    found = admin.list_topics(topic, timeout=10).topics[topic].partitions
    return {number: set(partition.isrs) for number, partition in found.items()}
