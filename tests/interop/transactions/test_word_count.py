"""Kafka Streams with exactly_once_v2: the counts are right whoever was killed meanwhile."""

from pathlib import Path

import pytest

from tests.interop.faults.load import running_load
from tests.interop.faults.watch import ClusterWatch
from tests.interop.transactions.committed import CommittedReader
from tests.interop.transactions.conftest import COUNTS, LINES, make_topic
from tests.interop.transactions.instances import running_word_count
from tests.interop.transactions.verdict import settle_word_count, wait_for_progress
from tests.support.cluster import TestCluster

pytestmark = [pytest.mark.server, pytest.mark.matrix]


def test_brokers_and_processors_are_killed_in_turn(
    cluster: TestCluster, watch: ClusterWatch, tmp_path: Path
) -> None:
    """Two instances share the work; each takes the other's over, with its state."""
    for name in (LINES, COUNTS):
        make_topic(cluster, watch, name)
    reader = CommittedReader(cluster.bootstrap, COUNTS)
    with (
        running_load(cluster.bootstrap, LINES) as load,
        running_word_count(cluster.bootstrap, tmp_path, count=2) as streams,
    ):
        wait_for_progress(reader, streams)
        for broker_id in cluster.brokers:
            gone = watch.vanishing(f"/brokers/ids/{broker_id}")
            cluster.brokers[broker_id].kill()
            gone.wait()
            wait_for_progress(reader, streams)
            streams.kill(broker_id % 2)
            cluster.start(broker_id)
            cluster.wait_ready()
            watch.wait_until_full_isr(LINES, COUNTS)
            streams.start(broker_id % 2)
        wait_for_progress(reader, streams)
        reader.close()
        settle_word_count(cluster, load, LINES, COUNTS, streams)
