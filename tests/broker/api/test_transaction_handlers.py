"""The transaction APIs: errors by version, batches, permissions. The rest is the coordinator's."""

from types import SimpleNamespace
from typing import Any

import attrs
import pytest
from trio.testing import MockClock

from broker.api import (
    add_offsets_to_txn,
    add_partitions_to_txn,
    describe_transactions,
    end_txn,
    list_transactions,
)
from broker.api.context import RequestContext
from broker.api.permissions import Operation, Resource
from broker.transactions.decisions import Producer
from broker.wire.apis import ApiKey
from broker.wire.errors import ErrorCode
from broker.wire.messages.add_offsets_to_txn import AddOffsetsToTxnRequest
from broker.wire.messages.add_partitions_to_txn import (
    AddPartitionsToTxnRequest,
    AddPartitionsToTxnResponse,
    AddPartitionsToTxnTopic,
    AddPartitionsToTxnTransaction,
)
from broker.wire.messages.describe_transactions import DescribeTransactionsRequest
from broker.wire.messages.end_txn import EndTxnRequest
from broker.wire.messages.list_transactions import ListTransactionsRequest
from coordination.values import TopicPartition
from tests.broker.groups.speakers import context
from tests.broker.transactions.support import T0, T1, U0, Setting, running_coordinator

E = ErrorCode


def services(setting: Setting) -> Any:
    return SimpleNamespace(
        transactions=setting.coordinator,
        metadata=setting.metadata,
        groups=SimpleNamespace(partition_for=lambda _group: 7),
    )


def denying(ctx: RequestContext, *denied: Resource | str) -> RequestContext:
    def may(_: RequestContext, __: Operation, kind: Resource, name: str) -> bool:
        return kind not in denied and name not in denied

    return attrs.evolve(ctx, authorizer=may)


def topics(*partitions: TopicPartition) -> list[AddPartitionsToTxnTopic]:
    return [
        AddPartitionsToTxnTopic(name=each.topic, partitions=[each.partition]) for each in partitions
    ]


def errors_of(results: Any) -> dict[TopicPartition, int]:
    return {
        TopicPartition(topic.name, each.partition_index): each.partition_error_code
        for topic in results
        for each in topic.results_by_partition
    }


async def add(
    setting: Setting, ctx: RequestContext, producer: Producer, *partitions: TopicPartition
) -> dict[TopicPartition, int]:
    """As a producer does, for one transaction."""
    request = AddPartitionsToTxnRequest(
        v3_and_below_transactional_id="x",
        v3_and_below_producer_id=producer.producer_id,
        v3_and_below_producer_epoch=producer.producer_epoch,
        v3_and_below_topics=topics(*partitions),
    )
    answer = await add_partitions_to_txn.handle(services(setting), ctx, request)
    return errors_of(answer.results_by_topic_v3_and_below)


async def add_as_broker(
    setting: Setting, ctx: RequestContext, *transactions: AddPartitionsToTxnTransaction
) -> AddPartitionsToTxnResponse:
    request = AddPartitionsToTxnRequest(transactions=list(transactions))
    return await add_partitions_to_txn.handle(services(setting), ctx, request)


ADD = ApiKey.ADD_PARTITIONS_TO_TXN


async def test_partitions_are_added_all_or_none(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        producer = await setting.init()
        missing = TopicPartition("t", 9)
        assert await add(setting, context(ADD, 3), producer, T0, missing) == {
            T0: E.OPERATION_NOT_ATTEMPTED,
            missing: E.UNKNOWN_TOPIC_OR_PARTITION,
        }
        assert setting.state() == "Empty"
        assert await add(setting, context(ADD, 3), producer, T0, T1) == {T0: E.NONE, T1: E.NONE}
        assert setting.coordinator.describe("x").partitions == {T0, T1}


async def test_permissions_to_add(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        producer = await setting.init()
        ctx = context(ADD, 3)
        assert await add(setting, denying(ctx, Resource.TRANSACTIONAL_ID), producer, T0) == {
            T0: E.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
        }
        assert await add(setting, denying(ctx, "t"), producer, T0, U0) == {
            T0: E.TOPIC_AUTHORIZATION_FAILED,
            U0: E.OPERATION_NOT_ATTEMPTED,
        }
        internal = TopicPartition("__consumer_offsets", 0)
        assert await add(setting, ctx, producer, internal) == {
            internal: E.TOPIC_AUTHORIZATION_FAILED
        }
        refused = await add_as_broker(setting, denying(context(ADD, 4), Resource.CLUSTER))
        assert refused.error_code == E.CLUSTER_AUTHORIZATION_FAILED


async def test_brokers_ask_for_many(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        producer = await setting.begin("x", T0)
        other = await setting.init("y")
        answer = await add_as_broker(
            setting,
            context(ADD, 5),
            _transaction("x", producer, T0, U0, verify_only=True),
            _transaction("y", other, U0),
            _transaction("z", producer, T0, verify_only=True),
            _transaction("", producer, T0, verify_only=True),
        )
        assert answer.error_code == E.NONE
        found = {
            each.transactional_id: errors_of(each.topic_results)
            for each in answer.results_by_transaction
        }
        assert found == {
            "x": {T0: E.NONE, U0: E.TRANSACTION_ABORTABLE},
            "y": {U0: E.NONE},
            "z": {T0: E.INVALID_PRODUCER_ID_MAPPING},
            "": {T0: E.INVALID_REQUEST},
        }
        assert setting.coordinator.describe("y").partitions == {U0}


async def test_what_is_named_twice_or_has_no_partitions(autojump_clock: MockClock) -> None:
    def told(results: Any) -> list[tuple[str, list[tuple[int, int]]]]:
        return [
            (
                topic.name,
                [(p.partition_index, p.partition_error_code) for p in topic.results_by_partition],
            )
            for topic in results
        ]

    async with running_coordinator() as setting:
        producer = await setting.init()
        named = [*topics(T0, T0), AddPartitionsToTxnTopic(name="none")]
        transaction = AddPartitionsToTxnTransaction(
            transactional_id="x",
            producer_id=producer.producer_id,
            producer_epoch=producer.producer_epoch,
            topics=named,
        )
        added = await add_as_broker(setting, context(ADD, 5), transaction)
        together = [("t", [(0, E.NONE)]), ("t", [(0, E.NONE)]), ("none", [])]
        assert told(added.results_by_transaction[0].topic_results) == together
        transaction.verify_only = True
        verified = await add_as_broker(setting, context(ADD, 5), transaction)
        assert told(verified.results_by_transaction[0].topic_results) == [("t", [(0, E.NONE)])]
        transaction.topics = topics(TopicPartition("t", 9), T0, T0)
        refused = await add_as_broker(setting, context(ADD, 5), transaction)
        assert told(refused.results_by_transaction[0].topic_results) == [
            ("t", [(9, E.UNKNOWN_TOPIC_OR_PARTITION), (0, E.OPERATION_NOT_ATTEMPTED)])
        ]


async def test_a_transaction_that_is_named_twice(autojump_clock: MockClock) -> None:
    """Kafka adds the partitions named last, and answers with the topics named first."""
    async with running_coordinator() as setting:
        producer = await setting.init()
        doubled = [_transaction("x", producer, T0), _transaction("x", producer, U0)]
        added = await add_as_broker(setting, context(ADD, 4), *doubled)
        assert setting.coordinator.describe("x").partitions == {U0}
        found = [errors_of(each.topic_results) for each in added.results_by_transaction]
        assert found == [{T0: E.NONE}, {T0: E.NONE}]
        for each in doubled:
            each.verify_only = True
        verified = await add_as_broker(setting, context(ADD, 4), *doubled)
        found = [errors_of(each.topic_results) for each in verified.results_by_transaction]
        assert found == [{U0: E.NONE}, {U0: E.NONE}]


def _transaction(
    name: str, producer: Producer, *partitions: TopicPartition, verify_only: bool = False
) -> AddPartitionsToTxnTransaction:
    return AddPartitionsToTxnTransaction(
        transactional_id=name,
        producer_id=producer.producer_id,
        producer_epoch=producer.producer_epoch,
        verify_only=verify_only,
        topics=topics(*partitions),
    )


@pytest.mark.parametrize("version", [0, 1, 2, 3])
async def test_how_a_fenced_producer_hears_of_it(autojump_clock: MockClock, version: int) -> None:
    async with running_coordinator() as setting:
        producer = await setting.init()
        old = Producer(producer.producer_id, producer.producer_epoch - 1)
        expected = E.PRODUCER_FENCED if version >= 2 else E.INVALID_PRODUCER_EPOCH
        assert await add(setting, context(ADD, version), old, T0) == {T0: expected}
        ids = {
            "transactional_id": "x",
            "producer_id": old.producer_id,
            "producer_epoch": old.producer_epoch,
        }
        ended = await end_txn.handle(
            services(setting), context(ApiKey.END_TXN, version), EndTxnRequest(**ids)
        )
        offsets = await add_offsets_to_txn.handle(
            services(setting),
            context(ApiKey.ADD_OFFSETS_TO_TXN, version),
            AddOffsetsToTxnRequest(group_id="g", **ids),
        )
        assert (ended.error_code, offsets.error_code) == (expected, expected)


async def test_offsets_of_a_group_and_the_end(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        producer = await setting.init()
        ids = {
            "transactional_id": "x",
            "producer_id": producer.producer_id,
            "producer_epoch": producer.producer_epoch,
        }
        ctx = context(ApiKey.ADD_OFFSETS_TO_TXN, 4)
        request = AddOffsetsToTxnRequest(group_id="g", **ids)
        for denied, error in (
            (Resource.TRANSACTIONAL_ID, E.TRANSACTIONAL_ID_AUTHORIZATION_FAILED),
            (Resource.GROUP, E.GROUP_AUTHORIZATION_FAILED),
        ):
            answer = await add_offsets_to_txn.handle(
                services(setting), denying(ctx, denied), request
            )
            assert answer.error_code == error
        answer = await add_offsets_to_txn.handle(services(setting), ctx, request)
        assert answer.error_code == E.NONE
        assert setting.coordinator.describe("x").partitions == {
            TopicPartition("__consumer_offsets", 7)
        }
        end = EndTxnRequest(committed=True, **ids)
        ctx = context(ApiKey.END_TXN, 4)
        refused = await end_txn.handle(
            services(setting), denying(ctx, Resource.TRANSACTIONAL_ID), end
        )
        assert refused.error_code == E.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
        assert (await end_txn.handle(services(setting), ctx, end)).error_code == E.NONE
        assert setting.state() == "PrepareCommit"


async def test_describing(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        await setting.begin("x", T1, U0, T0)
        ctx = context(ApiKey.DESCRIBE_TRANSACTIONS, 0)

        async def described(name: str, *denied: Resource | str) -> Any:
            request = DescribeTransactionsRequest(transactional_ids=[name])
            answer = await describe_transactions.handle(
                services(setting), denying(ctx, *denied), request
            )
            [state] = answer.transaction_states
            return state

        state = await described("x", "u")
        assert (state.error_code, state.transaction_state) == (E.NONE, "Ongoing")
        assert (state.producer_id, state.producer_epoch) == (1000, 0)
        assert (state.transaction_timeout_ms, state.transaction_start_time_ms > 0) == (60_000, True)
        assert [(each.topic, each.partitions) for each in state.topics] == [("t", [0, 1])]
        assert (await described("z")).error_code == E.TRANSACTIONAL_ID_NOT_FOUND
        assert (await described("")).error_code == E.INVALID_REQUEST
        denied = await described("x", Resource.TRANSACTIONAL_ID)
        assert denied.error_code == E.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
        setting.resign(1)
        assert (await described("x")).error_code == E.NOT_COORDINATOR


async def test_listing(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        await setting.begin("x", T0)
        await setting.init("y")

        async def listed(*denied: str, **filters: Any) -> tuple[list[str], list[tuple[str, str]]]:
            answer = await list_transactions.handle(
                services(setting),
                denying(context(ApiKey.LIST_TRANSACTIONS, 1), *denied),
                ListTransactionsRequest(**filters),
            )
            assert answer.error_code == E.NONE
            found = [(s.transactional_id, s.transaction_state) for s in answer.transaction_states]
            return answer.unknown_state_filters, sorted(found)

        assert await listed() == ([], [("x", "Ongoing"), ("y", "Empty")])
        assert await listed("x") == ([], [("y", "Empty")])
        assert await listed(state_filters=["Empty", "Odd"]) == (["Odd"], [("y", "Empty")])
        assert await listed(producer_id_filters=[1000]) == ([], [("x", "Ongoing")])
        assert await listed(state_filters=["Odd"]) == (["Odd"], [])


async def test_listing_while_loading(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        setting.resign(1)
        setting.elect(2)
        answer = await list_transactions.handle(
            services(setting), context(ApiKey.LIST_TRANSACTIONS, 1), ListTransactionsRequest()
        )
        assert answer.error_code == E.COORDINATOR_LOAD_IN_PROGRESS
