"""Row 38: a transaction that nobody will end holds its partition's readers back, unseen.

The coordinator knows nothing of it, so no timeout ends it; readers of committed records stop before
it, the cleaner too. Source: KIP-664 and KAFKA-12979, https://github.com/apache/kafka/pull/10974,
which gave operators DescribeProducers, DescribeTransactions, ListTransactions, and a tool that
compares what partitions and coordinators know and can write the missing marker.

Planted by a batch that no coordinator was told of, on brokers whose verification (row 37) is off;
found and aborted with Kafka's own `kafka-transactions.sh`. On a real Kafka:

    pytest tests/interop/conftest.py tests/failures/test_row_38_*.py --cluster kafka
"""

import time
from collections.abc import Iterator

import pytest
from confluent_kafka.admin import NewTopic

from broker.wire.errors import ErrorCode
from tests.interop.conftest import kind
from tests.interop.transactions.committed import (
    committed_records,
    high_watermarks,
    last_stable_offsets,
)
from tests.interop.transactions.raw_producer import RawProducer
from tests.support.cluster import Kind, TestCluster, running_cluster
from tests.support.kafka import kafka_tool
from tests.support.topics import make_topics
from tests.support.waiting import wait_until

__all__ = ["kind"]

pytestmark = pytest.mark.server

TOPIC = "held-up"
HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def cluster(kind: Kind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestCluster]:
    properties = {"transaction.partition.verification.enable": "false"}
    directory = tmp_path_factory.mktemp("row-38")
    with running_cluster(kind, directory, brokers=1, properties=properties) as cluster:
        yield cluster


def transactions(cluster: TestCluster, *arguments: str) -> list[list[str]]:
    """The lines that kafka-transactions.sh prints, in words."""
    output = kafka_tool(
        "org.apache.kafka.tools.TransactionsCommand",
        "--bootstrap-server",
        cluster.bootstrap,
        *arguments,
    ).stdout
    return [line.split() for line in output.splitlines()]


def test_it_is_found_and_aborted(cluster: TestCluster) -> None:
    make_topics(cluster.bootstrap, NewTopic(TOPIC, 1, 1))
    with RawProducer(cluster, "hanging", TOPIC) as hanging:
        hanging.init()
        an_hour_ago = int(time.time() * 1000) - HOUR_MS
        assert hanging.produce(0, "hanging", timestamp_ms=an_hour_ago) == ErrorCode.NONE
    with RawProducer(cluster, "good", TOPIC) as good:
        good.init()
        assert good.add_partition() == ErrorCode.NONE
        assert good.produce(0, "good", timestamp_ms=an_hour_ago) == ErrorCode.NONE
        found = transactions(cluster, "find-hanging", "--broker-id", "1")
        assert good.end(committed=True) == ErrorCode.NONE
    wait_until("the marker", lambda: high_watermarks(cluster.bootstrap, TOPIC) == {0: 3})
    assert last_stable_offsets(cluster.bootstrap, TOPIC) == {0: 0}
    assert committed_records(cluster.bootstrap, TOPIC) == []

    # The good one was open as long, but its coordinator knew it.
    assert found[0] == [
        "Topic", "Partition", "ProducerId", "ProducerEpoch", "CoordinatorEpoch", "StartOffset",
        "LastTimestamp", "Duration(min)",
    ]  # fmt: skip
    (row,) = found[1:]
    assert row[:2] == [TOPIC, "0"]
    assert row[2:4] == [str(hanging.producer_id), str(hanging.epoch)]
    assert row[5] == "0"
    assert int(row[7]) >= 60
    producers = transactions(cluster, "describe-producers", "--topic", TOPIC, "--partition", "0")
    assert {each[0]: each[5] for each in producers[1:]} == {
        str(hanging.producer_id): "0",
        str(good.producer_id): "None",
    }

    transactions(cluster, "abort", "--topic", TOPIC, "--partition", "0", "--start-offset", "0")
    wait_until(
        "readers to go on",
        lambda: (
            last_stable_offsets(cluster.bootstrap, TOPIC)
            == high_watermarks(cluster.bootstrap, TOPIC)
        ),
    )
    assert [record.value for record in committed_records(cluster.bootstrap, TOPIC)] == ["good"]
    # (A producer id is known to a log as long as producer.id.expiration.ms says.)
    assert transactions(cluster, "find-hanging", "--broker-id", "1")[1:] == []
