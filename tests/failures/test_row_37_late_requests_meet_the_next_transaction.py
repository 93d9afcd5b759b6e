"""Row 37: a request that was delayed arrives when its transaction is over, or in the next one.

A produce request that was on its way when its producer gave up and aborted opens a transaction of
which the coordinator knows nothing: nobody will ever end it, and readers of committed records stop
before it for good (a hanging transaction). An EndTxn that was delayed ends what it was not meant
for. Sources: KIP-890; Jepsen's users@kafka.apache.org post of 2025; races of the verification
itself, KAFKA-14884 (https://github.com/apache/kafka/pull/13787) and KAFKA-14904 (.../pull/13579).

Kafka 3.9 defends itself by verification (KIP-890, part 1): before the first batch of a transaction
is appended, the partition's leader asks the coordinator whether the transaction is open there and
has the partition. What it does not close, for clients of all versions up to 3.9's own, is the
*residual hole*: one epoch serves many transactions, so what is late and finds the next one open, on
the same partition and with the sequence number that is expected, belongs to it. That needs an epoch
a transaction (KIP-890, part 2, "transactions version 2", Kafka 4.0). Both are shown here.

Provoked with requests of our own on a frozen link; a real Kafka gives the same answers:

    pytest tests/interop/conftest.py tests/failures/test_row_37_*.py --cluster kafka
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from confluent_kafka.admin import NewTopic

from broker.wire.errors import ErrorCode
from tests.interop.conftest import kind, name
from tests.interop.transactions.committed import (
    committed_records,
    high_watermarks,
    last_stable_offsets,
)
from tests.interop.transactions.raw_producer import RawProducer
from tests.support.cluster import Kind, TestCluster, running_cluster
from tests.support.topics import make_topics
from tests.support.waiting import wait_until

__all__ = ["kind", "name"]

pytestmark = pytest.mark.server

OK = ErrorCode.NONE


@pytest.fixture(scope="module")
def cluster(kind: Kind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestCluster]:
    properties = {"transaction.abort.timed.out.transaction.cleanup.interval.ms": "200"}
    directory = tmp_path_factory.mktemp("row-37")
    with running_cluster(kind, directory, brokers=2, properties=properties) as cluster:
        yield cluster


@pytest.fixture
def producer(cluster: TestCluster, name: str) -> Iterator[RawProducer]:
    with new_producer(cluster, name) as producer:
        producer.init()
        yield producer


@contextmanager
def new_producer(cluster: TestCluster, name: str) -> Iterator[RawProducer]:
    make_topics(cluster.bootstrap, NewTopic(name, 1, 1))
    with RawProducer(cluster, name, name) as producer:
        yield producer


def values(cluster: TestCluster, topic: str) -> list[str]:
    """What is committed; when all of the log is."""
    wait_until(
        "the end of all transactions",
        lambda: (
            last_stable_offsets(cluster.bootstrap, topic)
            == high_watermarks(cluster.bootstrap, topic)
        ),
    )
    return [record.value for record in committed_records(cluster.bootstrap, topic)]


def test_a_batch_that_comes_after_the_abort_is_refused(
    cluster: TestCluster, producer: RawProducer
) -> None:
    assert producer.add_partition() == OK
    assert producer.produce(0, "aborted") == OK
    with producer.produce_late(1, "late") as late:
        assert producer.end(committed=False) == OK
        assert values(cluster, producer.topic) == []  # the marker is there
        assert late.arrive() == ErrorCode.TRANSACTION_ABORTABLE
    assert values(cluster, producer.topic) == []  # and nothing is left open

    assert producer.add_partition() == OK
    assert producer.produce(1, "next") == OK
    assert producer.end(committed=True) == OK
    assert values(cluster, producer.topic) == ["next"]


def test_a_refused_batch_holds_up_nobody(
    cluster: TestCluster, producer: RawProducer, kind: Kind
) -> None:
    """What was late has a lower sequence than the next transaction's first batch."""
    assert producer.add_partition() == OK
    with producer.produce_late(0, "late") as late:
        assert producer.produce(0, "aborted") == OK
        assert producer.produce(1, "aborted") == OK
        assert producer.end(committed=False) == OK
        assert values(cluster, producer.topic) == []
        assert late.arrive() == ErrorCode.TRANSACTION_ABORTABLE
    assert producer.add_partition() == OK
    if kind == "kafka":
        assert producer.produce(2, "next") == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    else:
        assert producer.produce(2, "next") == OK
        assert producer.end(committed=True) == OK
        assert values(cluster, producer.topic) == ["next"]


def test_a_batch_that_nobody_was_told_of_is_refused(
    cluster: TestCluster, producer: RawProducer
) -> None:
    assert producer.produce(0, "unknown") == ErrorCode.TRANSACTION_ABORTABLE
    assert values(cluster, producer.topic) == []


def test_a_batch_that_comes_after_its_transaction_timed_out_is_fenced(
    cluster: TestCluster, name: str
) -> None:
    """The coordinator aborts it with a higher epoch, which the marker carries to the partition."""
    with new_producer(cluster, name) as producer:
        producer.init(timeout_ms=500)
        assert producer.add_partition() == OK
        assert producer.produce(0, "aborted") == OK
        with producer.produce_late(1, "late") as late:
            assert values(cluster, name) == []
            assert late.arrive() == ErrorCode.INVALID_PRODUCER_EPOCH
        assert producer.end(committed=True) == ErrorCode.PRODUCER_FENCED
        assert values(cluster, name) == []


def test_a_batch_that_comes_after_the_next_instance_began_is_fenced(
    cluster: TestCluster, producer: RawProducer
) -> None:
    assert producer.add_partition() == OK
    assert producer.produce(0, "aborted") == OK
    with (
        producer.produce_late(1, "late") as late,
        RawProducer(cluster, producer.name, producer.topic) as next_instance,
    ):
        next_instance.init()
        assert (next_instance.producer_id, next_instance.epoch) > (
            producer.producer_id,
            producer.epoch,
        )
        assert values(cluster, producer.topic) == []
        assert late.arrive() == ErrorCode.INVALID_PRODUCER_EPOCH
    assert values(cluster, producer.topic) == []


def test_an_end_that_was_sent_again_changes_nothing(
    cluster: TestCluster, producer: RawProducer
) -> None:
    """Its answer was lost; the second one is answered as the first, the opposite is refused."""
    assert producer.add_partition() == OK
    assert producer.produce(0, "committed") == OK
    assert producer.end(committed=True) == OK
    assert values(cluster, producer.topic) == ["committed"]
    end = high_watermarks(cluster.bootstrap, producer.topic)
    assert producer.end(committed=True) == OK
    assert producer.end(committed=False) == ErrorCode.INVALID_TXN_STATE
    assert high_watermarks(cluster.bootstrap, producer.topic) == end, "a second marker"
    assert values(cluster, producer.topic) == ["committed"]


def test_the_residual_hole(cluster: TestCluster, producer: RawProducer) -> None:
    """Expected, and the same in Kafka 3.9: what is late belongs to the transaction that it meets.

    The batch of the first transaction takes the place of the second one's, whose own one is then
    taken for its repetition; the commit of the second one ends the third too early.
    """
    assert producer.add_partition() == OK
    with producer.produce_late(0, "late") as late:
        assert producer.end(committed=False) == OK
        assert producer.add_partition() == OK
        assert late.arrive() == OK
    assert producer.produce(0, "meant") == OK
    assert producer.end(committed=True) == OK
    assert values(cluster, producer.topic) == ["late"]

    assert producer.add_partition() == OK
    assert producer.produce(1, "unfinished") == OK
    assert producer.end(committed=True) == OK  # the one of before, sent again, and late
    assert values(cluster, producer.topic) == ["late", "unfinished"]
