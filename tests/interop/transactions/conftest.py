"""The cluster whose brokers are killed, a load that goes in, a topic for what comes out."""

from collections.abc import Iterator

import pytest
from confluent_kafka.admin import NewTopic

from tests.interop.faults.conftest import PARTITIONS, PROPERTIES, load, topic, watch
from tests.interop.faults.watch import ClusterWatch
from tests.interop.transactions.committed import CommittedReader
from tests.support.cluster import SESSION_TIMEOUT_MS, Kind, TestCluster, running_cluster
from tests.support.topics import make_topics

__all__ = ["load", "topic", "watch"]

# Those of the word count of the examples.
LINES = "word-count-lines"
COUNTS = "word-count-counts"

TRANSACTIONAL = {
    **PROPERTIES,
    "zookeeper.session.timeout.ms": str(SESSION_TIMEOUT_MS),
    # A transaction whose producer was killed holds readers back until it times out: look often.
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "500",
}


@pytest.fixture(scope="module")
def cluster(kind: Kind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestCluster]:
    directory = tmp_path_factory.mktemp("transactions")
    with running_cluster(kind, directory, properties=TRANSACTIONAL) as cluster:
        yield cluster


@pytest.fixture
def output(cluster: TestCluster, watch: ClusterWatch, topic: str) -> str:
    """A topic like `topic`, for what the loops make of it."""
    return make_topic(cluster, watch, f"{topic}-output")


@pytest.fixture
def reader(cluster: TestCluster, output: str) -> Iterator[CommittedReader]:
    """It reads what is committed in `output`."""
    reader = CommittedReader(cluster.bootstrap, output)
    yield reader
    reader.close()


def make_topic(cluster: TestCluster, watch: ClusterWatch, name: str) -> str:
    """A topic with 6 partitions and 3 replicas of each, all in sync."""
    make_topics(cluster.bootstrap, NewTopic(name, PARTITIONS, 3))
    watch.wait_until_full_isr(name)
    return name
