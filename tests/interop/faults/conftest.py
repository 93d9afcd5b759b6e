"""The cluster that is broken, and a topic of each test's own under a load that never stops."""

from collections.abc import Iterator

import pytest
from confluent_kafka.admin import NewTopic

from tests.interop.faults.load import Load, running_load
from tests.interop.faults.reference import SESSION_TIMEOUT_S
from tests.interop.faults.watch import ClusterWatch, watching
from tests.support.cluster import Kind, TestCluster, running_cluster
from tests.support.topics import make_topics

PARTITIONS = 6

PROPERTIES = {
    "zookeeper.session.timeout.ms": str(int(SESSION_TIMEOUT_S * 1000)),
    "default.replication.factor": "3",
    "min.insync.replicas": "2",
    "offsets.topic.replication.factor": "3",
    "transaction.state.log.replication.factor": "3",
    "transaction.state.log.min.isr": "2",
}


@pytest.fixture(scope="module")
def cluster(kind: Kind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestCluster]:
    """Three brokers, shared by a module's faults: each leaves them as it found them."""
    directory = tmp_path_factory.mktemp("faults")
    with running_cluster(kind, directory, properties=PROPERTIES) as cluster:
        yield cluster


@pytest.fixture
def watch(cluster: TestCluster) -> Iterator[ClusterWatch]:
    with watching(cluster.zookeeper_connect) as watch:
        yield watch


@pytest.fixture
def topic(cluster: TestCluster, watch: ClusterWatch, name: str) -> str:
    """A topic with 6 partitions and 3 replicas of each, all in sync."""
    make_topics(cluster.bootstrap, NewTopic(name, num_partitions=PARTITIONS, replication_factor=3))
    watch.wait_until_full_isr(name)
    return name


@pytest.fixture
def load(cluster: TestCluster, topic: str) -> Iterator[Load]:
    with running_load(cluster.bootstrap, topic) as load:
        yield load
