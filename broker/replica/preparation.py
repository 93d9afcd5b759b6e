"""What takes long to check or to convert is made ready before it's appended.

A log looks at a batch when it appends it: at the header, at the CRC, along its records. For more
than that the event loop has no time: to open a compressed batch and count what is in it, to
compress it anew for a topic whose compression.type isn't the producer's, to look into thousands
of records.

    Produce ──► prepare ────────────────────────► append, wait_until_acknowledged
                small ones at once, but the event loop
                a thread for what is large, or has
                many records, or turns out to be
                large when it's opened

What comes out of it is `Prepared`, be it to be appended or to be refused: the log goes by that, and
opens nothing twice. The next request of the connection is not looked at meanwhile, so appends
stay in order. The other connections' requests are: between two batches of a request that takes
long.

Kafka does it in the request's thread: `LogValidator`.
"""

from collections.abc import Iterable
from typing import Final

import trio

from broker.log.old_formats import is_old
from broker.log.partition_log import PartitionLog
from broker.log.validation import Prepared
from broker.replica.manager import ReplicaManager
from broker.wire.message_set import check_framing
from coordination.values import TopicPartition

Entries = dict[TopicPartition, memoryview | Prepared]

# About a millisecond's work for any codec, so not worth a thread: to compress this, ..
SMALL_TO_COMPRESS_BYTES: Final = 8 * 1024
# .. to open this, if it comes to no more than that, ..
SMALL_TO_OPEN_BYTES: Final = 64 * 1024
SMALL_OPENED_BYTES: Final = 256 * 1024
# .. to go along so much of a message set, ..
SMALL_MESSAGE_SET_BYTES: Final = 64 * 1024
# .. to look into so much (`work_of`): 4,000 records that are counted, 250 that are decoded.
SMALL_WORK: Final = 4_000

# After so long the others have their turn.
TURN_S: Final = 0.002


async def prepare(replicas: ReplicaManager, entries: Entries) -> None:
    """Put what is prepared in the place of each batch for which that is worth while.

    Until all are: while one is prepared the config of another's log may change.
    """
    while unprepared := _unprepared(replicas, entries):
        begin_s = trio.current_time()
        for topic_partition, log, records in unprepared:
            ready = _at_once(log, records)
            if ready is None:
                ready = await trio.to_thread.run_sync(
                    log.prepared, records, limiter=replicas.preparing
                )
            entries[topic_partition] = ready
            if trio.current_time() - begin_s > TURN_S:
                await trio.lowlevel.checkpoint()
                begin_s = trio.current_time()


async def check_message_sets(replicas: ReplicaManager, sets: Iterable[memoryview]) -> None:
    """CORRUPT_MESSAGE if there is anything in one of them that can be no message, nor a batch."""
    for records in sets:
        if len(records) <= SMALL_MESSAGE_SET_BYTES:
            check_framing(records)
        else:
            await trio.to_thread.run_sync(check_framing, records, limiter=replicas.preparing)


def _unprepared(
    replicas: ReplicaManager, entries: Entries
) -> list[tuple[TopicPartition, PartitionLog, memoryview]]:
    """What would keep the event loop busy when it's appended: by itself, or all of it together."""
    found = []
    work = 0
    for topic_partition, records in entries.items():
        partition = replicas.partitions.get(topic_partition)
        if partition is None:
            continue
        log = partition.log
        if isinstance(records, Prepared):
            if records.config is not log.config:
                found.append((topic_partition, log, records.sent))
            continue
        more = log.plain_work_of(records)
        if more is not None:
            work += more
        if more is None or work > SMALL_WORK:
            found.append((topic_partition, log, records))
    return found


def _at_once(log: PartitionLog, records: memoryview) -> Prepared | None:
    """None if it can't be done soon enough, or not with so little in hand."""
    if is_old(records):
        return None  # small messages by the thousand, each of them made anew
    if log.work_of(records) > SMALL_WORK:
        return None
    if log.must_compress(records):
        if len(records) > SMALL_TO_COMPRESS_BYTES:
            return None
    elif log.must_prepare(records) and len(records) > SMALL_TO_OPEN_BYTES:
        return None
    prepared = log.prepared(records, SMALL_OPENED_BYTES)
    return None if prepared.is_refused else prepared
