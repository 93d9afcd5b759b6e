"""Every partition moves from one kind to the other and back, while records are produced to it."""

import pytest

from tests.interop.faults.load import running_load
from tests.interop.faults.verdict import settle
from tests.interop.faults.watch import ClusterWatch
from tests.interop.mixed.ensembles import (
    TIMEOUT_S,
    new_topic,
    put_controller_on,
    reassign,
    replicas_on,
)
from tests.support.cluster import Kind, TestCluster
from tests.support.topics import make_topics
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.server, pytest.mark.matrix]

PARTITIONS = 4


@pytest.mark.parametrize("controller", ["kafka", "zbroker"])
def test_all_partitions_move_to_the_other_kind_and_back(
    cluster: TestCluster, watch: ClusterWatch, name: str, controller: Kind
) -> None:
    """One replica each, so that every record is copied, and every leadership moves."""
    put_controller_on(cluster, watch, cluster.of_kind(controller)[0])
    kafka, zbroker = (cluster.of_kind(kind)[0] for kind in ("kafka", "zbroker"))
    make_topics(cluster.bootstrap, new_topic(name, [[kafka]] * PARTITIONS))
    watch.wait_until_full_isr(name)
    with running_load(cluster.bootstrap, name) as load:
        for target in (zbroker, kafka):
            reassign(cluster, watch, name, {n: [target] for n in range(PARTITIONS)})
            assert set(watch.leaders(name).values()) == {target}
            load.wait_for_more()
            other = zbroker if target == kafka else kafka
            wait_until(
                f"broker {other} to drop its replicas",
                lambda other=other: not replicas_on(cluster, other, name),
                TIMEOUT_S,
            )
        settle(cluster, watch, load)
