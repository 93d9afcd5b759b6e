"""A batch as its log wants it: in the topic's codec, and with a header that is true.

    compression.type=producer          as it came; nothing is ever compressed for it
                     zstd, lz4, ...    a batch in another codec is compressed anew
                     uncompressed      a compressed one is opened

Only the codec counts: what came in the right one stays as it is, at whatever level. The records'
bytes, and with them their offsets, times and sequences, are the same ones before and after; the
header gets another codec, length and CRC. Control batches stay as they are.

A message set of format 0 or 1 becomes a batch of format 2 (`old_formats`).

What `validation` found untrue is put right in passing: a header with another latest timestamp than
the records', offset deltas that don't count up.

To open a megabyte and count what is in it takes milliseconds, to compress it more, for which the
event loop cannot wait. So what is compressed or must be is made ready before it is appended, large
batches by another thread (`broker.replica.preparation`), and `Prepared` says that it's done.

Source: Kafka's `BrokerCompressionType.targetCompression`, `LogValidator`.
"""

from broker.log.log_config import LogConfig
from broker.log.old_formats import batch_of_old, is_old
from broker.log.record_validation import asks_of_each_record
from broker.log.validation import Contents, Prepared, check_batch, check_size, only_batch
from broker.log.values import Origin
from broker.wire.compression import MAX_DECOMPRESSED_BYTES, Compression, compress
from broker.wire.errors import KafkaError
from broker.wire.record_batch import (
    CODEC_MASK,
    Buffer,
    RecordBatch,
    attributes_and_count_of,
    attributes_of,
    recompressed,
    with_max_timestamp,
    with_records,
)
from broker.wire.records import encode_records
from coordination.values import TopicPartition

# What it takes to look into a record; to count one that isn't compressed, half a microsecond, is 1.
_OPENED, _DECODED = 4, 16


def must_prepare(records: Buffer, config: LogConfig) -> bool:
    """Whether there is more to do for a client's batch than to look into its records."""
    view = memoryview(records)
    codec = attributes_of(view) & CODEC_MASK
    return codec != 0 or must_compress(view, config) or is_old(view)


def plain_work_of(records: memoryview, config: LogConfig) -> int | None:
    """`work_of` a batch that is appended as it came; None for one that `must_prepare`.

    Both in one look: most batches are such, and each of a Produce is looked at.
    """
    attributes, count = attributes_and_count_of(records)
    codec, target = attributes & CODEC_MASK, config.compression_type
    if codec or (target is not None and target != codec):
        return None
    if count <= 0:
        return None if is_old(records) else 0
    return count * _DECODED if asks_of_each_record(attributes, config) else count


def work_of(records: memoryview, config: LogConfig) -> int:
    """How long it takes to look into a batch, as a number of records that are only counted.

    It's what the batch says that decides, however few bytes it has: a record takes seven at least,
    and a thousand times less when they are compressed.
    """
    attributes, count = attributes_and_count_of(records)
    if count < 0:
        return 0
    if asks_of_each_record(attributes, config):
        return count * _DECODED
    return count * _OPENED if attributes & CODEC_MASK else count


def must_compress(records: Buffer, config: LogConfig) -> bool:
    """Whether this batch is in another codec than the topic's compression.type."""
    target = config.compression_type
    return target is not None and target != attributes_of(memoryview(records)) & CODEC_MASK


def prepared(
    records: memoryview,
    topic_partition: TopicPartition,
    config: LogConfig,
    now_ms: int,
    most_bytes: int = MAX_DECOMPRESSED_BYTES,
) -> Prepared:
    """A client's batch made ready, or refused; for any thread.

    most_bytes: that its records may come to.
    """
    outcome: RecordBatch | KafkaError
    try:
        outcome = ready_batch(records, topic_partition, config, Origin.CLIENT, now_ms, most_bytes)
    except KafkaError as error:
        outcome = error.alone()
    return Prepared(records, config, outcome)


def ready_batch(
    records: Buffer | Prepared,
    topic_partition: TopicPartition,
    config: LogConfig,
    origin: Origin,
    now_ms: int,
    most_bytes: int = MAX_DECOMPRESSED_BYTES,
) -> RecordBatch:
    """The one batch in `records`, checked, in the topic's codec; raises what `validation` does."""
    if isinstance(records, Prepared):
        if records.config is config:
            if isinstance(records.outcome, KafkaError):
                raise records.outcome
            return records.outcome
        records = records.sent  # the topic's configuration has changed meanwhile
    if is_old(memoryview(records)):
        batch = batch_of_old(memoryview(records), topic_partition, config, now_ms)
        check_size(batch, topic_partition, config)
        return batch
    batch = only_batch(records)
    contents = check_batch(batch, topic_partition, config, origin, now_ms, most_bytes)
    if contents is not None:
        batch = _put_right(batch, contents, config)
    codec = config.compression_type
    if codec is not None and codec != batch.codec and not batch.is_control:
        body = None if contents is None else contents.body
        batch = only_batch(recompressed(batch, codec, config.compression_level(codec), body))
    check_size(batch, topic_partition, config)
    return batch


def _put_right(batch: RecordBatch, contents: Contents, config: LogConfig) -> RecordBatch:
    """The batch with what its header or its records say wrongly put right."""
    if contents.is_misnumbered:
        codec = config.compression_type
        codec = Compression(batch.codec) if codec is None else codec
        records = encode_records(batch.decode(contents.body), batch.base_timestamp_ms)
        return only_batch(
            with_records(
                batch,
                compress(codec, records, config.compression_level(codec)),
                batch.count,
                attributes=batch.attributes & ~CODEC_MASK | codec,
                base_timestamp_ms=batch.base_timestamp_ms,
                max_timestamp_ms=contents.max_timestamp_ms,
            )
        )
    if contents.max_timestamp_ms != batch.max_timestamp_ms:
        return only_batch(with_max_timestamp(batch, contents.max_timestamp_ms))
    return batch
