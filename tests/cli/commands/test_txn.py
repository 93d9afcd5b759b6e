"""`txn` against canned answers. Against a cluster: tests/interop/test_admin_transactions.py."""

import pytest

from broker.wire.errors import ErrorCode
from broker.wire.messages import describe_producers as dp
from broker.wire.messages import describe_transactions as dt
from broker.wire.messages import init_producer_id as ip
from broker.wire.messages import list_transactions as lt
from broker.wire.messages import write_txn_markers as wm
from cli.client.hanging import OpenTransaction, hanging_among
from cli.client.producers import ProducerState
from cli.client.transactions import TransactionDescription
from coordination.values import TopicPartition
from tests.cli.commands.canned import Canned, invoke, topic

ORDERS = TopicPartition("orders", 0)


def described(request: dt.DescribeTransactionsRequest) -> dt.DescribeTransactionsResponse:
    """`pay` has a transaction open in orders-0 since second 2; nobody knows another."""
    (name,) = request.transactional_ids
    if name != "pay":
        unknown = ErrorCode.TRANSACTIONAL_ID_NOT_FOUND
        return dt.DescribeTransactionsResponse(
            transaction_states=[dt.TransactionState(error_code=unknown, transactional_id=name)]
        )
    state = dt.TransactionState(
        transactional_id="pay",
        transaction_state="Ongoing",
        transaction_timeout_ms=60_000,
        transaction_start_time_ms=2_000,
        producer_id=7,
        producer_epoch=1,
        topics=[dt.TopicData(topic="orders", partitions=[0])],
    )
    return dt.DescribeTransactionsResponse(transaction_states=[state])


def listed(request: lt.ListTransactionsRequest) -> lt.ListTransactionsResponse:
    if request.state_filters == ["Nonsense"]:
        return lt.ListTransactionsResponse(unknown_state_filters=["Nonsense"])
    state = lt.TransactionState(transactional_id="pay", producer_id=7, transaction_state="Ongoing")
    known = not request.producer_id_filters or 7 in request.producer_id_filters
    return lt.ListTransactionsResponse(transaction_states=[state] if known else [])


def producers(request: dp.DescribeProducersRequest) -> dp.DescribeProducersResponse:
    """7 and 8 have transactions open, from 10 and 20 on, and wrote last long ago; 9 has none."""
    states = [
        dp.ProducerState(
            producer_id=number,
            producer_epoch=1,
            last_sequence=4,
            last_timestamp=3_000,
            coordinator_epoch=-1,
            current_txn_start_offset=start,
        )
        for number, start in ((9, -1), (8, 20), (7, 10))
    ]
    return dp.DescribeProducersResponse(
        topics=[
            dp.TopicResponse(
                name=each.name,
                partitions=[
                    dp.PartitionResponse(
                        partition_index=number, active_producers=states if number == 0 else []
                    )
                    for number in each.partition_indexes
                ],
            )
            for each in request.topics
        ]
    )


def marked(code: ErrorCode) -> wm.WriteTxnMarkersResponse:
    partition = wm.WritableTxnMarkerPartitionResult(partition_index=0, error_code=code)
    written = wm.WritableTxnMarkerTopicResult(name="orders", partitions=[partition])
    return wm.WriteTxnMarkersResponse(
        markers=[wm.WritableTxnMarkerResult(producer_id=8, topics=[written])]
    )


@pytest.fixture(autouse=True)
def transactions(canned: Canned) -> None:
    canned.topics = [topic("orders", (1, [1], [1]), (1, [1], [1]))]
    canned.answers(dt.DescribeTransactionsRequest, described)
    canned.answers(lt.ListTransactionsRequest, listed)
    canned.answers(dp.DescribeProducersRequest, producers)
    canned.answers(wm.WriteTxnMarkersRequest, marked(ErrorCode.NONE))


def cells(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_list(canned: Canned) -> None:
    assert cells(canned.admin("txn", "list").stdout) == [
        ["TransactionalId", "Coordinator", "ProducerId", "TransactionState"],
        ["pay", "1", "7", "Ongoing"],
    ]
    assert canned.facts("txn", "list", "--duration-filter", "5")["transactions"][0]["state"] == (
        "Ongoing"
    )
    assert canned.asked(lt.ListTransactionsRequest)[-1].duration_filter == 5
    refused = canned.admin("txn", "list", "--state", "Nonsense")
    assert refused.exit_code == 1
    assert refused.stderr == "Error: no such state: Nonsense: INVALID_REQUEST\n"


def test_describe(canned: Canned) -> None:
    _, row = cells(canned.admin("txn", "describe", "pay").stdout)
    assert row[:7] == ["1", "pay", "7", "1", "Ongoing", "60000", "2000"]
    assert row[8] == "orders-0"
    partly = canned.admin("txn", "describe", "pay", "--transactional-id", "other")
    assert (partly.exit_code, partly.stderr) == (3, "Error: no transactional id 'other'\n")
    facts = canned.facts("txn", "describe", "pay")["transactions"][0]
    assert facts["partitions"] == [{"topic": "orders", "partition": 0}]
    assert canned.admin("txn", "describe", "other").exit_code == 1


def test_producers(canned: Canned) -> None:
    table = cells(canned.admin("txn", "producers", "orders:0").stdout)
    assert table[1:] == [
        ["7", "1", "-1", "4", "3000", "10"],
        ["8", "1", "-1", "4", "3000", "20"],
        ["9", "1", "-1", "4", "3000", "None"],
    ]
    same = canned.facts("txn", "producers", "--topic", "orders", "--partition", "0")["producers"]
    assert [each["transaction_start_offset"] for each in same] == [10, 20, None]
    unknown = canned.admin("txn", "producers", "orders:9")
    assert (unknown.exit_code, unknown.stderr) == (
        1,
        "Error: orders-9: UNKNOWN_TOPIC_OR_PARTITION\n",
    )


def test_find_hanging(canned: Canned) -> None:
    """7's coordinator will end it; nobody knows 8."""
    table = cells(canned.admin("txn", "find-hanging", "--topic", "orders").stdout)
    assert [row[:7] for row in table[1:]] == [["orders", "0", "8", "1", "-1", "20", "3000"]]
    facts = canned.facts("txn", "find-hanging", "--broker-id", "1")["transactions"]
    assert [each["start_offset"] for each in facts] == [20]
    one = canned.admin("txn", "find-hanging", "--topic", "orders", "--partition", "1")
    assert (one.exit_code, cells(one.stdout)[1:]) == (0, [])
    gone = canned.admin("txn", "find-hanging", "--topic", "orders", "--partition", "9")
    assert (gone.exit_code, gone.stderr) == (1, "Error: no orders-9\n")


def test_what_hangs() -> None:
    def open_in(partition: TopicPartition, producer_id: int) -> OpenTransaction:
        return OpenTransaction(partition, ProducerState(producer_id, 0, 0, 0, 0, 1))

    known = TransactionDescription("pay", 1, 7, 0, "Ongoing", 1, 1, (ORDERS,))
    elsewhere = open_in(TopicPartition("orders", 1), 7)
    nobodys = open_in(ORDERS, 8)
    assert hanging_among([open_in(ORDERS, 7), elsewhere, nobodys], {7: known}) == [
        elsewhere,
        nobodys,
    ]


def test_abort(canned: Canned) -> None:
    done = canned.admin("txn", "abort", "orders:0", "--start-offset", "20")
    assert done.stdout == "Aborted the transaction of producer 8 in orders-0.\n"
    (request,) = canned.asked(wm.WriteTxnMarkersRequest)
    (marker,) = request.markers
    assert (marker.producer_id, marker.producer_epoch, marker.transaction_result) == (8, 1, False)
    assert marker.coordinator_epoch == 0
    assert canned.facts("txn", "abort", "orders:0", "--start-offset", "20")["aborted"] == {
        "topic": "orders",
        "partition": 0,
        "start_offset": 20,
        "producer_id": 8,
    }
    none = canned.admin("txn", "abort", "orders:0", "--start-offset", "21")
    assert none.exit_code == 1
    assert none.stderr == "Error: no open transaction begins at 21 in orders-0\n"
    canned.answers(wm.WriteTxnMarkersRequest, marked(ErrorCode.INVALID_PRODUCER_EPOCH))
    refused = canned.admin("txn", "abort", "orders:0", "--start-offset", "20")
    assert (refused.exit_code, refused.stderr) == (1, "Error: orders-0: INVALID_PRODUCER_EPOCH\n")


def test_force_terminate(canned: Canned) -> None:
    fenced = ip.InitProducerIdResponse(producer_id=7, producer_epoch=3)
    ending = ip.InitProducerIdResponse(error_code=ErrorCode.CONCURRENT_TRANSACTIONS)
    answers = iter([ending, fenced, fenced])
    canned.answers(ip.InitProducerIdRequest, lambda _: next(answers))
    unasked = canned.admin("txn", "force-terminate", "pay")
    assert (unasked.exit_code, canned.asked(ip.InitProducerIdRequest)) == (2, [])
    done = canned.admin("txn", "force-terminate", "pay", "--yes")
    assert done.stdout == (
        "Fenced the producers of pay and aborted its transaction: "
        "it is at producer id 7, epoch 3.\n"
    )
    first, second = canned.asked(ip.InitProducerIdRequest)
    assert first == second
    assert (first.transactional_id, first.transaction_timeout_ms) == ("pay", 60_000)
    assert (first.producer_id, first.producer_epoch) == (-1, -1)
    assert canned.facts("txn", "force-terminate", "pay", "--yes")["terminated"] == {
        "transactional_id": "pay",
        "coordinator": 1,
        "state_before": "Ongoing",
        "producer_id": 7,
        "producer_epoch": 3,
    }
    other = canned.admin("txn", "force-terminate", "other", "--yes")
    assert (other.exit_code, other.stderr) == (1, "Error: no transactional id 'other'\n")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("describe",), "give the TRANSACTIONAL-IDs"),
        (("producers",), "give one partition"),
        (("producers", "t"), "give one partition"),
        (("producers", "t:0,1"), "give one partition"),
        (("producers", "t:0", "--topic", "t", "--partition", "0"), "give one partition"),
        (("producers", "--topic", "t"), "--topic and --partition go together"),
        (("find-hanging",), "give --topic or --broker-id"),
        (("find-hanging", "--broker-id", "1", "--partition", "0"), "--partition goes with"),
        (("abort", "t:0"), "Missing option '--start-offset'"),
        (("list", "--duration-filter", "-2"), "-2 is not in the range"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], complaint: str) -> None:
    result = invoke("txn", *arguments)
    assert result.exit_code == 2
    assert complaint in result.stderr.splitlines()[-1]
