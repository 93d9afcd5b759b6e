"""Transactions as their coordinators know them.

A transactional id is held by the leader of one partition of `__transaction_state`; so a list of all
is the union of what every broker answers, and a description is a question to one of them.
"""

from collections.abc import Sequence

import attrs

from broker.wire.errors import ErrorCode
from broker.wire.messages.describe_transactions import (
    DescribeTransactionsRequest,
    DescribeTransactionsResponse,
)
from broker.wire.messages.list_transactions import ListTransactionsRequest, ListTransactionsResponse
from cli.client.cluster import TRANSACTION_COORDINATOR, Cluster
from cli.client.errors import RequestFailed
from coordination.values import TopicPartition


@attrs.frozen
class TransactionListing:
    """One line of the list; `state` is Kafka's word."""

    transactional_id: str
    coordinator_id: int
    producer_id: int
    state: str


@attrs.frozen
class TransactionDescription:
    """A transactional id; `partitions` are those that have yet to get their marker."""

    transactional_id: str
    coordinator_id: int
    producer_id: int
    producer_epoch: int
    state: str
    timeout_ms: int
    start_time_ms: int | None
    partitions: tuple[TopicPartition, ...]


async def list_transactions(
    cluster: Cluster,
    *,
    states: Sequence[str] = (),
    producer_ids: Sequence[int] = (),
    longer_than_ms: int | None = None,
) -> list[TransactionListing]:
    """The transactional ids of all brokers, sorted by name.

    Only those in one of these states, of these producers, or whose transaction has been open for so
    long, if given.
    """
    request = ListTransactionsRequest(
        state_filters=list(states),
        producer_id_filters=list(producer_ids),
        duration_filter=-1 if longer_than_ms is None else longer_than_ms,
    )
    listings: list[TransactionListing] = []
    for broker_id in await cluster.brokers():
        listings += await _of_broker(cluster, broker_id, request)
    return sorted(listings, key=lambda each: each.transactional_id)


async def _of_broker(
    cluster: Cluster, broker_id: int, request: ListTransactionsRequest
) -> list[TransactionListing]:
    async def ask() -> list[TransactionListing]:
        broker = await cluster.broker(broker_id)
        needs = 1 if request.duration_filter >= 0 else 0
        answer = await broker.call(request, ListTransactionsResponse, needs=needs)
        _check(f"transactions of broker {broker_id}", answer.error_code)
        if answer.unknown_state_filters:
            raise RequestFailed(
                f"no such state: {', '.join(answer.unknown_state_filters)}",
                ErrorCode.INVALID_REQUEST,
            )
        return [
            TransactionListing(
                each.transactional_id, broker_id, each.producer_id, each.transaction_state
            )
            for each in answer.transaction_states
        ]

    return await cluster.retrying(ask)


async def describe_transaction(
    cluster: Cluster, transactional_id: str
) -> TransactionDescription | None:
    """What its coordinator knows of a transactional id; None if nothing."""

    async def ask() -> TransactionDescription | None:
        coordinator_id, coordinator = await cluster.coordinator(
            transactional_id, TRANSACTION_COORDINATOR
        )
        answer = await coordinator.call(
            DescribeTransactionsRequest(transactional_ids=[transactional_id]),
            DescribeTransactionsResponse,
        )
        found = answer.transaction_states[0]
        if found.error_code == ErrorCode.TRANSACTIONAL_ID_NOT_FOUND:
            return None
        _check(f"transactional id {transactional_id!r}", found.error_code)
        return TransactionDescription(
            transactional_id,
            coordinator_id,
            found.producer_id,
            found.producer_epoch,
            found.transaction_state,
            found.transaction_timeout_ms,
            found.transaction_start_time_ms if found.transaction_start_time_ms >= 0 else None,
            tuple(
                TopicPartition(topic.topic, number)
                for topic in found.topics
                for number in topic.partitions
            ),
        )

    return await cluster.retrying(ask)


def _check(what: str, code: int) -> None:
    if code:
        raise RequestFailed(what, ErrorCode.of(code))
