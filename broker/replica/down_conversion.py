"""What was read, in the record format that an old client understands (Fetch 0 to 3).

    Fetch 0, 1   format 0          Fetch 2, 3   format 1          from 4 on: the file's own bytes

The records are read, opened and written anew, by a thread, and held until they're sent: all that
the zero-copy path spares. So an old client is answered no more at a time than `MOST_BYTES`, or one
wrapper that has more, and few are served at once. A topic with message.downconversion.enable=false
answers UNSUPPORTED_VERSION.

A read may come to nothing: a segment's last batch is a transaction's marker, or compaction took
what was behind the fetch offset. Its client would ask for the same again, and never come to the
next segment. So one goes on reading behind it:

    fetch offset            read       read on
         │                 ┌──────┐  ┌───────────────┐
    ... a, b, c, marker │ marker, marker │ d, e, ...        d, e are answered

At the end of what may be read the answer is empty, and waits like one to a fetch for which nothing
was there: else its client would ask again and again. Behind `MOST_BYTES` of nothing it's a message
that is cut short, at which a client gives up, rather than wait and hear nothing.

Kafka converts a part at a time while it sends (KIP-283), fills up what turns out shorter than it
had announced with a message that is cut short, and sends one wherever a read came to nothing.

Kafka: KafkaApis.handleFetchRequest, LazyDownConversionRecords.
"""

from collections.abc import Sequence

import attrs
import trio

from broker.replica.interests import Reads
from broker.replica.manager import ReplicaManager
from broker.replica.partition_read import PartitionFetch, PartitionRead
from broker.replica.roles import Leading
from broker.waiting import wait_until
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.format_conversion import message_set_of
from broker.wire.message_set import CUT_SHORT
from broker.wire.record_batch import batches
from broker.wire.regions import FileRegion

FIRST_VERSION_WITH_FORMAT_1 = 2
FIRST_VERSION_WITH_FORMAT_2 = 4

# Of an answer; what a default consumer asks of eight partitions.
MOST_BYTES = 8 << 20
READ_ON_BYTES = 1 << 20  # at a time


async def down_converted(
    replicas: ReplicaManager, reads: Reads, version: int, deadline_s: float
) -> Reads:
    """The same reads for a client that fetches in this version, below 4.

    deadline_s: until when to wait, if there were only such batches as have no equivalent.
    """
    magic = 1 if version >= FIRST_VERSION_WITH_FORMAT_1 else 0
    converted: Reads = {}
    room = MOST_BYTES
    for interest, read in reads.items():
        if read.error is None and read.partition is not None:
            try:
                data = await _converted(replicas, interest.asked, read, magic, room)
                room -= len(data)
                read = attrs.evolve(read, regions=(), converted=data, size_bytes=len(data))
            except KafkaError as error:
                read = PartitionRead(error)
            except OSError as error:
                read = PartitionRead(KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, str(error)))
        converted[interest] = read
    if any(read.regions for read in reads.values()) and not any(
        read.size_bytes or read.must_answer_now for read in converted.values()
    ):
        await _news(list(converted.values()), max(0.0, deadline_s - trio.current_time()))
    return converted


async def _news(reads: Sequence[PartitionRead], timeout_s: float) -> None:
    """Wait for more to read in any of these partitions, or for their end here."""
    looked_at = [(read.partition, read.high_watermark) for read in reads if read.partition]

    def is_there() -> bool:
        return any(
            partition.high_watermark != high_watermark or not isinstance(partition.role, Leading)
            for partition, high_watermark in looked_at
        )

    await wait_until(is_there, [partition.committed for partition, _ in looked_at], timeout_s)


async def _converted(
    replicas: ReplicaManager, asked: PartitionFetch, read: PartitionRead, magic: int, room: int
) -> bytes:
    """What was read in the other format, or the first behind it that has an equivalent."""
    assert read.partition is not None
    if not read.partition.log.config.message_downconversion_enable:
        raise KafkaError(ErrorCode.UNSUPPORTED_VERSION, "message.downconversion.enable=false")
    if room <= 0:
        return b""  # the next fetch gets it
    regions, looked_at_bytes = read.regions, 0
    while regions:
        data, end_offset = await trio.to_thread.run_sync(
            _in_format,
            *(magic, regions, asked.fetch_offset, min(asked.max_bytes, room)),
            limiter=replicas.down_converting,
        )
        if data or end_offset >= read.high_watermark:
            return data
        looked_at_bytes += sum(region.size_bytes for region in regions)
        if looked_at_bytes > MOST_BYTES:
            return CUT_SHORT
        read.partition.leading(asked.current_leader_epoch)  # still
        found = read.partition.log.read(end_offset, READ_ON_BYTES, read.high_watermark)
        regions = found.regions
    return b""


def _in_format(
    magic: int, regions: Sequence[FileRegion], first_offset: int, most_bytes: int
) -> tuple[bytes, int]:
    """The message set, and the offset behind the batches that were looked at if it's empty."""
    data = b"".join(region.read() for region in regions)
    converted = message_set_of(data, magic, first_offset, most_bytes)
    end_offset = first_offset
    if not converted:
        for batch in batches(data):
            end_offset = batch.end_offset
    return converted, end_offset
