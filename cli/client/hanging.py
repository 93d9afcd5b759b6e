"""Transactions that hang: open in a log, and nobody is going to end them (KIP-664).

Consumers of committed records wait for the end of every transaction; one that hangs stops them for
good. It is told apart from one that only takes long by asking the coordinator:

    open in the log for longer than any transaction may take
        └─ its producer id belongs to no transactional id                 hangs
        └─ ... to one whose coordinator expects no marker in this log     hangs
        └─ ... to one that does                                           will end
"""

from collections.abc import Mapping, Sequence

import attrs

from cli.client.cluster import Cluster
from cli.client.producers import ProducerState, describe_producers
from cli.client.transactions import (
    TransactionDescription,
    describe_transaction,
    list_transactions,
)
from coordination.values import TopicPartition


@attrs.frozen
class OpenTransaction:
    """A transaction in one log."""

    partition: TopicPartition
    producer: ProducerState


async def find_hanging(
    cluster: Cluster,
    partitions: Sequence[TopicPartition],
    *,
    broker_id: int | None,
    begun_before_ms: int,
) -> list[OpenTransaction]:
    """Those of these partitions that last wrote before then, and that nobody ends.

    The leaders are asked, or this broker for its replicas.
    """
    producers = await describe_producers(cluster, partitions, broker_id)
    candidates = [
        OpenTransaction(partition, each)
        for partition, found in producers.items()
        for each in found
        if each.transaction_start_offset is not None and each.last_timestamp_ms < begun_before_ms
    ]
    if not candidates:
        return []
    producer_ids = sorted({each.producer.producer_id for each in candidates})
    described: dict[int, TransactionDescription] = {}
    for listing in await list_transactions(cluster, producer_ids=producer_ids):
        description = await describe_transaction(cluster, listing.transactional_id)
        if description is not None:
            described[listing.producer_id] = description
    return hanging_among(candidates, described)


def hanging_among(
    candidates: Sequence[OpenTransaction], described: Mapping[int, TransactionDescription]
) -> list[OpenTransaction]:
    """Those of which no coordinator knows; `described` is by producer id."""
    return [
        each
        for each in candidates
        if each.producer.producer_id not in described
        or each.partition not in described[each.producer.producer_id].partitions
    ]
