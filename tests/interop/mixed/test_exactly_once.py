"""Exactly once over both kinds, a broker of each of which is killed: Kafka Streams, and loops of
librdkafka's whose coordinator it is.

When a coordinator dies, one of the other kind reads its groups, offsets and transactions from
`__consumer_offsets` and `__transaction_state`, and ends what was open. The topics' partitions are
led by both kinds, so each sends WriteTxnMarkers to the other, and each asks the other's coordinator
whether a transaction is open (AddPartitionsToTxn, to verify only).
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.coordinators import TRANSACTIONS, partition_of
from tests.interop.faults.load import Load, running_load
from tests.interop.faults.watch import ClusterWatch
from tests.interop.mixed.coordinators import move_coordinator
from tests.interop.mixed.ensembles import (
    ENSEMBLES,
    PROPERTIES,
    make_leader,
    odd_one,
    one_of_the_pair,
)
from tests.interop.transactions.committed import CommittedReader
from tests.interop.transactions.conftest import (
    COUNTS,
    LINES,
    TRANSACTIONAL,
    make_topic,
    output,
    reader,
)
from tests.interop.transactions.instances import (
    running_loops,
    running_word_count,
    transactional_id,
)
from tests.interop.transactions.verdict import (
    settle_loops,
    settle_word_count,
    wait_for_progress,
)
from tests.support.cluster import TestCluster, running_cluster

__all__ = ["output", "reader"]

pytestmark = [pytest.mark.server, pytest.mark.matrix]


@pytest.fixture(scope="module", params=ENSEMBLES)
def cluster(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TestCluster]:
    with running_cluster(
        ENSEMBLES[request.param],
        tmp_path_factory.mktemp(request.param),
        properties=TRANSACTIONAL | PROPERTIES,  # with the longer sessions of the latter
    ) as cluster:
        yield cluster


def test_streams_survive_one_of_each_kind(
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
        for victim in (odd_one(cluster), one_of_the_pair(cluster)):
            gone = watch.vanishing(f"/brokers/ids/{victim}")
            cluster.brokers[victim].kill()
            gone.wait()
            wait_for_progress(reader, streams)
            cluster.start(victim)
            cluster.wait_ready()
            watch.wait_until_full_isr(LINES, COUNTS)
        reader.close()
        settle_word_count(cluster, load, LINES, COUNTS, streams)


def test_loops_survive_their_coordinator(
    cluster: TestCluster, watch: ClusterWatch, load: Load, reader: CommittedReader, tmp_path: Path
) -> None:
    """The broker that coordinates their group and a transaction is killed, of either kind in turn.

    librdkafka may hang then, on Kafka alone too, and a loop that does is started anew (loop.py).
    """
    with running_loops(
        "librdkafka", cluster.bootstrap, load.topic, reader.topic, tmp_path
    ) as loops:
        wait_for_progress(reader, loops)
        for victim in (odd_one(cluster), one_of_the_pair(cluster)):
            partition = partition_of(watch, TRANSACTIONS, transactional_id(reader.topic, 0))
            make_leader(cluster, watch, TRANSACTIONS, partition, victim)
            move_coordinator(cluster, watch, reader.topic, victim)
            wait_for_progress(reader, loops)
            gone = watch.vanishing(f"/brokers/ids/{victim}")
            cluster.brokers[victim].kill()
            gone.wait()
            wait_for_progress(reader, loops)
            cluster.start(victim)
            cluster.wait_ready()
            watch.wait_until_full_isr(load.topic, reader.topic, TRANSACTIONS)
        settle_loops(cluster, load, reader, loops)
