"""The records of `__transaction_state`: what a transactional id looks like in the log.

Key and value each begin with a version:

    key   +---+------------------+   value  +---+--------------------------------------------------+
          | 0 | transactional id |          | 0 | producer id, epoch, timeout, state (a number),   |
          +---+------------------+          |   | partitions by topic, last update, start          |
                                            +---+--------------------------------------------------+

No value at all (a tombstone) deletes. The topic is compacted, so the last record of a key is what
holds. We write the version that a 3.9 broker without the feature `transaction.version` writes, and
read all it can read. The messages are in `broker.wire.messages.transactions_topic`.

Source: Kafka's TransactionLog.
"""

from typing import Final, TypeVar

from broker.transactions.transaction import Transaction, Transition
from broker.transactions.transaction_states import (
    EMPTY,
    LOGGED,
    STATE_NUMBERS,
    STATES_BY_NUMBER,
)
from broker.wire.codec import MalformedMessage
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.messages.transactions_topic import (
    PartitionsSchema,
    TransactionLogKey,
    TransactionLogValue,
)
from broker.wire.records import Record
from broker.wire.versioned import decode_versioned, encode_versioned, peek_version
from coordination.values import TopicPartition

T = TypeVar("T")

KEY_VERSION: Final = 0
VALUE_VERSION: Final = 0


def transaction_record(transactional_id: str, transition: Transition, now_ms: int) -> Record:
    """A transactional id is to become this."""
    topics: dict[str, list[int]] = {}
    for partition in sorted(transition.partitions, key=lambda tp: (tp.topic, tp.partition)):
        topics.setdefault(partition.topic, []).append(partition.partition)
    value = TransactionLogValue(
        producer_id=transition.producer_id,
        producer_epoch=transition.producer_epoch,
        transaction_timeout_ms=transition.timeout_ms,
        transaction_status=STATE_NUMBERS[transition.state],
        transaction_partitions=None
        if transition.state is EMPTY
        else [
            PartitionsSchema(topic=topic, partition_ids=indexes)
            for topic, indexes in topics.items()
        ],
        transaction_last_update_timestamp_ms=transition.last_update_ms,
        transaction_start_timestamp_ms=transition.start_ms,
    )
    return Record(_key(transactional_id), encode_versioned(value, VALUE_VERSION), now_ms)


def transaction_tombstone(transactional_id: str, now_ms: int) -> Record:
    return Record(_key(transactional_id), None, now_ms)


def read_key(key: bytes) -> str | None:
    """The transactional id; None if a later Kafka knows what it is, but we do not.

    CORRUPT_MESSAGE for a key that is none.
    """
    try:
        if peek_version(key) != KEY_VERSION:
            return None
    except MalformedMessage as error:
        raise KafkaError(ErrorCode.CORRUPT_MESSAGE, f"key: {error}") from error
    return _read(TransactionLogKey, key).transactional_id


def read_transaction(transactional_id: str, value: bytes) -> Transaction:
    """The value of a record, as a transaction. CORRUPT_MESSAGE for one that is none."""
    message = _read(TransactionLogValue, value)
    state = STATES_BY_NUMBER.get(message.transaction_status)
    if state is None or state not in LOGGED:
        raise KafkaError(
            ErrorCode.CORRUPT_MESSAGE,
            f"transactional id {transactional_id} is in state {message.transaction_status}",
        )
    if message.producer_epoch < 0:
        raise KafkaError(
            ErrorCode.CORRUPT_MESSAGE,
            f"transactional id {transactional_id} has producer epoch {message.producer_epoch}",
        )
    return Transaction(
        transactional_id,
        producer_id=message.producer_id,
        producer_epoch=message.producer_epoch,
        timeout_ms=message.transaction_timeout_ms,
        state=state,
        partitions={
            TopicPartition(topic.topic, index)
            for topic in message.transaction_partitions or []
            for index in topic.partition_ids
        },
        start_ms=message.transaction_start_timestamp_ms,
        last_update_ms=message.transaction_last_update_timestamp_ms,
    )


def _key(transactional_id: str) -> bytes:
    return encode_versioned(TransactionLogKey(transactional_id=transactional_id), KEY_VERSION)


def _read(cls: type[T], data: bytes) -> T:
    try:
        return decode_versioned(cls, data)[0]
    except MalformedMessage as error:
        raise KafkaError(ErrorCode.CORRUPT_MESSAGE, f"{cls.__name__}: {error}") from error
