"""The one story of a mixed ensemble that every run of the tests tells; see the others for the rest.

A Kafka broker is controller and leads two zbrokers; it dies, they carry on, it follows them.
"""

from collections.abc import Iterator

import pytest

from tests.interop.faults.load import Load
from tests.interop.faults.verdict import settle
from tests.interop.faults.watch import ClusterWatch
from tests.interop.mixed.ensembles import ENSEMBLES, PROPERTIES, odd_one, put_controller_on
from tests.support.cluster import SESSION_TIMEOUT_MS, TestCluster, running_cluster

pytestmark = pytest.mark.server

SHORT_SESSION = {"zookeeper.session.timeout.ms": str(SESSION_TIMEOUT_MS)}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestCluster]:
    with running_cluster(
        ENSEMBLES["kafka-joins"],
        tmp_path_factory.mktemp("smoke"),
        properties=PROPERTIES | SHORT_SESSION,
    ) as cluster:
        yield cluster


def test_a_kafka_controller_dies_and_zbrokers_carry_on(
    cluster: TestCluster, watch: ClusterWatch, load: Load
) -> None:
    kafka = odd_one(cluster)
    put_controller_on(cluster, watch, kafka)
    load.wait_for_more()
    assert kafka in watch.leaders(load.topic).values()
    gone = watch.vanishing(f"/brokers/ids/{kafka}")
    cluster.brokers[kafka].kill()
    gone.wait()
    load.wait_for_more()
    assert watch.controller() != kafka
    cluster.start(kafka)
    settle(cluster, watch, load)
