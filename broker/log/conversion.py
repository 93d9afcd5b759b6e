"""compression.type: a batch in the codec that its topic wants, if that is not the producer's.

    compression.type=producer          as it came; nothing is ever opened for it
                     zstd, lz4, ...    a batch in another codec is compressed anew
                     uncompressed      a compressed one is opened

Only the codec counts: what came in the right one stays as it is, at whatever level. The records'
bytes, and with them their offsets, times and sequences, are the same ones before and after; the
header gets another codec, length and CRC. Control batches stay as they are.

To compress a megabyte takes milliseconds, for which the event loop cannot wait. So large batches
are converted by another thread before they are appended (`broker.replica.conversion`), and
small ones when they are.

Source: Kafka's `BrokerCompressionType.targetCompression`, `LogValidator`.
"""

from broker.log.log_config import LogConfig
from broker.log.validation import check_batch, check_size, only_batch
from broker.log.values import Origin
from broker.wire.record_batch import Buffer, RecordBatch, recompressed
from coordination.values import TopicPartition


def ready_batch(
    records: Buffer,
    topic_partition: TopicPartition,
    config: LogConfig,
    origin: Origin,
    now_ms: int,
) -> RecordBatch:
    """The one batch in `records`, checked, in the topic's codec; raises what `validation` does."""
    batch = only_batch(records)
    check_batch(batch, topic_partition, config, origin, now_ms)
    codec = config.compression_type
    if codec is not None and codec != batch.codec and not batch.is_control:
        batch = only_batch(recompressed(batch, codec, config.compression_level(codec)))
    check_size(batch, topic_partition, config)
    return batch
