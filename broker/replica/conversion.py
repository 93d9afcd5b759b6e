"""Large batches in the codec of their topic, before they are appended.

A topic whose compression.type is not the producer's has its batches compressed anew. The log does
that by itself when it appends; here is what it would take too long for:

    Produce ──► convert_large ──► append, wait_until_acknowledged
                a thread          the event loop

The next request of the connection is not looked at meanwhile, so appends stay in order. A batch
that will be refused is left as it is: the log refuses it in its turn, and says why. A converted one
is checked again by the log, as any batch is that could have come like that.

Kafka converts in the request's thread: `LogValidator`.
"""

import trio

from broker.log.partition_log import PartitionLog
from broker.replica.manager import ReplicaManager
from broker.wire.errors import KafkaError
from coordination.values import TopicPartition

# Less than a millisecond's work for any codec, so not worth a thread.
LARGE_BYTES = 8 * 1024


async def convert_large(
    replicas: ReplicaManager, entries: dict[TopicPartition, memoryview]
) -> None:
    """Put the converted batch in the place of each that is large and in another codec."""
    for topic_partition, records in entries.items():
        partition = replicas.partitions.get(topic_partition)
        if (
            partition is not None
            and len(records) > LARGE_BYTES
            and partition.log.must_convert(records)
        ):
            entries[topic_partition] = await trio.to_thread.run_sync(
                _converted, partition.log, records, limiter=replicas.converting
            )


def _converted(log: PartitionLog, records: memoryview) -> memoryview:
    try:
        return log.converted(records)
    except KafkaError:
        return records
