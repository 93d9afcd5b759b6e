"""Transactional producers, and what the tools show of them: librdkafka's, Java's, raw requests.

All of it holds for the real Kafka as well (`--cluster kafka`).
"""

import re
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import confluent_kafka
import pytest

from broker.wire.apis import ApiKey
from broker.wire.errors import ErrorCode
from broker.wire.messages.add_offsets_to_txn import AddOffsetsToTxnRequest
from broker.wire.messages.add_partitions_to_txn import (
    AddPartitionsToTxnRequest,
    AddPartitionsToTxnTopic,
)
from broker.wire.messages.describe_transactions import DescribeTransactionsRequest
from broker.wire.messages.end_txn import EndTxnRequest
from broker.wire.messages.find_coordinator import FindCoordinatorRequest
from broker.wire.messages.init_producer_id import InitProducerIdRequest
from broker.wire.messages.list_transactions import ListTransactionsRequest
from tests.interop.test_kafka_tools import DUMP_LOG, create_topic, run
from tests.support.cluster import TestCluster
from tests.support.kafka import kafka_tool
from tests.support.raw_client import RawClient
from tests.support.waiting import wait_until

pytestmark = pytest.mark.server

TRANSACTIONS = "org.apache.kafka.tools.TransactionsCommand"
PERF_PRODUCER = "org.apache.kafka.tools.ProducerPerformance"
TIMEOUT_S = 30.0
E = ErrorCode


def producer_of(cluster: TestCluster, transactional_id: str, **settings: Any) -> Any:
    return confluent_kafka.Producer(
        {
            "bootstrap.servers": cluster.bootstrap,
            "transactional.id": transactional_id,
            "transaction.timeout.ms": 300_000,  # four tools are started in one, on a busy machine
            **{name.replace("_", "."): value for name, value in settings.items()},
        }
    )


def values(cluster: TestCluster, topic: str, isolation_level: str, count: int) -> list[str]:
    """The first `count` values of a topic, in the order of the records."""
    consumer = confluent_kafka.Consumer(
        {
            "bootstrap.servers": cluster.bootstrap,
            "group.id": f"{topic}-{isolation_level}",
            "isolation.level": isolation_level,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    try:
        consumer.subscribe([topic])
        found: list[str] = []
        while len(found) < count:
            message = consumer.poll(TIMEOUT_S)
            assert message is not None, f"only {found}"
            assert message.error() is None, message.error()
            found.append(message.value().decode())
        return found
    finally:
        consumer.close()


def test_committed_and_aborted_with_librdkafka(cluster: TestCluster, name: str) -> None:
    create_topic(cluster, name, "--partitions", "1")
    producer = producer_of(cluster, name)
    producer.init_transactions(TIMEOUT_S)
    for number in range(6):
        producer.begin_transaction()
        producer.produce(name, f"{number}")
        producer.flush(TIMEOUT_S)
        if number % 2:
            producer.commit_transaction(TIMEOUT_S)
        else:
            producer.abort_transaction(TIMEOUT_S)
    assert values(cluster, name, "read_committed", 3) == ["1", "3", "5"]
    assert values(cluster, name, "read_uncommitted", 6) == list("012345")


def test_a_newer_producer_fences_the_older_one(cluster: TestCluster, name: str) -> None:
    create_topic(cluster, name, "--partitions", "1")
    old = producer_of(cluster, name)
    old.init_transactions(TIMEOUT_S)
    old.begin_transaction()
    old.produce(name, "of the old one")
    old.flush(TIMEOUT_S)
    new = producer_of(cluster, name)
    new.init_transactions(TIMEOUT_S)
    with pytest.raises(confluent_kafka.KafkaException) as fenced:
        old.commit_transaction(TIMEOUT_S)
    assert fenced.value.args[0].fatal()
    assert fenced.value.args[0].code() == confluent_kafka.KafkaError._FENCED
    new.begin_transaction()
    new.produce(name, "of the new one")
    new.commit_transaction(TIMEOUT_S)
    assert values(cluster, name, "read_committed", 1) == ["of the new one"]


def test_javas_producer_in_transactions(cluster: TestCluster, name: str) -> None:
    """kafka-producer-perf-test with --transaction-duration-ms: one transaction after the other."""
    create_topic(cluster, name, "--partitions", "3")
    out = kafka_tool(
        PERF_PRODUCER, "--topic", name, "--num-records", "2000", "--record-size", "10",
        "--throughput", "1000", "--transactional-id", name, "--transaction-duration-ms", "100",
        "--producer-props", f"bootstrap.servers={cluster.bootstrap}",
    ).stdout  # fmt: skip
    assert "2000 records sent" in out
    assert len(values(cluster, name, "read_committed", 2000)) == 2000


def test_what_kafka_transactions_shows(cluster: TestCluster, name: str) -> None:
    create_topic(cluster, name, "--partitions", "2")
    producer = producer_of(cluster, name)
    producer.init_transactions(TIMEOUT_S)
    producer.begin_transaction()
    for partition in (0, 1):
        producer.produce(name, "v", partition=partition)
    producer.flush(TIMEOUT_S)
    row = next(line for line in run(cluster, TRANSACTIONS, "list").splitlines() if name in line)
    assert row.split()[0] == name
    assert row.split()[3] == "Ongoing"
    head, told = run(cluster, TRANSACTIONS, "describe", "--transactional-id", name).splitlines()[:2]
    assert "TopicPartitions" in head
    assert "Ongoing" in told
    assert "300000" in told.split()
    assert set(told.split()[-1].split(",")) == {f"{name}-0", f"{name}-1"}
    producer.commit_transaction(TIMEOUT_S)

    def state() -> str:
        lines = run(cluster, TRANSACTIONS, "list").splitlines()
        return next(line for line in lines if name in line).split()[3]

    wait_until("the end of the transaction", lambda: state() == "CompleteCommit")


def test_kafka_transactions_aborts_what_hangs(cluster: TestCluster, name: str) -> None:
    """describe-producers, find-hanging and abort: here of a transaction that does not hang."""
    create_topic(cluster, name, "--partitions", "1")
    producer = producer_of(cluster, name)
    producer.init_transactions(TIMEOUT_S)
    producer.begin_transaction()
    producer.produce(name, "dropped")
    producer.flush(TIMEOUT_S)
    of_the_partition = ("--topic", name, "--partition", "0")
    head, told = run(cluster, TRANSACTIONS, "describe-producers", *of_the_partition).splitlines()
    found = dict(zip(head.split(), told.split(), strict=True))
    assert found["CurrentTransactionStartOffset"] == "0"
    # Its coordinator knows of it: it is not in the list, which has a head only.
    hanging = run(
        cluster, TRANSACTIONS, "find-hanging", *of_the_partition, "--max-transaction-timeout", "0"
    )
    assert name not in hanging
    run(cluster, TRANSACTIONS, "abort", *of_the_partition, "--start-offset", "0")
    _, told = run(cluster, TRANSACTIONS, "describe-producers", *of_the_partition).splitlines()
    assert (
        dict(zip(head.split(), told.split(), strict=True))["CurrentTransactionStartOffset"]
        == "None"
    )


def test_offsets_are_committed_with_the_transaction(cluster: TestCluster, name: str) -> None:
    """Consume, transform, produce, as librdkafka does it: AddOffsetsToTxn, TxnOffsetCommit."""
    create_topic(cluster, name, "--partitions", "1")
    source = confluent_kafka.TopicPartition(name, 0)
    consumer = confluent_kafka.Consumer(
        {
            "bootstrap.servers": cluster.bootstrap,
            "group.id": name,
            "enable.auto.commit": False,
        }
    )

    def is_committed(offset: int) -> bool:
        [found] = consumer.committed([source], TIMEOUT_S)
        return bool(found.offset == offset)

    producer = producer_of(cluster, name)
    producer.init_transactions(TIMEOUT_S)
    try:
        for offset, commit in ((5, True), (7, False), (9, True), (11, False)):
            producer.begin_transaction()
            producer.produce(name, f"{offset}")
            producer.send_offsets_to_transaction(
                [confluent_kafka.TopicPartition(name, 0, offset)],
                consumer.consumer_group_metadata(),
                TIMEOUT_S,
            )
            if commit:
                producer.commit_transaction(TIMEOUT_S)
            else:
                producer.abort_transaction(TIMEOUT_S)
            last = offset if commit else offset - 2

            # Its marker comes a moment after the answer.
            wait_until(f"offset {last}", partial(is_committed, last))
    finally:
        consumer.close()
    assert values(cluster, name, "read_committed", 2) == ["5", "9"]


def test_the_log_of_transactions_is_one_of_kafkas(cluster: TestCluster, name: str) -> None:
    """kafka-dump-log --transaction-log-decoder reads it."""
    create_topic(cluster, name, "--partitions", "1")
    producer = producer_of(cluster, name)
    producer.init_transactions(TIMEOUT_S)
    producer.begin_transaction()
    producer.produce(name, "v")
    producer.commit_transaction(TIMEOUT_S)

    def states() -> list[str]:
        found = []
        for broker_id in cluster.brokers:
            for log in sorted(cluster.log_dir(broker_id).glob("__transaction_state-*/*.log")):
                if log.stat().st_size:
                    found += re.findall(
                        rf"transactionalId={name} .*state=(\w+),partitions=\[([^]]*)\]",
                        kafka_tool(
                            DUMP_LOG, "--transaction-log-decoder", "--files", str(log)
                        ).stdout,
                    )
        return [f"{state} {partitions}".strip() for state, partitions in found]

    expected = ["Empty", f"Ongoing {name}-0", f"PrepareCommit {name}-0", "CompleteCommit"]
    wait_until("the whole life in the log", lambda: states() == expected)


def until_found(what: str, find: Callable[[], Any]) -> Any:
    """What `find` finds when it is not None any more."""
    found: list[Any] = []

    def look() -> bool:
        found[:] = [find()]
        return found[0] is not None

    wait_until(what, look)
    return found[0]


# Raw requests: each error that a producer may be told


@pytest.fixture
def coordinator(cluster: TestCluster, name: str) -> Iterator[RawClient]:
    """A connection to the coordinator of the transactional id `name`."""
    with RawClient(cluster.address(1)) as client:
        request = FindCoordinatorRequest(key=name, key_type=1)

        def found() -> Any:
            answer = client.ask(ApiKey.FIND_COORDINATOR, 3, request)
            return answer if answer.error_code == E.NONE else None

        address = until_found("a coordinator", found)
    with RawClient(f"{address.host}:{address.port}") as client:
        yield client


def initialized(client: RawClient, transactional_id: str, **fields: Any) -> tuple[int, int]:
    def answer() -> Any:
        request = InitProducerIdRequest(
            transactional_id=transactional_id, **({"transaction_timeout_ms": 60_000} | fields)
        )
        found = client.ask(ApiKey.INIT_PRODUCER_ID, 4, request)
        passing = (E.CONCURRENT_TRANSACTIONS, E.COORDINATOR_LOAD_IN_PROGRESS, E.NOT_COORDINATOR)
        return None if found.error_code in passing else found

    found = until_found("the producer's id", answer)
    assert found.error_code == E.NONE
    return found.producer_id, found.producer_epoch


def test_going_on_after_an_error(coordinator: RawClient, name: str) -> None:
    """KIP-360: who gives its id and epoch gets the next one, once; an older one is fenced."""
    producer_id, epoch = initialized(coordinator, name)
    assert epoch == 0
    mine = {"producer_id": producer_id, "producer_epoch": 0}
    assert initialized(coordinator, name, **mine) == (producer_id, 1)
    assert initialized(coordinator, name, **mine) == (producer_id, 1), "the same request again"
    assert initialized(coordinator, name) == (producer_id, 2)
    for version, error in ((3, E.INVALID_PRODUCER_EPOCH), (4, E.PRODUCER_FENCED)):
        request = InitProducerIdRequest(
            transactional_id=name, transaction_timeout_ms=60_000, **mine
        )
        answer = coordinator.ask(ApiKey.INIT_PRODUCER_ID, version, request)
        assert (answer.error_code, answer.producer_id, answer.producer_epoch) == (error, -1, -1)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"transactional_id": ""}, E.INVALID_REQUEST),
        ({"transaction_timeout_ms": 0}, E.INVALID_TRANSACTION_TIMEOUT),
        ({"transaction_timeout_ms": -1}, E.INVALID_TRANSACTION_TIMEOUT),
        ({"transaction_timeout_ms": 900_001}, E.INVALID_TRANSACTION_TIMEOUT),
        ({"producer_id": 7}, E.INVALID_REQUEST),
        ({"producer_epoch": 7}, E.INVALID_REQUEST),
    ],
)
def test_producers_that_are_refused(
    coordinator: RawClient, name: str, fields: dict[str, Any], error: ErrorCode
) -> None:
    request = InitProducerIdRequest(
        **({"transactional_id": name, "transaction_timeout_ms": 60_000} | fields)
    )
    assert coordinator.ask(ApiKey.INIT_PRODUCER_ID, 4, request).error_code == error


@pytest.mark.parametrize("version", [1, 3])
def test_requests_of_who_is_no_producer(coordinator: RawClient, name: str, version: int) -> None:
    producer_id, epoch = initialized(coordinator, name)
    fenced = E.INVALID_PRODUCER_EPOCH if version < 2 else E.PRODUCER_FENCED
    for transactional_id, its_id, its_epoch, error in (
        ("", producer_id, epoch, E.INVALID_REQUEST),
        (name, producer_id + 1, epoch, E.INVALID_PRODUCER_ID_MAPPING),
        (name, producer_id, epoch + 1, fenced),
    ):
        ids = {
            "transactional_id": transactional_id,
            "producer_id": its_id,
            "producer_epoch": its_epoch,
        }
        ended = coordinator.ask(ApiKey.END_TXN, version, EndTxnRequest(**ids))
        offsets = coordinator.ask(
            ApiKey.ADD_OFFSETS_TO_TXN, version, AddOffsetsToTxnRequest(group_id="g", **ids)
        )
        assert {ended.error_code, offsets.error_code} == {error}


def test_the_life_of_a_transaction_in_requests(
    cluster: TestCluster, coordinator: RawClient, name: str
) -> None:
    create_topic(cluster, name, "--partitions", "1")
    producer_id, epoch = initialized(coordinator, name)
    ids = {"transactional_id": name, "producer_id": producer_id, "producer_epoch": epoch}

    def end(committed: bool) -> int:
        request = EndTxnRequest(committed=committed, **ids)
        code: int = coordinator.ask(ApiKey.END_TXN, 3, request).error_code
        return code

    def add(*topics: str) -> list[int]:
        request = AddPartitionsToTxnRequest(
            v3_and_below_transactional_id=name,
            v3_and_below_producer_id=producer_id,
            v3_and_below_producer_epoch=epoch,
            v3_and_below_topics=[
                AddPartitionsToTxnTopic(name=topic, partitions=[0]) for topic in topics
            ],
        )
        answer = coordinator.ask(ApiKey.ADD_PARTITIONS_TO_TXN, 3, request)
        found = {
            topic.name: topic.results_by_partition[0].partition_error_code
            for topic in answer.results_by_topic_v3_and_below
        }
        return [found[topic] for topic in topics]

    def described() -> Any:
        request = DescribeTransactionsRequest(transactional_ids=[name])
        [state] = coordinator.ask(ApiKey.DESCRIBE_TRANSACTIONS, 0, request).transaction_states
        return state

    assert end(True) == E.INVALID_TXN_STATE
    assert add(name, f"no-{name}") == [E.OPERATION_NOT_ATTEMPTED, E.UNKNOWN_TOPIC_OR_PARTITION]
    assert add("__consumer_offsets") == [E.TOPIC_AUTHORIZATION_FAILED]
    assert described().transaction_state == "Empty"
    assert described().transaction_start_time_ms == -1
    assert add(name) == [E.NONE]
    assert add(name) == [E.NONE]
    state = described()
    assert (state.transaction_state, state.transaction_timeout_ms) == ("Ongoing", 60_000)
    assert [(topic.topic, topic.partitions) for topic in state.topics] == [(name, [0])]
    assert end(False) == E.NONE
    wait_until("the end", lambda: described().transaction_state == "CompleteAbort")
    assert (end(False), end(True)) == (E.NONE, E.INVALID_TXN_STATE)
    assert described().topics == []


def test_listing_and_describing(coordinator: RawClient, name: str) -> None:
    producer_id, _ = initialized(coordinator, name)

    def listed(version: int = 1, **filters: Any) -> tuple[list[str], bool]:
        request = ListTransactionsRequest(**filters)
        answer = coordinator.ask(ApiKey.LIST_TRANSACTIONS, version, request)
        ids = [state.transactional_id for state in answer.transaction_states]
        return answer.unknown_state_filters, name in ids

    assert listed() == ([], True)
    assert listed(0, producer_id_filters=[producer_id]) == ([], True)
    assert listed(state_filters=["Empty", "Odd"]) == (["Odd"], True)
    assert listed(state_filters=["empty"]) == (["empty"], False)
    assert listed(state_filters=["Dead", "PrepareEpochFence"]) == ([], False)
    assert listed(duration_filter=0) == ([], True)
    assert listed(duration_filter=2**63 - 1) == ([], False)
    unknown = f"{uuid.uuid4()}"
    request = DescribeTransactionsRequest(transactional_ids=[""])
    [state] = coordinator.ask(ApiKey.DESCRIBE_TRANSACTIONS, 0, request).transaction_states
    assert state.error_code == E.INVALID_REQUEST
    request = DescribeTransactionsRequest(transactional_ids=[unknown])
    [state] = coordinator.ask(ApiKey.DESCRIBE_TRANSACTIONS, 0, request).transaction_states
    assert state.error_code in (E.TRANSACTIONAL_ID_NOT_FOUND, E.NOT_COORDINATOR)
