"""A broker of each kind in one ensemble, each a follower of the other, in fetch sessions.

Many partitions in which nothing happens, a few with records: the ISRs stay whole, for longer than a
replica may lag, and the logs become the same, byte for byte.
"""

from contextlib import ExitStack
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from tests.support.broker_process import Kind, running_broker
from tests.support.cluster import SETTINGS
from tests.support.ports import free_port, free_ports
from tests.support.topics import make_topics
from tests.support.waiting import wait_until
from tests.support.zookeeper import real_zookeeper

pytestmark = pytest.mark.server

OURS, KAFKAS = 1, 2
PARTITIONS = 60
RECORDS = 40
LAG_MS = 3_000
PROPERTIES = {
    **SETTINGS,
    "offsets.topic.replication.factor": "2",
    "min.insync.replicas": "2",
    "replica.lag.time.max.ms": str(LAG_MS),
    "auto.leader.rebalance.enable": "false",
    # No room for the consumers of other tests; followers take what they need.
    "max.incremental.fetch.session.cache.slots": "16",
}

BROKERS: tuple[tuple[Kind, int], ...] = (("zbroker", OURS), ("kafka", KAFKAS))


def test_each_follows_the_other_through_sessions(tmp_path: Path) -> None:
    with ExitStack() as stack:
        zookeeper = stack.enter_context(real_zookeeper(tmp_path / "zookeeper", free_port()))
        connect, port = f"127.0.0.1:{zookeeper.port}", free_ports(2)
        for kind, broker_id in BROKERS:
            directory = tmp_path / f"broker-{broker_id}"
            server = running_broker(
                kind,
                broker_id,
                connect,
                directory,
                port=port + broker_id - 1,
                properties=PROPERTIES,
            )
            stack.enter_context(server)
        bootstrap = f"127.0.0.1:{port},127.0.0.1:{port + 1}"
        admin = AdminClient({"bootstrap.servers": bootstrap})
        wait_until("both to be there", lambda: len(admin.list_topics(timeout=10).brokers) == 2)
        halves = [[OURS, KAFKAS]] * (PARTITIONS // 2) + [[KAFKAS, OURS]] * (PARTITIONS // 2)
        new = NewTopic("t", num_partitions=PARTITIONS, replica_assignment=halves)
        make_topics(bootstrap, new)

        busy = (0, 7, PARTITIONS // 2, PARTITIONS - 1)
        producer = Producer({"bootstrap.servers": bootstrap, "acks": "all", "linger.ms": 0})
        failed: list[object] = []
        for number in range(RECORDS):
            for partition in busy:
                producer.produce(
                    "t",
                    f"{partition}-{number}",
                    partition=partition,
                    on_delivery=lambda error, _: failed.append(error) if error else None,
                )
            # One after the other, for more than three times the lag that is allowed.
            producer.flush(10)
            producer.poll(3 * LAG_MS / 1000 / RECORDS)
        assert failed == []

        topic = admin.list_topics("t", timeout=10).topics["t"]
        assert {frozenset(p.isrs) for p in topic.partitions.values()} == {frozenset({OURS, KAFKAS})}
        for partition in busy:
            logs = [segment(tmp_path, broker_id, partition) for broker_id in (OURS, KAFKAS)]
            assert logs[0] == logs[1]
            assert len(logs[0]) > RECORDS * 61, "every record in a batch of its own"


def segment(directory: Path, broker_id: int, partition: int) -> bytes:
    log_dir = directory / f"broker-{broker_id}" / "data" / f"t-{partition}"
    return (log_dir / f"{0:020}.log").read_bytes()
