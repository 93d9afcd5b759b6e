"""What a batch must be before a log takes it: a client's by its leader, a leader's by a follower.

The header is looked at, the CRC, and whether the batch holds as many records as it says: for the
offsets that it is given depend on that, and consumers stop at a batch whose count is wrong. For
that the records are counted by their lengths, decompressed if need be. They are decoded only if
the topic asks something of each of them (`record_validation`). Kafka looks into every record; here
the inside of a record is its producer's matter, but for what others go by:

    the latest timestamp    retention, rolling and ListOffsets believe the header's
    the offset deltas       compaction, and whoever reads compressed records

A batch whose header or numbers say something else isn't refused, as some old clients write such
ones: it is put right (`conversion`). Kafka means to, and for numbers in a batch that stays in its
codec fails with UNKNOWN_SERVER_ERROR. Numbers of records that aren't compressed are looked at in
compacted topics only; Kafka never does. Kafka's order of checks and its error codes are kept,
because clients react to the code:

    not one batch (of formats 0 and 1: see `old_formats`)        INVALID_RECORD
    a base offset that is not 0                                  INVALID_RECORD
    larger than max.message.bytes                                MESSAGE_TOO_LARGE
    a CRC that does not match, a size that cannot be             CORRUPT_MESSAGE
    a codec that there is none of                                UNKNOWN_SERVER_ERROR
    offsets or count that disagree, a control batch or no
    sequence from a client                                       INVALID_RECORD
    records that are not what their codec says                   UNKNOWN_SERVER_ERROR
    other than so many records                                   INVALID_RECORD
    a record that the topic may not have                         INVALID_RECORD, _TIMESTAMP
    in the topic's codec, larger than max.message.bytes          MESSAGE_TOO_LARGE
    larger than a whole segment                                  RECORD_LIST_TOO_LARGE

The last two are for when the batch is as it will be written: `check_size`.

Source: Kafka's `ProduceRequest.validateRecords`, `UnifiedLog.analyzeAndValidateRecords`,
`LogValidator`.
"""

from contextlib import suppress

import attrs

from broker.log.log_config import LogConfig
from broker.log.record_validation import asks_of_each_record, check_records
from broker.log.values import Origin
from broker.wire.compression import MAX_DECOMPRESSED_BYTES, Compression
from broker.wire.control_records import read_marker
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.record_batch import (
    HEADER_BYTES,
    MAGIC,
    NO_TIMESTAMP,
    Buffer,
    RecordBatch,
    batch_at,
    batch_size,
    batches,
    magic_of,
)
from broker.wire.records import as_long, counts_up, largest_timestamp_delta
from coordination.values import TopicPartition


class NotOneBatch(KafkaError):
    """A request that holds anything but one batch of format 2: no log is even asked about it."""

    def __init__(self, message: str) -> None:
        super().__init__(ErrorCode.INVALID_RECORD, message)


class UnexpectedAppendOffset(KafkaError):  # as Kafka's
    """The leader's records do not continue this log: the follower must find out why."""

    def __init__(self, message: str) -> None:
        super().__init__(ErrorCode.UNKNOWN_SERVER_ERROR, message)


@attrs.frozen(eq=False)
class Prepared:
    """A client's batch that was looked at beforehand, as that takes long: see `conversion`.

    sent: as it came. config: that of its log then. outcome: the batch as it may be appended, or
    why it may not.
    """

    sent: memoryview
    config: LogConfig
    outcome: RecordBatch | KafkaError

    @property
    def is_refused(self) -> bool:
        return isinstance(self.outcome, KafkaError)


@attrs.frozen(eq=False)
class Contents:
    """What is in a client's batch: its records, opened, and what the header must say of them.

    is_misnumbered: their offset deltas don't count up.
    """

    body: memoryview
    max_timestamp_ms: int
    is_misnumbered: bool


def only_batch(records: Buffer | Prepared) -> RecordBatch:
    """The one batch that an append by a leader consists of."""
    if isinstance(records, Prepared):
        if isinstance(records.outcome, RecordBatch):
            return records.outcome
        records = records.sent
    view = memoryview(records)
    if 0 <= magic_of(view) < MAGIC:
        raise NotOneBatch(f"Record batches have format {MAGIC}, and this one has {magic_of(view)}")
    if len(view) >= HEADER_BYTES and batch_size(view, 0) == len(view):
        return batch_at(view, 0, len(view))
    try:
        found = list(batches(view))
    except KafkaError as error:
        if error.code is not ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT:
            raise
        raise NotOneBatch("There must be a record batch, and behind it are messages") from None
    if len(found) != 1:
        raise NotOneBatch(f"There must be exactly one record batch, and there are {len(found)}")
    return found[0]


def numbered_batch(records: Buffer | Prepared) -> RecordBatch | None:
    """The batch, if it is one and an idempotent producer's."""
    with suppress(KafkaError):
        batch = only_batch(records)
        if batch.has_producer_id:
            return batch
    return None


def check_batch(
    batch: RecordBatch,
    topic_partition: TopicPartition,
    config: LogConfig,
    origin: Origin,
    now_ms: int,
    most_bytes: int = MAX_DECOMPRESSED_BYTES,
) -> Contents | None:
    """Refuse what must not enter the log; all but its final size and the producer's sequence.

    Gives what is in a client's batch, if one had to look or something is to be put right.
    most_bytes: that its records may come to.
    """
    from_client = origin is Origin.CLIENT
    if from_client and batch.base_offset != 0:
        raise _invalid(
            f"The baseOffset of the record batch in the append to {topic_partition} should be 0, "
            f"but it is {batch.base_offset}"
        )
    size_bytes = batch.size_bytes
    if size_bytes > config.max_message_bytes:
        raise KafkaError(
            ErrorCode.MESSAGE_TOO_LARGE,
            f"The record batch size in the append to {topic_partition} is {size_bytes} bytes "
            f"which exceeds the maximum configured value of {config.max_message_bytes}",
        )
    batch.check_crc()
    codec = batch.codec
    if codec > Compression.ZSTD:
        raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, f"Unknown compression type id: {codec}")
    if not from_client:
        return None
    _check_client_header(batch)
    body = _opened(batch, most_bytes) if codec else batch.view[HEADER_BYTES:]
    max_timestamp_ms = batch.base_timestamp_ms + largest_timestamp_delta(body, batch.count)
    if asks_of_each_record(batch.attributes, config):
        by_broker = range(batch.count if batch.is_log_append_time else 0)
        records = batch.decode(body)
        check_records(records, topic_partition, config, now_ms, by_broker, codec)
    if batch.is_log_append_time:
        max_timestamp_ms = batch.max_timestamp_ms
    elif max_timestamp_ms != batch.max_timestamp_ms:
        max_timestamp_ms = max(NO_TIMESTAMP, as_long(max_timestamp_ms))
    is_misnumbered = (codec != 0 or config.is_compacted) and not counts_up(body, batch.count)
    if not codec and not is_misnumbered and max_timestamp_ms == batch.max_timestamp_ms:
        return None
    return Contents(body, max_timestamp_ms, is_misnumbered)


def check_size(batch: RecordBatch, topic_partition: TopicPartition, config: LogConfig) -> None:
    """Refuse what would be too large for the log, as it will be written."""
    size_bytes = batch.size_bytes
    if size_bytes > config.max_message_bytes:
        raise KafkaError(
            ErrorCode.MESSAGE_TOO_LARGE,
            f"Message batch size is {size_bytes} bytes in append to partition {topic_partition} "
            f"which exceeds the maximum configured size of {config.max_message_bytes}",
        )
    if size_bytes > config.segment_bytes:
        raise KafkaError(
            ErrorCode.RECORD_LIST_TOO_LARGE,
            f"Message batch size is {size_bytes} bytes in append to partition {topic_partition}, "
            f"which exceeds the maximum configured segment size of {config.segment_bytes}",
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


def _opened(batch: RecordBatch, most_bytes: int) -> memoryview:
    """The records, decompressed. No retry would mend them, so not CORRUPT_MESSAGE: as Kafka."""
    try:
        return batch.opened(most_bytes)
    except KafkaError as error:
        raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, error.message) from error


def _invalid(why: str) -> KafkaError:
    return KafkaError(ErrorCode.INVALID_RECORD, why)
