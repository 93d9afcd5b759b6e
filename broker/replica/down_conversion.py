"""What was read, in the record format that an old client understands (Fetch 0 to 3).

    Fetch 0, 1   format 0          Fetch 2, 3   format 1          from 4 on: the file's own bytes

The records are read, opened and written anew, by a thread, and held until they're sent: all that
the zero-copy path spares. So an old client is answered no more at a time than `MOST_BYTES`, and
few are served at once. A topic with message.downconversion.enable=false answers
UNSUPPORTED_VERSION.

Kafka converts a part at a time while it sends (KIP-283), fills up what turns out shorter than it
had announced with a message that is cut short, and sends one where nothing but a transaction's
marker was read; here the answer is as long as what is in it.

Kafka: KafkaApis.handleFetchRequest, LazyDownConversionRecords.
"""

import attrs
import trio

from broker.replica.interests import Reads
from broker.replica.manager import ReplicaManager
from broker.replica.partition_read import PartitionRead
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.format_conversion import message_set_of

FIRST_VERSION_WITH_FORMAT_1 = 2
FIRST_VERSION_WITH_FORMAT_2 = 4

# Of an answer; what a default consumer asks of eight partitions.
MOST_BYTES = 8 << 20


async def down_converted(replicas: ReplicaManager, reads: Reads, version: int) -> Reads:
    """The same reads for a client that fetches in this version, below 4."""
    magic = 1 if version >= FIRST_VERSION_WITH_FORMAT_1 else 0
    converted: Reads = {}
    for interest, read in reads.items():
        if read.error is None and read.partition is not None:
            if not read.partition.log.config.message_downconversion_enable:
                read = PartitionRead(
                    KafkaError(ErrorCode.UNSUPPORTED_VERSION, "message.downconversion.enable=false")
                )
            elif read.regions:
                first_offset = interest.asked.fetch_offset
                read = await trio.to_thread.run_sync(
                    _converted, read, magic, first_offset, limiter=replicas.down_converting
                )
        converted[interest] = read
    return converted


def _converted(read: PartitionRead, magic: int, first_offset: int) -> PartitionRead:
    try:
        data = b"".join(region.read() for region in read.regions)
        converted = message_set_of(data, magic, first_offset, len(data))
    except KafkaError as error:
        return PartitionRead(error)
    except OSError as error:
        return PartitionRead(KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, str(error)))
    return attrs.evolve(read, regions=(), converted=converted, size_bytes=len(converted))
