"""Row 28 with real producers: how long an order takes in a broker that is saturated with records.

The source and what decides stand in `test_row_28_control_plane_starved`. Here the load is real:
librdkafka sends as fast as it is served, to as many connections as it takes to keep the broker
busy, on the listener that the orders come by as well. An order of an old controller is sent again
and again, like LeaderAndIsr by the controller but that it changes nothing; how long its refusal
takes is how long an order takes. It must stay far below what a leader's absence costs anyway.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import quantiles

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import NewTopic

from broker.wire.apis import ApiKey
from broker.wire.errors import ErrorCode
from broker.wire.messages.leader_and_isr import LeaderAndIsrRequest
from tests.support.broker_process import Kind
from tests.support.cluster import TestCluster, running_cluster
from tests.support.raw_client import RawClient
from tests.support.topics import make_topics

pytestmark = [pytest.mark.server, pytest.mark.matrix, pytest.mark.alone]

PRODUCERS = 4
PARTITIONS = 12
RECORD = b"x" * 1000
ORDERS = 300
# Far below a session timeout, which a leader's death costs before any order is sent.
P99_S = 0.5
FLUSH_S = 60.0


@pytest.fixture(params=["zbroker", "kafka"])
def cluster(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TestCluster]:
    kind: Kind = request.param
    with running_cluster(kind, tmp_path_factory.mktemp("row-28"), brokers=1) as cluster:
        yield cluster


@contextmanager
def saturated(cluster: TestCluster, topic: str) -> Iterator[list[int]]:
    """Producers that always have more to send; how many records of each were acknowledged."""
    stopping = threading.Event()
    acknowledged = [0] * PRODUCERS

    def produce(number: int) -> None:
        producer = Producer(
            {
                "bootstrap.servers": cluster.bootstrap,
                "acks": "all",
                "linger.ms": 1,
                "queue.buffering.max.messages": 2000,
                "log_level": 0,
            }
        )

        def delivered(error: object, _message: object) -> None:
            acknowledged[number] += error is None

        while not stopping.is_set():
            try:
                producer.produce(topic, RECORD, on_delivery=delivered)
            except BufferError:
                producer.poll(0.05)
        producer.purge()
        producer.flush(FLUSH_S)

    threads = [threading.Thread(target=produce, args=(n,), daemon=True) for n in range(PRODUCERS)]
    for thread in threads:
        thread.start()
    try:
        yield acknowledged
    finally:
        stopping.set()
        for thread in threads:
            thread.join(FLUSH_S)


def test_the_99th_percentile_of_an_order(cluster: TestCluster) -> None:
    make_topics(cluster.bootstrap, NewTopic("t", PARTITIONS, 1))
    took_s = []
    with saturated(cluster, "t") as acknowledged, RawClient(cluster.address(1)) as controller:
        deadline_s = time.monotonic() + FLUSH_S
        while min(acknowledged) == 0:
            assert time.monotonic() < deadline_s
            time.sleep(0.05)
        before, begin_s = sum(acknowledged), time.monotonic()
        for _ in range(ORDERS):
            sent_s = time.monotonic()
            order = LeaderAndIsrRequest(controller_id=1, controller_epoch=0, broker_epoch=-1)
            answer = controller.ask(ApiKey.LEADER_AND_ISR, 7, order)
            took_s.append(time.monotonic() - sent_s)
            assert answer.error_code == ErrorCode.STALE_CONTROLLER_EPOCH
            time.sleep(0.01)  # so that the orders meet different moments of the load
        rate = (sum(acknowledged) - before) / (time.monotonic() - begin_s)
    assert rate > 1000, "there was load"
    assert quantiles(took_s, n=100)[98] < P99_S
