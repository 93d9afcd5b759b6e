"""Of a Produce request's transactional records: which may enter their partitions.

All of a request are one producer's. Where its transaction isn't open yet, the coordinator is asked
(`broker.replica.verification`), and what it has against a partition becomes an answer that
producers of any age know what to do with: most of what passes by itself is NOT_ENOUGH_REPLICAS,
which makes a producer try again and ask nobody for metadata. TRANSACTION_ABORTABLE is known from
version 11 on.

Kafka: ReplicaManager.handleProduceAppend.
"""

from collections.abc import Mapping
from typing import Final

import trio

from broker.broker import Broker
from broker.log.validation import numbered_batch
from broker.replica.append import NO_GUARDS, Appended, Guards
from broker.replica.verification import PASSING, verify
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.record_batch import TRANSACTIONAL, RecordBatch, attributes_of, begins_with_batch
from coordination.values import TopicPartition

FIRST_VERSION_WITH_ABORTABLE: Final = 11


class Unverified(KafkaError):
    """The transaction isn't known to be open; of this the producer is told more than the code."""


def is_transactional(records: memoryview) -> bool:
    """Whether the first batch is; CORRUPT_MESSAGE if what is there can be no batch."""
    return begins_with_batch(records) and bool(attributes_of(records) & TRANSACTIONAL)


async def verified(
    broker: Broker,
    version: int,
    transactional_id: str,
    entries: Mapping[TopicPartition, memoryview],
) -> tuple[Guards, list[Appended]]:
    """What to append these with, and those that are refused; `entries` are transactional.

    INVALID_PRODUCER_ID_MAPPING if they are of more than one producer. What isn't a batch is left to
    the log to refuse.
    """
    numbered = {
        tp: batch
        for tp, records in entries.items()
        if (batch := numbered_batch(records)) is not None
    }
    if not numbered:
        return NO_GUARDS, []
    producer_id, producer_epoch = _producer_of(numbered)
    found = await verify(
        broker.replicas,
        broker.transactions.verifier,
        transactional_id,
        producer_id,
        producer_epoch,
        {tp: batch.base_sequence for tp, batch in numbered.items()},
    )
    refused = [Appended(tp, _refusal(code, version)) for tp, code in found.errors.items()]
    now_s = trio.current_time()
    for entry in refused:
        if entry.error is not None:
            records = entries[entry.topic_partition]
            broker.replicas.refusals.remember(entry.topic_partition, records, entry.error, now_s)
    return found.guards, refused


def _producer_of(batches: Mapping[TopicPartition, RecordBatch]) -> tuple[int, int]:
    producers = {(batch.producer_id, batch.producer_epoch) for batch in batches.values()}
    if len(producers) > 1:
        raise KafkaError(
            ErrorCode.INVALID_PRODUCER_ID_MAPPING,
            "Transactional records contained more than one producer ID",
        )
    return producers.pop()


def _refusal(code: ErrorCode, version: int) -> KafkaError:
    if code is ErrorCode.TRANSACTION_ABORTABLE and version < FIRST_VERSION_WITH_ABORTABLE:
        code = ErrorCode.INVALID_TXN_STATE
    if code is ErrorCode.INVALID_TXN_STATE:
        return Unverified(code, "Partition was not added to the transaction")
    if code in PASSING:
        return Unverified(
            ErrorCode.NOT_ENOUGH_REPLICAS,
            "Unable to verify the partition has been added to the transaction. Underlying error: "
            f"{code.name}",
        )
    return KafkaError(code)
