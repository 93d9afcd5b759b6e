"""A producer's message set of format 0 or 1, made the record batch that goes into the log.

Clients older than Kafka 0.11 send them, with Produce 0 to 2. A log holds format 2 alone, so they
are taken apart and built anew: one batch of all records, in the topic's codec or in the one that
they came in. What `validation` asks of a batch is asked of each message instead:

    larger than max.message.bytes, all of     MESSAGE_TOO_LARGE
    them too if the topic doesn't compress
    more than `message_set.MOST_MESSAGES`     MESSAGE_TOO_LARGE
    a CRC-32 that does not match, a size      CORRUPT_MESSAGE
    that cannot be
    a codec that there is none of             UNKNOWN_SERVER_ERROR
    two formats, wrappers beside messages     INVALID_RECORD
    a record that the topic may not have      INVALID_RECORD, _TIMESTAMP
    a time before 1970 other than -1          UNKNOWN_SERVER_ERROR

Source: Kafka's `UnifiedLog.analyzeAndValidateRecords`, `LogValidator`.
"""

from broker.log.log_config import LogConfig
from broker.log.record_validation import check_records
from broker.log.validation import only_batch
from broker.wire.compression import Compression
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.format_conversion import records_of
from broker.wire.message_set import Message, frames, read_message
from broker.wire.record_batch import (
    HEADER_BYTES,
    MAGIC,
    NO_TIMESTAMP,
    RecordBatch,
    build_batch,
    magic_of,
    recompressed,
)
from broker.wire.records import SMALLEST_RECORD_BYTES
from coordination.values import TopicPartition


def is_old(records: memoryview) -> bool:
    """Whether these are of format 0 or 1."""
    return 0 <= magic_of(records) < MAGIC


def batch_of_old(
    records: memoryview, topic_partition: TopicPartition, config: LogConfig, now_ms: int
) -> RecordBatch:
    """The batch of a message set, checked but for its size."""
    found = _messages(records, topic_partition, config)
    content, codec = records_of(found)
    by_broker = {at for at, message in enumerate(found) if message.is_log_append_time}
    # A wrapper's word is for all that are in it.
    whose = range(len(content) if by_broker else 0) if codec else by_broker
    check_records(content, topic_partition, config, now_ms, whose, codec)
    earliest_ms = min(record.timestamp_ms for record in content)
    if earliest_ms < NO_TIMESTAMP:
        raise KafkaError(
            ErrorCode.UNKNOWN_SERVER_ERROR, f"Invalid negative timestamp {earliest_ms}"
        )
    batch = only_batch(build_batch(content))
    target = codec if config.compression_type is None else config.compression_type
    if target is Compression.NONE:
        return batch
    return only_batch(recompressed(batch, target, config.compression_level(target)))


def _messages(
    records: memoryview, topic_partition: TopicPartition, config: LogConfig
) -> list[Message]:
    """All of them, unless they can't but be too large for the log: it takes much to hold them."""
    most_bytes = config.max_message_bytes
    is_compressing = config.compression_type not in (None, Compression.NONE)
    least_bytes = HEADER_BYTES
    found = []
    for frame in frames(records):
        if len(frame) > most_bytes:
            raise _too_large(topic_partition, len(frame), most_bytes)
        message = read_message(frame)
        if not message.codec and not is_compressing:
            least_bytes += SMALLEST_RECORD_BYTES
            least_bytes += len(message.key or b"") + len(message.value or b"")
            if least_bytes > most_bytes:
                raise _too_large(topic_partition, least_bytes, most_bytes)
        found.append(message)
    if not found:
        raise KafkaError(ErrorCode.INVALID_RECORD, "Record batch has no batches at all")
    return found


def _too_large(topic_partition: TopicPartition, size_bytes: int, most_bytes: int) -> KafkaError:
    return KafkaError(
        ErrorCode.MESSAGE_TOO_LARGE,
        f"The record batch size in the append to {topic_partition} is {size_bytes} bytes or more, "
        f"which exceeds the maximum configured value of {most_bytes}",
    )
