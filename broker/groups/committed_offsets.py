"""How far a group has consumed: the offsets it committed, and those on their way.

A commit goes through two places. While its record is being replicated it is *pending*; when the
record is committed to the log, it becomes *committed*, which is all that OffsetFetch shows. A
fetch that asks for stable offsets is told to come back while anything of its partition is pending.

Offsets committed in a transaction are kept apart, by producer id, until the transaction's marker
says whether they count (KIP-98, KIP-447). They are so from the moment that their record is in the
log, whatever its replication comes to: the marker behind it decides about what the log has. (In
Kafka one whose replication failed is forgotten, and comes back when the log is loaded.)

Of two commits of one partition the later *record* wins, not the one whose replication was noticed
last: each offset carries the log offset of its record. That is also the order in which compaction
of the offsets topic decides, so memory and log never disagree.

Source: `offsets`, `pendingOffsetCommits` and `pendingTransactionalOffsetCommits` of Kafka's
GroupMetadata; KIP-211 for `expired`.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final

import attrs

from coordination.values import TopicPartition

NO_OFFSET: Final = -1
NO_LEADER_EPOCH: Final = -1


@attrs.frozen
class CommittedOffset:
    """What a group committed of one partition.

    `metadata` is whatever the client likes to note. `expire_timestamp_ms` is only there if the
    client gave a retention time, which OffsetCommit 2-4 allow.
    """

    offset: int
    leader_epoch: int = NO_LEADER_EPOCH
    metadata: str = ""
    commit_timestamp_ms: int = -1
    expire_timestamp_ms: int | None = None


@attrs.frozen
class EndedTransaction:
    """A producer's transaction, whose marker is at `marker_offset` in the group's partition."""

    producer_id: int
    marker_offset: int
    is_commit: bool


@attrs.frozen
class _Recorded:
    committed: CommittedOffset
    record_offset: int


@attrs.define(eq=False)
class GroupOffsets:
    """All offsets of one group."""

    _committed: dict[TopicPartition, _Recorded] = attrs.field(factory=dict)
    # Several commits of a partition may be on their way; each ends for itself.
    _pending: dict[TopicPartition, list[CommittedOffset]] = attrs.field(factory=dict)
    _in_transaction: dict[int, dict[TopicPartition, _Recorded]] = attrs.field(factory=dict)

    def __len__(self) -> int:
        return len(self._committed)

    @property
    def is_empty(self) -> bool:
        """Nothing committed and nothing on its way."""
        return not (self._committed or self._pending or self._in_transaction)

    @property
    def partitions(self) -> list[TopicPartition]:
        return list(self._committed)

    def get(self, partition: TopicPartition) -> CommittedOffset | None:
        recorded = self._committed.get(partition)
        return recorded.committed if recorded else None

    def is_unstable(self, partition: TopicPartition) -> bool:
        """Whether a commit of the partition is still on its way."""
        return partition in self._pending or any(
            partition in offsets for offsets in self._in_transaction.values()
        )

    def has_open_transaction(self, producer_id: int) -> bool:
        return producer_id in self._in_transaction

    def prepare(self, offsets: Mapping[TopicPartition, CommittedOffset]) -> None:
        """Their records are in the log and being replicated."""
        for partition, committed in offsets.items():
            self._pending.setdefault(partition, []).append(committed)

    def complete(
        self, offsets: Mapping[TopicPartition, CommittedOffset], record_offset: int
    ) -> None:
        """The batch at `record_offset` with these offsets is committed to the log."""
        for partition, committed in offsets.items():
            # Not pending any more: the topic was deleted meanwhile, so nobody wants it.
            if self._end_pending(partition, committed):
                self.load(partition, committed, record_offset)

    def abandon(self, offsets: Mapping[TopicPartition, CommittedOffset]) -> None:
        """The batch with these offsets could not be committed to the log."""
        for partition, committed in offsets.items():
            self._end_pending(partition, committed)

    def _end_pending(self, partition: TopicPartition, committed: CommittedOffset) -> bool:
        pending = self._pending.get(partition, [])
        if committed not in pending:
            return False
        pending.remove(committed)
        if not pending:
            del self._pending[partition]
        return True

    def load(self, partition: TopicPartition, committed: CommittedOffset, at_offset: int) -> None:
        """A committed record at `at_offset` says this, unless a later one is known."""
        known = self._committed.get(partition)
        if known is None or known.record_offset <= at_offset:
            self._committed[partition] = _Recorded(committed, at_offset)

    def prepare_in_transaction(
        self,
        producer_id: int,
        offsets: Mapping[TopicPartition, CommittedOffset],
        record_offset: int,
    ) -> None:
        """The batch at `record_offset` has them; its transaction's marker will decide."""
        prepared = self._in_transaction.setdefault(producer_id, {})
        for partition, committed in offsets.items():
            prepared[partition] = _Recorded(committed, record_offset)

    def end_transaction(self, ended: EndedTransaction) -> None:
        """What was recorded before the marker counts now, or never will.

        What was recorded behind it is the producer's next transaction's.
        """
        rest = {}
        for partition, recorded in self._in_transaction.pop(ended.producer_id, {}).items():
            if recorded.record_offset > ended.marker_offset:
                rest[partition] = recorded
            elif ended.is_commit:
                self.load(partition, recorded.committed, recorded.record_offset)
        if rest:
            self._in_transaction[ended.producer_id] = rest

    def remove(self, partitions: Iterable[TopicPartition]) -> list[TopicPartition]:
        """Forget everything of the partitions; returns those that have a record in the log.

        So has one that is pending: without a tombstone behind it, it would be back when the log is
        loaded (as it is in Kafka).
        """
        removed = []
        for partition in partitions:
            found = [self._pending.pop(partition, None), self._committed.pop(partition, None)]
            found += [offsets.pop(partition, None) for offsets in self._in_transaction.values()]
            if any(found):
                removed.append(partition)
        self._in_transaction = {pid: rest for pid, rest in self._in_transaction.items() if rest}
        return removed

    def remove_all(self) -> list[TopicPartition]:
        """As `remove`, of all that is known."""
        known = dict.fromkeys([*self._committed, *self._pending])
        for offsets in self._in_transaction.values():
            known |= dict.fromkeys(offsets)
        return self.remove(known)

    def remove_committed(self, partitions: Iterable[TopicPartition]) -> list[TopicPartition]:
        """Forget what is committed, not what is on its way; returns those that had an offset."""
        return [each for each in partitions if self._committed.pop(each, None) is not None]

    def expired(
        self,
        now_ms: int,
        retention_ms: int,
        retained_since_ms: Callable[[CommittedOffset], int],
        in_use: Collection[str] = (),
    ) -> list[TopicPartition]:
        """The partitions whose offset has outlived its retention.

        `retained_since_ms` says from when it counts for one offset; topics `in_use` are kept. An
        offset that brought its own expiry time goes by that alone. One that may be replaced by
        another on its way stays: its tombstone would be a later record than that one's.
        """

        def is_over(committed: CommittedOffset) -> bool:
            if committed.expire_timestamp_ms is not None:
                return now_ms >= committed.expire_timestamp_ms
            return now_ms - retained_since_ms(committed) >= retention_ms

        return [
            partition
            for partition, recorded in self._committed.items()
            if partition.topic not in in_use
            and not self.is_unstable(partition)
            and is_over(recorded.committed)
        ]
