"""What a coordinator needs of the topic that is its memory.

Each group and each transactional id belongs to one partition of the topic, by its name alone.
Whoever leads the partition coordinates it; all he knows is in that partition's log, so that the
next leader can know it too.

Appending has two halves, so that nothing comes between a decision and its record: `append` puts the
records into the local log at once, `until_committed` waits until they are replicated.

Source: Kafka's `partitionFor` and `appendForGroup` in GroupMetadataManager, `partitionFor` and
`appendTransactionToLog` in TransactionStateManager.
"""

from collections.abc import AsyncGenerator, Sequence
from typing import Final, Protocol

from broker.wire.errors import ErrorCode
from broker.wire.record_batch import RecordBatch
from broker.wire.records import Record

# What a client is told when the log refuses: come back later, or look for the coordinator again. Of
# replicas and leaders, of which the log speaks, a client of the coordinator knows nothing.
CLIENT_ERRORS: Final = {
    ErrorCode.UNKNOWN_TOPIC_OR_PARTITION: ErrorCode.COORDINATOR_NOT_AVAILABLE,
    ErrorCode.NOT_ENOUGH_REPLICAS: ErrorCode.COORDINATOR_NOT_AVAILABLE,
    ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND: ErrorCode.COORDINATOR_NOT_AVAILABLE,
    ErrorCode.NOT_LEADER_OR_FOLLOWER: ErrorCode.NOT_COORDINATOR,
    ErrorCode.KAFKA_STORAGE_ERROR: ErrorCode.NOT_COORDINATOR,
}


class Append(Protocol):
    """One batch that was appended to a partition."""

    @property
    def base_offset(self) -> int: ...


class CoordinatorLog(Protocol):
    """The partitions of one coordinator's topic that this broker leads."""

    @property
    def partition_count(self) -> int:
        """Partitions of the topic: what everybody in the cluster divides by."""
        ...

    @property
    def timeout_ms(self) -> int:
        """For how long it is usually waited until a record is replicated."""
        ...

    async def until_counted(self) -> None:
        """Wait until `partition_count` is that of the topic that is there."""
        ...

    def append(self, partition: int, records: Sequence[Record]) -> Append:
        """Append one batch as the leader, for acks=all, without waiting.

        KafkaError: not the leader, too few replicas in sync, too large, a storage error.
        """
        ...

    async def until_committed(self, append: Append, timeout_ms: int | None = None) -> None:
        """Wait until the high watermark has passed the batch; as long as is usual, if not said.

        KafkaError: not the leader any more, REQUEST_TIMED_OUT, too few replicas in sync.
        """
        ...

    async def until_kept(self, partition: int, end_offset: int) -> None:
        """Wait until the log up to there outlives this broker: all who may be elected have it.

        Not for the high watermark, which stands still under min.insync.replicas: then, too, those
        few are the only ones who may be elected. KafkaError: not the leader any more.
        """
        ...

    def read(self, partition: int) -> AsyncGenerator[RecordBatch, None]:
        """All batches of a partition's local log, from its start to its end when it was called.

        A batch is good until the next is asked for; no more than the topic's load buffer, or one
        batch, is in memory at a time. Who stops early closes it. KafkaError: not the leader any
        more, a corrupt log.
        """
        ...


def partition_for(key: str, partition_count: int) -> int:
    """The partition that a group or a transactional id belongs to."""
    value = abs(java_hash_code(key))
    # In Java the smallest int has no absolute value; Kafka's `Utils.abs` makes it 0.
    return 0 if value == 1 << 31 else value % partition_count


def java_hash_code(text: str) -> int:
    """`String.hashCode`: a signed 32-bit number, over the UTF-16 units of the text."""
    value = 0
    units = text.encode("utf-16-be", "surrogatepass")
    for unit in zip(units[::2], units[1::2], strict=True):
        value = (31 * value + (unit[0] << 8) + unit[1]) & 0xFFFFFFFF
    return value - (1 << 32) if value >= 1 << 31 else value
