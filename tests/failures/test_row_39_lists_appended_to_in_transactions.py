"""Row 39: aborted reads, duplicate writes, lost and stale messages in a compatible broker.

Source: Jepsen's analysis of Redpanda 21.10.1 (https://jepsen.io/analyses/redpanda-21.10.1), a
broker that spoke the protocol and kept some of its promises. Provoked by the same kind of workload,
while brokers die; the checker, and what it does not ask for, is explained in
tests.support.list_append. On a real Kafka:

    pytest tests/interop/conftest.py tests/failures/test_row_39_*.py --cluster kafka
"""

from collections.abc import Iterator

import pytest
from confluent_kafka.admin import NewTopic

from tests.interop.conftest import kind, name
from tests.interop.coordinators import TRANSACTIONS
from tests.interop.faults.conftest import watch
from tests.interop.faults.watch import ClusterWatch
from tests.interop.transactions.committed import nothing_is_open
from tests.interop.transactions.conftest import TRANSACTIONAL
from tests.interop.transactions.list_append import read_lists, running_history
from tests.support.cluster import Kind, TestCluster, running_cluster
from tests.support.list_append import anomalies
from tests.support.topics import make_topics
from tests.support.waiting import wait_until

__all__ = ["kind", "name", "watch"]

pytestmark = pytest.mark.server

KEYS = 4
SEED = 39


@pytest.fixture(scope="module")
def cluster(kind: Kind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestCluster]:
    directory = tmp_path_factory.mktemp("row-39")
    with running_cluster(kind, directory, properties=TRANSACTIONAL) as cluster:
        yield cluster


def judge(cluster: TestCluster, watch: ClusterWatch, topic: str, victims: list[int]) -> None:
    make_topics(cluster.bootstrap, NewTopic(topic, KEYS, 3))
    watch.wait_until_full_isr(topic)
    with running_history(cluster.bootstrap, topic, KEYS, SEED) as history:
        # It is made for the first producer; nothing is committed before its replicas follow.
        watch.wait_until_full_isr(TRANSACTIONS)
        history.wait_for_more()
        for broker_id in victims:
            gone = watch.vanishing(f"/brokers/ids/{broker_id}")
            cluster.brokers[broker_id].kill()
            gone.wait()
            history.wait_for_more()
            cluster.start(broker_id)
            cluster.wait_ready()
            watch.wait_until_full_isr(topic, TRANSACTIONS)
        history.wait_for_more()
        history.stop()
    wait_until("all transactions to end", nothing_is_open(cluster.bootstrap, topic), 60)
    history.reads.append(read_lists(cluster.bootstrap, topic))
    assert anomalies(history.transactions, history.reads) == []


def test_while_a_leader_dies(cluster: TestCluster, watch: ClusterWatch, name: str) -> None:
    judge(cluster, watch, name, [1])


@pytest.mark.matrix
def test_while_brokers_die_in_turn(cluster: TestCluster, watch: ClusterWatch, name: str) -> None:
    judge(cluster, watch, name, [1, 2, 3])
