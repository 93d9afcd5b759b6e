"""Kafka Streams with exactly_once_v2 over both kinds, and a broker of each is killed.

When a coordinator dies, one of the other kind reads its groups, offsets and transactions from
`__consumer_offsets` and `__transaction_state`, and ends what was open. The topics' partitions are
led by both kinds, so each sends WriteTxnMarkers to the other, and each asks the other's coordinator
whether a transaction is open (AddPartitionsToTxn, to verify only).
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.faults.load import running_load
from tests.interop.faults.watch import ClusterWatch
from tests.interop.mixed.ensembles import ENSEMBLES, PROPERTIES, odd_one, one_of_the_pair
from tests.interop.transactions.committed import CommittedReader
from tests.interop.transactions.conftest import COUNTS, LINES, TRANSACTIONAL, make_topic
from tests.interop.transactions.instances import running_word_count
from tests.interop.transactions.verdict import settle_word_count, wait_for_progress
from tests.support.cluster import TestCluster, running_cluster

pytestmark = [pytest.mark.server, pytest.mark.matrix]


@pytest.fixture(scope="module", params=ENSEMBLES)
def cluster(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TestCluster]:
    with running_cluster(
        ENSEMBLES[request.param],
        tmp_path_factory.mktemp(request.param),
        properties=PROPERTIES | TRANSACTIONAL,
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
