"""One death of each kind that transactions must survive, in every run of the tests."""

from pathlib import Path

import pytest

from tests.interop.coordinators import TRANSACTIONS, coordinator
from tests.interop.faults.load import Load, running_load
from tests.interop.faults.watch import ClusterWatch
from tests.interop.transactions.committed import CommittedReader
from tests.interop.transactions.conftest import COUNTS, LINES, make_topic
from tests.interop.transactions.instances import (
    running_loops,
    running_word_count,
    transactional_id,
)
from tests.interop.transactions.verdict import settle_loops, settle_word_count, wait_for_progress
from tests.support.cluster import TestCluster

pytestmark = pytest.mark.server


def test_a_coordinator_and_a_loop_are_killed(
    cluster: TestCluster, watch: ClusterWatch, load: Load, reader: CommittedReader, tmp_path: Path
) -> None:
    with running_loops(
        "librdkafka", cluster.bootstrap, load.topic, reader.topic, tmp_path
    ) as loops:
        wait_for_progress(reader, loops)
        broker_id = coordinator(watch, TRANSACTIONS, transactional_id(reader.topic, 0))
        gone = watch.vanishing(f"/brokers/ids/{broker_id}")
        cluster.brokers[broker_id].kill()
        loops.kill(1)
        gone.wait()
        wait_for_progress(reader, loops)
        loops.start(1)
        cluster.start(broker_id)
        cluster.wait_ready()
        wait_for_progress(reader, loops)
        settle_loops(cluster, load, reader, loops)


def test_a_stream_processor_is_killed(
    cluster: TestCluster, watch: ClusterWatch, tmp_path: Path
) -> None:
    for name in (LINES, COUNTS):
        make_topic(cluster, watch, name)
    reader = CommittedReader(cluster.bootstrap, COUNTS)
    with (
        running_load(cluster.bootstrap, LINES) as load,
        running_word_count(cluster.bootstrap, tmp_path) as streams,
    ):
        wait_for_progress(reader, streams)
        streams.kill(0)
        load.wait_for_more()
        streams.start(0)
        wait_for_progress(reader, streams)
        reader.close()
        settle_word_count(cluster, load, LINES, COUNTS, streams)
