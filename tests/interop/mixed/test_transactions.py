"""Transactions whose coordinator dies, and goes on as the other kind: each reads the other's log.

One broker coordinates, of a kind that nobody else is, or one of the pair; it is killed while a
transaction is open, and the next one ends that. So `__transaction_state` is written and read in
turns, markers go to leaders of both kinds, and leaders of both kinds ask coordinators of both
whether a partition is in a transaction.
"""

from collections.abc import Iterator

import pytest

from tests.interop.faults.watch import ClusterWatch
from tests.interop.mixed.ensembles import ENSEMBLES, PROPERTIES, new_topic, odd_one
from tests.interop.test_transactions import TIMEOUT_S, producer_of, values
from tests.support.cluster import SESSION_TIMEOUT_MS, TestCluster, running_cluster
from tests.support.topics import make_topics
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.server, pytest.mark.matrix]

STATE = "__transaction_state"
TURNS = 3
FAILOVER_S = 60.0


@pytest.fixture(scope="module", params=ENSEMBLES)
def cluster(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TestCluster]:
    properties = PROPERTIES | {
        "zookeeper.session.timeout.ms": str(SESSION_TIMEOUT_MS),
        "transaction.state.log.num.partitions": "1",
    }
    directory = tmp_path_factory.mktemp(request.param)
    with running_cluster(ENSEMBLES[request.param], directory, properties=properties) as cluster:
        yield cluster


def test_the_coordinator_dies_and_the_other_kind_goes_on(
    cluster: TestCluster, watch: ClusterWatch, name: str
) -> None:
    odd = odd_one(cluster)
    pair = [broker_id for broker_id in cluster.brokers if broker_id != odd]
    make_topics(
        cluster.bootstrap,
        new_topic(STATE, [[odd, *pair]], cleanup_policy="compact", min_insync_replicas="2"),
        new_topic(name, [[odd, *pair], [*pair, odd]], min_insync_replicas="2"),
    )
    watch.wait_until_full_isr(STATE, name)
    producer = producer_of(cluster, name)
    producer.init_transactions(TIMEOUT_S)
    kinds = []
    for turn in range(TURNS):
        producer.begin_transaction()
        for partition in (0, 1):
            producer.produce(name, f"{turn}", partition=partition)
        producer.flush(TIMEOUT_S)
        coordinator = watch.leaders(STATE)[0]
        kinds.append(cluster.kinds[coordinator])
        cluster.brokers[coordinator].kill()
        if turn == 1:
            producer.abort_transaction(FAILOVER_S)
        else:
            producer.commit_transaction(FAILOVER_S)
        cluster.start(coordinator)
        watch.wait_until_full_isr(STATE, name)
    assert set(kinds) == {"kafka", "zbroker"}, "both kinds have begun what another ended"
    # All that was committed, once in each partition, and nothing hangs behind it.
    producer.begin_transaction()
    producer.produce(name, "end", partition=0)
    producer.produce(name, "end", partition=1)
    producer.commit_transaction(FAILOVER_S)
    assert sorted(values(cluster, name, "read_committed", 6)) == ["0", "0", "2", "2", "end", "end"]


def test_a_newer_producer_at_a_coordinator_of_the_other_kind(
    cluster: TestCluster, watch: ClusterWatch, name: str
) -> None:
    """It aborts what the former coordinator had open, and fences its producer."""
    make_topics(cluster.bootstrap, new_topic(name, [list(cluster.brokers)]))
    old = producer_of(cluster, name)
    old.init_transactions(TIMEOUT_S)
    old.begin_transaction()
    old.produce(name, "of the old one")
    old.flush(TIMEOUT_S)
    coordinator = watch.leaders(STATE)[0]
    cluster.brokers[coordinator].kill()
    wait_until("another coordinator", lambda: watch.leaders(STATE)[0] not in (-1, coordinator))
    new = producer_of(cluster, name)
    new.init_transactions(FAILOVER_S)
    new.begin_transaction()
    new.produce(name, "of the new one")
    new.commit_transaction(FAILOVER_S)
    # Two brokers alone can't make __consumer_offsets with its three replicas, for who reads first.
    cluster.start(coordinator)
    watch.wait_until_full_isr(STATE, name)
    assert values(cluster, name, "read_committed", 1) == ["of the new one"]
