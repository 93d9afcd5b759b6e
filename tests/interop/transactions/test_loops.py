"""Every broker dies once, so each coordinator and each leader does, under transactional loops."""

from pathlib import Path

import pytest

from tests.interop.coordinators import TRANSACTIONS
from tests.interop.faults.load import Load
from tests.interop.faults.watch import ClusterWatch
from tests.interop.transactions.committed import CommittedReader
from tests.interop.transactions.instances import Client, running_loops
from tests.interop.transactions.verdict import settle_loops, wait_for_progress
from tests.support.cluster import TestCluster

pytestmark = [pytest.mark.server, pytest.mark.matrix]


@pytest.mark.parametrize("client", ["librdkafka", "java"])
def test_brokers_and_loops_are_killed_in_turn(
    cluster: TestCluster,
    watch: ClusterWatch,
    load: Load,
    reader: CommittedReader,
    tmp_path: Path,
    client: Client,
) -> None:
    with running_loops(client, cluster.bootstrap, load.topic, reader.topic, tmp_path) as loops:
        wait_for_progress(reader, loops)
        for broker_id in cluster.brokers:
            gone = watch.vanishing(f"/brokers/ids/{broker_id}")
            cluster.brokers[broker_id].kill()
            gone.wait()
            wait_for_progress(reader, loops)
            loops.kill(broker_id % 2)
            cluster.start(broker_id)
            cluster.wait_ready()
            watch.wait_until_full_isr(load.topic, reader.topic, TRANSACTIONS)
            loops.start(broker_id % 2)
        wait_for_progress(reader, loops)
        settle_loops(cluster, load, reader, loops)
