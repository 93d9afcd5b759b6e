"""Asking the coordinator whether partitions are in a transaction."""

from collections.abc import Callable
from typing import Any

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from broker.transactions.verification import Verifier
from broker.wire.errors import ErrorCode
from broker.wire.messages.add_partitions_to_txn import (
    AddPartitionsToTxnPartitionResult,
    AddPartitionsToTxnRequest,
    AddPartitionsToTxnResponse,
    AddPartitionsToTxnResult,
    AddPartitionsToTxnTopicResult,
)
from coordination.values import TopicPartition
from tests.broker.groups.support import PARTITION_COUNT, MemoryLog
from tests.broker.transactions.support import T0, T1, Brokers, cluster, know

TOPIC = "__transaction_state"
NONE, ABORTABLE = ErrorCode.NONE, ErrorCode.TRANSACTION_ABORTABLE


def verifier(
    errors: Callable[[str, TopicPartition], ErrorCode] | None = None,
    *,
    leader: int = 1,
    whole: ErrorCode = NONE,
) -> tuple[Verifier, Brokers]:
    brokers = Brokers()

    def answer(_broker_id: int, request: Any) -> AddPartitionsToTxnResponse:
        assert isinstance(request, AddPartitionsToTxnRequest)
        assert all(each.verify_only for each in request.transactions)
        if whole is not NONE:
            return AddPartitionsToTxnResponse(error_code=whole)
        return AddPartitionsToTxnResponse(
            results_by_transaction=[
                AddPartitionsToTxnResult(
                    transactional_id=each.transactional_id,
                    topic_results=[
                        AddPartitionsToTxnTopicResult(
                            name=topic.name,
                            results_by_partition=[
                                AddPartitionsToTxnPartitionResult(
                                    partition_index=index,
                                    partition_error_code=errors(
                                        each.transactional_id, TopicPartition(topic.name, index)
                                    )
                                    if errors
                                    else NONE,
                                )
                                for index in topic.partitions
                            ],
                        )
                        for topic in each.topics
                    ],
                )
                for each in request.transactions
            ]
        )

    brokers.other = answer
    of_the_topic = {TopicPartition(TOPIC, p): leader for p in range(PARTITION_COUNT)}
    metadata = cluster(of_the_topic)
    return Verifier(MemoryLog(), metadata, brokers.link, timeout_s=30), brokers


async def test_an_error_for_each_partition() -> None:
    asking, brokers = verifier(lambda _, tp: NONE if tp == T0 else ABORTABLE, leader=2)
    assert await asking.verify("x", 7, 3, [T0, T1]) == {T0: NONE, T1: ABORTABLE}
    [(broker_id, request)] = brokers.asked
    assert broker_id == 2
    [asked] = request.transactions
    assert (asked.transactional_id, asked.producer_id, asked.producer_epoch) == ("x", 7, 3)


async def test_a_fenced_producer_hears_what_a_leader_would_say() -> None:
    asking, _ = verifier(lambda _, __: ErrorCode.PRODUCER_FENCED)
    assert await asking.verify("x", 7, 3, [T0]) == {T0: ErrorCode.INVALID_PRODUCER_EPOCH}


async def test_a_coordinator_that_has_not_been_told_of_a_partition_yet_has_answered_for_none(
    autojump_clock: MockClock,
) -> None:
    """It refuses all that are asked after together: none of the batches is lost by that."""
    asking, _ = verifier(
        lambda _, tp: (
            ErrorCode.UNKNOWN_TOPIC_OR_PARTITION if tp == T0 else ErrorCode.OPERATION_NOT_ATTEMPTED
        )
    )
    found = await asking.verify("x", 7, 3, [T0, T1])
    assert found == dict.fromkeys([T0, T1], ErrorCode.COORDINATOR_NOT_AVAILABLE)


async def test_no_coordinator_alive() -> None:
    for leader in (-1, 9):
        asking, brokers = verifier(leader=leader)
        found = await asking.verify("x", 7, 3, [T0])
        assert found == {T0: ErrorCode.COORDINATOR_NOT_AVAILABLE}
        assert brokers.asked == []


async def test_no_answer() -> None:
    asking, brokers = verifier()
    brokers.unavailable = {1}
    assert await asking.verify("x", 7, 3, [T0]) == {T0: ErrorCode.NETWORK_EXCEPTION}
    brokers.unavailable = set()
    assert await asking.verify("x", 7, 3, [T0]) == {T0: NONE}


async def test_a_frozen_coordinator_is_left_when_another_is_named(
    autojump_clock: MockClock,
) -> None:
    """By those, too, who wait behind the first question."""
    asking, brokers = verifier()
    brokers.frozen = {1}
    answers: list[object] = []

    async def ask(name: str) -> None:
        answers.append(await asking.verify(name, 1, 1, [T0]))

    with trio.fail_after(3):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask, "asked")
            await trio.sleep(1)
            nursery.start_soon(ask, "waits")
            await trio.sleep(1)
            know(asking.metadata, {TopicPartition(TOPIC, p): 2 for p in range(PARTITION_COUNT)})
    assert answers == [{T0: ErrorCode.NETWORK_EXCEPTION}] * 2, "nobody can say now"
    assert await asking.verify("asked", 1, 1, [T0]) == {T0: NONE}
    assert [broker_id for broker_id, _ in brokers.asked] == [1, 2]


async def test_an_error_of_the_whole_request() -> None:
    for whole, told in (
        (ErrorCode.CLUSTER_AUTHORIZATION_FAILED, ErrorCode.INVALID_TXN_STATE),
        (ErrorCode.UNKNOWN_SERVER_ERROR, ErrorCode.UNKNOWN_SERVER_ERROR),
    ):
        asking, _ = verifier(whole=whole)
        assert await asking.verify("x", 7, 3, [T0]) == {T0: told}


async def test_all_who_wait_are_asked_for_at_once(autojump_clock: MockClock) -> None:
    asking, brokers = verifier(lambda name, _: NONE if name == "first" else ABORTABLE)
    brokers.gate = trio.Event()
    answers: dict[str, list[object]] = {}

    async def ask(name: str, partition: TopicPartition) -> None:
        answers.setdefault(name, []).append(await asking.verify(name, 1, 1, [partition]))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask, "first", T0)
        await wait_all_tasks_blocked()
        for name, partition in (("a", T0), ("b", T0), ("a", T1)):
            nursery.start_soon(ask, name, partition)
        await wait_all_tasks_blocked()
        brokers.gate.set()
    assert answers["first"] == [{T0: NONE}]
    assert answers["b"] == [{T0: ABORTABLE}]
    assert len(answers["a"]) == 2
    # A transaction is named once in a request, so its second question goes into the next.
    sizes = [len(request.transactions) for _, request in brokers.asked]
    assert sizes == [1, 2, 1]


async def test_who_goes_away_while_asking_leaves_nobody_waiting(autojump_clock: MockClock) -> None:
    asking, brokers = verifier()
    brokers.gate = trio.Event()
    answers: list[object] = []

    async def ask(name: str) -> None:
        answers.append(await asking.verify(name, 1, 1, [T0]))

    async with trio.open_nursery() as nursery:
        with trio.move_on_after(1):
            await ask("gone")
        with trio.move_on_after(1):
            await ask("gone, too")
        brokers.gate.set()
        nursery.start_soon(ask, "here")
    assert answers == [{T0: NONE}]
