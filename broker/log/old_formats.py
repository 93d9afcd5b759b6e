"""A producer's message set of format 0 or 1, made the record batch that goes into the log.

Clients older than Kafka 0.11 send them, with Produce 0 to 2. A log holds format 2 alone, so they
are taken apart and built anew: one batch of all records, in the topic's codec or in the one that
they came in. What `validation` asks of a batch is asked of each message instead:

    larger than max.message.bytes             MESSAGE_TOO_LARGE
    a CRC-32 that does not match, a size      CORRUPT_MESSAGE
    that cannot be
    two formats, wrappers beside messages     INVALID_RECORD
    a record that the topic may not have      INVALID_RECORD, _TIMESTAMP

Source: Kafka's `UnifiedLog.analyzeAndValidateRecords`, `LogValidator`.
"""

from broker.log.log_config import LogConfig
from broker.log.record_validation import asks_of_each_record, check_records
from broker.log.validation import only_batch
from broker.wire.compression import Compression
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.format_conversion import records_of
from broker.wire.message_set import messages
from broker.wire.record_batch import (
    MAGIC,
    RecordBatch,
    build_batch,
    magic_of,
    recompressed,
    stamp_append_time,
)
from coordination.values import TopicPartition


def is_old(records: memoryview) -> bool:
    """Whether these are of format 0 or 1."""
    return 0 <= magic_of(records) < MAGIC


def batch_of_old(
    records: memoryview, topic_partition: TopicPartition, config: LogConfig, now_ms: int
) -> RecordBatch:
    """The batch of a message set, checked but for its size."""
    found = []
    for message in messages(records):
        if message.size_bytes > config.max_message_bytes:
            raise KafkaError(
                ErrorCode.MESSAGE_TOO_LARGE,
                f"The record batch size in the append to {topic_partition} is "
                f"{message.size_bytes} bytes which exceeds the maximum configured value of "
                f"{config.max_message_bytes}",
            )
        found.append(message)
    if not found:
        raise KafkaError(ErrorCode.INVALID_RECORD, "Record batch has no batches at all")
    content, codec = records_of(found)
    batch = only_batch(build_batch(content))
    if any(message.is_log_append_time for message in found):
        batch.attributes = stamp_append_time(
            batch.view, batch.attributes, max(record.timestamp_ms for record in content)
        )
    if asks_of_each_record(batch.attributes, config):
        check_records(batch, batch.records(), topic_partition, config, now_ms)
    target = codec if config.compression_type is None else config.compression_type
    if target is Compression.NONE:
        return batch
    return only_batch(recompressed(batch, target, config.compression_level(target)))
