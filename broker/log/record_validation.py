"""What each record of a client's batch must be: it has a key, if the topic is compacted, and a time
within bounds.

    cleanup.policy has compact          a key                                    INVALID_RECORD
    message.timestamp.type=CreateTime   a timestamp within
                                        message.timestamp.before.max.ms and
                                        message.timestamp.after.max.ms, or none  INVALID_TIMESTAMP
                       LogAppendTime    none said to be the broker's             INVALID_TIMESTAMP

One bad record is enough to refuse the batch. The answer names all of them with what is wrong with
each (KIP-467); if it is the time of one, that is the code of all.

A batch that says its times are the broker's, for a topic with the producers' times, is not refused:
they are taken for the producer's from then on.

Source: Kafka's `LogValidator.validateRecord`.
"""

from collections.abc import Container, Mapping, Sequence

from broker.log.log_config import LONG_MAX, LogConfig, TimestampType
from broker.wire.compression import Compression
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.record_batch import LOG_APPEND_TIME, NO_TIMESTAMP
from broker.wire.records import Record, as_long
from coordination.values import TopicPartition

_SHOWN = 3  # of the bad records, in the message for the batch as a whole


class InvalidRecords(KafkaError):
    """Single records are to blame for the batch's refusal: which ones, and why (KIP-467)."""

    def __init__(self, code: ErrorCode, message: str, reasons: Mapping[int, str]) -> None:
        super().__init__(code, message)
        self.reasons = reasons  # by the record's place in the batch


def asks_of_each_record(attributes: int, config: LogConfig) -> bool:
    """Whether those of a batch with these attributes must be decoded for `check_records`."""
    if attributes & LOG_APPEND_TIME or config.is_compacted:
        return True
    return (
        config.message_timestamp_before_max_ms != LONG_MAX
        or config.message_timestamp_after_max_ms != LONG_MAX
    ) and config.message_timestamp_type is TimestampType.CREATE_TIME


def check_records(
    records: Sequence[Record],
    topic_partition: TopicPartition,
    config: LogConfig,
    now_ms: int,
    by_broker: Container[int],
    codec: int,
) -> None:
    """Raises `InvalidRecords` if any of a batch's `records` is not as the topic wants it.

    by_broker: the places of those whose times are said to be the broker's. codec: the batch's.
    """
    keyless: dict[int, str] = {}
    if config.is_compacted:
        no_key = "Compacted topic cannot accept message without key in topic partition"
        why = f"{no_key} {topic_partition}"
        keyless = {at: why for at, record in enumerate(records) if record.key is None}
    mistimed = _mistimed(records, config, now_ms, by_broker, codec)
    if mistimed.keys() - keyless.keys():
        raise InvalidRecords(
            ErrorCode.INVALID_TIMESTAMP,
            "One or more records have been rejected due to invalid timestamp",
            dict(sorted((mistimed | keyless).items())),
        )
    if keyless:
        shown = ", ".join(
            f"RecordError(batchIndex={at}, message='{why}')"
            for at, why in list(keyless.items())[:_SHOWN]
        )
        raise InvalidRecords(
            ErrorCode.INVALID_RECORD,
            f"One or more records have been rejected due to {len(keyless)} record errors in total, "
            f"and only showing the first three errors at most: [{shown}]",
            keyless,
        )


def _mistimed(
    records: Sequence[Record],
    config: LogConfig,
    now_ms: int,
    by_broker: Container[int],
    codec: int,
) -> dict[int, str]:
    is_create_time = config.message_timestamp_type is TimestampType.CREATE_TIME
    earliest_ms = now_ms - config.message_timestamp_before_max_ms
    latest_ms = now_ms + config.message_timestamp_after_max_ms
    reasons = {}
    for at, record in enumerate(records):
        timestamp_ms = record.timestamp_ms
        if is_create_time and timestamp_ms != NO_TIMESTAMP:
            if not earliest_ms <= timestamp_ms <= latest_ms:
                reasons[at] = (
                    f"Timestamp {timestamp_ms} of message with offset {record.offset} is out of "
                    f"range. The timestamp should be within [{earliest_ms}, {as_long(latest_ms)}]"
                )
        elif at in by_broker:
            reasons[at] = (
                f"Invalid timestamp type in message {_described(record, codec)}. Producer should "
                "not set timestamp type to LogAppendTime."
            )
    return reasons


def _described(record: Record, codec: int) -> str:
    """A record in Kafka's words."""
    kind = "DefaultRecord" if codec == Compression.NONE else "PartialDefaultRecord"
    return (
        f"{kind}(offset={record.offset}, timestamp={record.timestamp_ms}, "
        f"key={len(record.key or b'')} bytes, value={len(record.value or b'')} bytes)"
    )
