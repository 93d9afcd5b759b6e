"""What takes long to check or to convert is made ready before it's appended.

A log looks at a batch when it appends it: at the header, at the CRC, along its records. For more
than that the event loop has no time: to open a compressed batch and count what is in it, to
compress it anew for a topic whose compression.type isn't the producer's.

    Produce ──► prepare ────────────────────────► append, wait_until_acknowledged
                small ones at once, but the event loop
                a thread for what is large, or
                turns out to be when it's opened

Who comes out of it is `Prepared`, be it to be appended or to be refused: the log goes by that, and
opens nothing twice. The next request of the connection is not looked at meanwhile, so appends
stay in order.

Kafka does it in the request's thread: `LogValidator`.
"""

import trio

from broker.log.old_formats import is_old
from broker.log.partition_log import PartitionLog
from broker.log.validation import Prepared
from broker.replica.manager import ReplicaManager
from coordination.values import TopicPartition

Entries = dict[TopicPartition, memoryview | Prepared]

# Less than a millisecond's work for any codec, so not worth a thread: to compress this, ..
SMALL_TO_COMPRESS_BYTES = 8 * 1024
# .. to open this, if it comes to no more than that.
SMALL_TO_OPEN_BYTES = 64 * 1024
SMALL_OPENED_BYTES = 256 * 1024


async def prepare(replicas: ReplicaManager, entries: Entries) -> None:
    """Put what is prepared in the place of each batch for which that is worth while."""
    for topic_partition, records in entries.items():
        partition = replicas.partitions.get(topic_partition)
        if (
            partition is None
            or isinstance(records, Prepared)
            or not partition.log.must_prepare(records)
        ):
            continue
        ready = _at_once(partition.log, records)
        if ready is None:
            ready = await trio.to_thread.run_sync(
                partition.log.prepared, records, limiter=replicas.preparing
            )
        entries[topic_partition] = ready


def _at_once(log: PartitionLog, records: memoryview) -> Prepared | None:
    """None if it can't be done soon enough, or not with so little in hand."""
    if is_old(records):
        return None  # small messages by the thousand, each of them made anew
    is_compressing = log.must_compress(records)
    if len(records) > (SMALL_TO_COMPRESS_BYTES if is_compressing else SMALL_TO_OPEN_BYTES):
        return None
    prepared = log.prepared(records, SMALL_OPENED_BYTES)
    return None if prepared.is_refused else prepared
