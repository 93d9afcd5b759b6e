"""What a batch must be before a log takes it: a client's by its leader, a leader's by a follower.

The header is looked at, the CRC, and whether the batch holds as many records as it says: for the
offsets that it is given depend on that, and consumers stop at a batch whose count is wrong. For
that the records are counted by their lengths, decompressed if need be. They are decoded only if
the topic asks something of each of them (a key, because it is compacted; a timestamp within
bounds). Kafka looks into every record; here the inside of a record is its producer's matter.
Kafka's order of checks and its error codes are kept, because clients react to the code:

    not one batch, not format 2, offsets or count that disagree,
    a control batch or no sequence from a client                 INVALID_RECORD
    larger than max.message.bytes                                MESSAGE_TOO_LARGE
    a CRC that does not match, a size that cannot be             CORRUPT_MESSAGE
    records that are not what their codec says                   UNKNOWN_SERVER_ERROR
    a timestamp out of bounds, or said to be the broker's        INVALID_TIMESTAMP
    larger than a whole segment                                  RECORD_LIST_TOO_LARGE

A refusal of single records names them (`InvalidRecords`, KIP-467).

Source: Kafka's `ProduceRequest.validateRecords`, `UnifiedLog.analyzeAndValidateRecords`,
`LogValidator`.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress

from broker.log.log_config import LONG_MAX, LogConfig, TimestampType
from broker.log.values import Origin
from broker.wire.compression import Compression
from broker.wire.control_records import read_marker
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.record_batch import (
    CODEC_MASK,
    HEADER_BYTES,
    LOG_APPEND_TIME,
    MAGIC,
    NO_TIMESTAMP,
    Buffer,
    RecordBatch,
    batch_at,
    batch_size,
    batches,
    magic_of,
)
from broker.wire.records import Record, count_records
from coordination.values import TopicPartition


class InvalidRecords(KafkaError):
    """Single records are to blame for the batch's refusal: which ones, and why (KIP-467)."""

    def __init__(self, code: ErrorCode, message: str, reasons: Mapping[int, str]) -> None:
        super().__init__(code, message)
        self.reasons = reasons  # by the record's place in the batch


class NotOneBatch(KafkaError):
    """A request that holds anything but one batch of format 2: no log is even asked about it."""

    def __init__(self, message: str) -> None:
        super().__init__(ErrorCode.INVALID_RECORD, message)


class UnexpectedAppendOffset(KafkaError):  # as Kafka's
    """The leader's records do not continue this log: the follower must find out why."""

    def __init__(self, message: str) -> None:
        super().__init__(ErrorCode.UNKNOWN_SERVER_ERROR, message)


def only_batch(records: Buffer) -> RecordBatch:
    """The one batch that an append by a leader consists of."""
    view = memoryview(records)
    if 0 <= magic_of(view) < MAGIC:
        raise NotOneBatch(f"Record batches have format {MAGIC}, and this one has {magic_of(view)}")
    if len(view) >= HEADER_BYTES and batch_size(view, 0) == len(view):
        return batch_at(view, 0, len(view))
    found = list(batches(view))
    if len(found) != 1:
        raise NotOneBatch(f"There must be exactly one record batch, and there are {len(found)}")
    return found[0]


def numbered_batch(records: Buffer) -> RecordBatch | None:
    """The batch, if it is one and an idempotent producer's."""
    with suppress(KafkaError):
        batch = only_batch(records)
        if batch.has_producer_id:
            return batch
    return None


def check_batch(batch: RecordBatch, config: LogConfig, origin: Origin, now_ms: int) -> None:
    """Refuse what must not enter the log; all but the producer's sequence (`ProducerState`)."""
    from_client = origin is Origin.CLIENT
    if from_client and batch.base_offset != 0:
        raise _invalid(f"The base offset of a record batch should be 0, but is {batch.base_offset}")
    if batch.size_bytes > config.max_message_bytes:
        raise KafkaError(
            ErrorCode.MESSAGE_TOO_LARGE,
            f"The record batch size is {batch.size_bytes} bytes, which exceeds the maximum "
            f"configured value of {config.max_message_bytes}",
        )
    batch.check_crc()
    if from_client:
        _check_client_header(batch)
    attributes = batch.attributes
    if attributes & CODEC_MASK > Compression.ZSTD:
        raise _invalid(f"Unknown compression type id: {attributes & CODEC_MASK}")
    if attributes & LOG_APPEND_TIME:
        raise KafkaError(
            ErrorCode.INVALID_TIMESTAMP,
            "A producer should not set the timestamp type to LogAppendTime",
        )
    if from_client:
        body = _opened(batch)
        if count_records(body) != batch.count:
            raise _invalid(f"The batch says {batch.count} records and has {count_records(body)}")
        if _must_decode(config):
            _check_records(batch.decode(body), config, now_ms)
    if batch.size_bytes > config.segment_bytes:
        raise KafkaError(
            ErrorCode.RECORD_LIST_TOO_LARGE,
            f"The record batch size is {batch.size_bytes} bytes, which exceeds the maximum "
            f"configured segment size of {config.segment_bytes}",
        )


def batches_of_leader(records: Buffer, topic_partition: TopicPartition) -> list[RecordBatch]:
    """The whole batches that a follower is to append; the last one may be cut short, and is left.

    The leader has validated them. CORRUPT_MESSAGE for a wrong CRC or a marker that can't be read,
    UnexpectedAppendOffset for offsets that do not ascend.
    """
    found = list(batches(records))
    end_offset = -1
    for batch in found:
        batch.check_crc()
        if batch.base_offset < end_offset or batch.last_offset < batch.base_offset:
            raise UnexpectedAppendOffset(
                f"Out of order offsets in append to {topic_partition}: "
                f"{batch.base_offset} after {end_offset - 1}"
            )
        if batch.is_control and batch.has_producer_id:
            read_marker(batch)
        end_offset = batch.end_offset
    return found


def _check_client_header(batch: RecordBatch) -> None:
    if batch.count <= 0 or batch.last_offset_delta != batch.count - 1:
        raise _invalid(
            f"Inconsistent batch offset range [{batch.base_offset}, {batch.last_offset}] and "
            f"count of records {batch.count}"
        )
    if batch.is_control:
        raise _invalid("Clients are not allowed to write control records")
    if batch.has_producer_id and batch.base_sequence < 0:
        raise _invalid(
            f"Invalid sequence number {batch.base_sequence} in a record batch with producer id "
            f"{batch.producer_id}"
        )


def _opened(batch: RecordBatch) -> memoryview:
    """The records, decompressed. No retry would mend them, so not CORRUPT_MESSAGE: as Kafka."""
    try:
        return batch.opened()
    except KafkaError as error:
        raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, error.message) from error


def _must_decode(config: LogConfig) -> bool:
    """Whether something is asked of each record."""
    if config.is_compacted:
        return True
    return config.message_timestamp_type is TimestampType.CREATE_TIME and (
        config.message_timestamp_before_max_ms != LONG_MAX
        or config.message_timestamp_after_max_ms != LONG_MAX
    )


def _check_records(records: Sequence[Record], config: LogConfig, now_ms: int) -> None:
    if config.is_compacted:
        no_key = "Compacted topic cannot accept message without key"
        keyless = {at: no_key for at, record in enumerate(records) if record.key is None}
        if keyless:
            raise InvalidRecords(ErrorCode.INVALID_RECORD, f"{no_key}: {len(keyless)}", keyless)
    if config.message_timestamp_type is not TimestampType.CREATE_TIME:
        return
    earliest_ms = now_ms - config.message_timestamp_before_max_ms
    latest_ms = now_ms + config.message_timestamp_after_max_ms
    out_of_range = {
        at: f"Timestamp {record.timestamp_ms} of message with offset {at} is out of range. The "
        f"timestamp should be within [{earliest_ms}, {latest_ms}]"
        for at, record in enumerate(records)
        if not earliest_ms <= record.timestamp_ms <= latest_ms
        and record.timestamp_ms != NO_TIMESTAMP
    }
    if out_of_range:
        raise InvalidRecords(
            ErrorCode.INVALID_TIMESTAMP,
            "One or more records have been rejected due to invalid timestamp",
            out_of_range,
        )


def _invalid(why: str) -> KafkaError:
    return KafkaError(ErrorCode.INVALID_RECORD, why)
