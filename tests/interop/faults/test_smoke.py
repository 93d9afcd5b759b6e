"""The one fault that every run of the tests provokes: kill -9 of a leader. See the modules marked
`matrix` for all the others; the session is shorter here, so that it doesn't take long."""

from collections.abc import Iterator

import pytest

from tests.interop.faults import reference
from tests.interop.faults.conftest import PROPERTIES
from tests.interop.faults.load import Load
from tests.interop.faults.verdict import settle
from tests.interop.faults.watch import ClusterWatch
from tests.support.cluster import SESSION_TIMEOUT_MS, Kind, TestCluster, running_cluster
from tests.support.figures import Figure

pytestmark = pytest.mark.server

SHORT_SESSION = {"zookeeper.session.timeout.ms": str(SESSION_TIMEOUT_MS)}


@pytest.fixture(scope="module")
def cluster(kind: Kind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestCluster]:
    directory = tmp_path_factory.mktemp("smoke")
    with running_cluster(kind, directory, properties=PROPERTIES | SHORT_SESSION) as cluster:
        yield cluster


def test_leader_is_killed_and_comes_back(
    cluster: TestCluster, watch: ClusterWatch, load: Load, figure: Figure
) -> None:
    broker_id = watch.leaders(load.topic)[0]
    gone = watch.vanishing(f"/brokers/ids/{broker_id}")
    cluster.brokers[broker_id].kill()
    gone_at_s = gone.wait()
    load.wait_for_more()
    cluster.brokers[broker_id].start()
    settle(cluster, watch, load)

    figure(
        "from the node's end to the next acknowledgement",
        load.first_after(gone_at_s),
        reference.AFTER_THE_NODE_VANISHED,
    )
    assert load.first_after(gone_at_s) <= reference.AFTER_THE_NODE_VANISHED + reference.TOLERANCE_S
