"""Exactly once over both kinds: each coordinates, verifies and ends what the other has begun.

When a coordinator dies, one of the other kind reads its groups, offsets and transactions from
`__consumer_offsets` and `__transaction_state`, and ends what was open; then it gives them back. The
topics' partitions are led by both kinds, so each sends WriteTxnMarkers to the other, and each asks
the other's coordinator whether a transaction is open (AddPartitionsToTxn, to verify only).
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.faults.load import Load, running_load
from tests.interop.faults.watch import ClusterWatch
from tests.interop.mixed.ensembles import ENSEMBLES, PROPERTIES, odd_one, one_of_the_pair
from tests.interop.transactions.committed import CommittedReader
from tests.interop.transactions.conftest import COUNTS, LINES, TRANSACTIONAL, make_topic
from tests.interop.transactions.coordinators import (
    OFFSETS,
    TRANSACTIONS,
    coordinator,
    give_back,
    make_internal_topics,
    name_coordinated_by,
    transactional_id,
)
from tests.interop.transactions.instances import running_loops, running_word_count
from tests.interop.transactions.verdict import settle_loops, settle_word_count, wait_for_progress
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


def test_coordinators_move_from_kind_to_kind(
    cluster: TestCluster, watch: ClusterWatch, load: Load, tmp_path: Path
) -> None:
    odd = odd_one(cluster)
    make_internal_topics(cluster.bootstrap, watch)
    output = make_topic(cluster, watch, name_coordinated_by(watch, "output", odd))
    reader = CommittedReader(cluster.bootstrap, output)

    def coordinators() -> set[int]:
        return {
            coordinator(watch, OFFSETS, output),
            coordinator(watch, TRANSACTIONS, transactional_id(output, 0)),
        }

    with running_loops(
        "librdkafka", cluster.bootstrap, load.topic, output, tmp_path, count=1
    ) as loops:
        wait_for_progress(reader, loops)
        gone = watch.vanishing(f"/brokers/ids/{odd}")
        cluster.brokers[odd].kill()
        gone.wait()
        wait_for_progress(reader, loops)
        assert odd not in coordinators()

        cluster.start(odd)
        cluster.wait_ready()
        give_back(cluster.bootstrap, watch)
        assert coordinators() == {odd}
        wait_for_progress(reader, loops)
        settle_loops(cluster, load, reader, loops)
    reader.close()


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
