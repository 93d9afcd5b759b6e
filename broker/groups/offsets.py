"""OffsetCommit and OffsetFetch: storing how far a group has consumed, and telling it.

Who may commit: a member in the current generation; and, while the group has no members, anyone who
names neither member nor generation, which is how a client stores the offsets of partitions that it
assigned to itself. During the first half of a rebalance members still commit for the generation
they are about to leave. In the second half they have lost their partitions already, and are told to
join again.

A commit is answered when its record is replicated; until then nobody sees the new offset. Should
its connection break meanwhile, the commit goes on nevertheless: its record is in the log, and
memory must come to say the same.

Source: Kafka's GroupCoordinator (validateOffsetCommit, doCommitOffsets), GroupMetadataManager
(storeOffsets, getOffsets).
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import attrs
import trio

from broker.groups.committed_offsets import NO_OFFSET, CommittedOffset
from broker.groups.config import GroupConfig
from broker.groups.directory import GroupDirectory
from broker.groups.group import Group
from broker.groups.group_states import COMPLETING_REBALANCE, EMPTY
from broker.groups.member import NO_MEMBER_ID, Member
from broker.groups.rebalancing import Rebalancing
from broker.groups.storing import GroupStore
from broker.wire.errors import ErrorCode, KafkaError
from coordination.values import TopicPartition

NOTHING_COMMITTED: Final = CommittedOffset(NO_OFFSET)


@attrs.frozen
class CommitRequest:
    """An OffsetCommit. `generation` -1 and an empty member id: no member."""

    group_id: str
    generation: int
    member_id: str
    group_instance_id: str | None
    offsets: Mapping[TopicPartition, CommittedOffset]

    @property
    def names_no_member(self) -> bool:
        return (
            self.generation < 0
            and self.member_id == NO_MEMBER_ID
            and self.group_instance_id is None
        )


@attrs.frozen
class FetchedOffset:
    """What is known of one partition; offset -1 if nothing, or not now."""

    committed: CommittedOffset = NOTHING_COMMITTED
    error: ErrorCode = ErrorCode.NONE


def committing_member(group: Group, request: CommitRequest) -> Member:
    """The member that a commit names.

    FENCED_INSTANCE_ID, UNKNOWN_MEMBER_ID; ILLEGAL_GENERATION if it is not in the current one.
    """
    member = group.member_for(request.member_id, request.group_instance_id)
    if request.generation != group.generation:
        raise KafkaError(ErrorCode.ILLEGAL_GENERATION)
    return member


def without_long_metadata(
    offsets: Mapping[TopicPartition, CommittedOffset], config: GroupConfig
) -> dict[TopicPartition, CommittedOffset]:
    """The offsets whose notes are within offset.metadata.max.bytes; the others are refused."""
    longest = config.offset_metadata_max_bytes
    return {
        partition: committed
        for partition, committed in offsets.items()
        if len(committed.metadata) <= longest
    }


@attrs.frozen
class Offsets:
    """Handles OffsetCommit and OffsetFetch."""

    config: GroupConfig
    directory: GroupDirectory
    rebalancing: Rebalancing
    store: GroupStore
    clock_ms: Callable[[], int]

    async def commit(self, request: CommitRequest) -> dict[TopicPartition, ErrorCode]:
        """Store the offsets; an error for each partition, when all are replicated."""
        accepted = without_long_metadata(request.offsets, self.config)
        try:
            group = self._group(request)
        except KafkaError as error:
            return dict.fromkeys(request.offsets, error.code)
        error_code = await self._store(group, accepted) if accepted else ErrorCode.NONE
        return {
            partition: error_code if partition in accepted else ErrorCode.OFFSET_METADATA_TOO_LARGE
            for partition in request.offsets
        }

    def _group(self, request: CommitRequest) -> Group:
        """The group, if this commit is allowed now."""
        group = self.directory.find(request.group_id)
        if group is None:
            if request.generation >= 0:
                raise KafkaError(ErrorCode.ILLEGAL_GENERATION)
            return self.directory.find_or_create(request.group_id, self.clock_ms())
        if group.state is EMPTY and request.generation < 0:
            return group
        # A group with members is for members only, and an empty id is no member's.
        if request.names_no_member:
            raise KafkaError(ErrorCode.UNKNOWN_MEMBER_ID)
        member = committing_member(group, request)
        if group.state is COMPLETING_REBALANCE:
            raise KafkaError(ErrorCode.REBALANCE_IN_PROGRESS)
        self.rebalancing.keep_alive(group, member)
        return group

    async def _store(
        self, group: Group, offsets: Mapping[TopicPartition, CommittedOffset]
    ) -> ErrorCode:
        write = self.store.offsets(group.group_id, offsets)
        group.offsets.prepare(offsets)
        with trio.CancelScope(shield=True):  # ends within offsets.commit.timeout.ms
            error = await write.outcome()
        if error is ErrorCode.NONE:
            group.offsets.complete(offsets, write.base_offset)
        else:
            group.offsets.abandon(offsets)
        return error

    def fetch(
        self,
        group_id: str,
        partitions: Iterable[TopicPartition] | None,
        *,
        require_stable: bool,
    ) -> dict[TopicPartition, FetchedOffset]:
        """What is committed, of some partitions or (None) of all that the group has committed.

        `require_stable`: UNSTABLE_OFFSET_COMMIT for a partition with a commit on its way.
        KafkaError: the group is not one of ours, or not now.
        """
        group = self.directory.find(group_id)
        if group is None:
            return {partition: FetchedOffset() for partition in partitions or ()}
        return {
            partition: self._fetch(group, partition, require_stable)
            for partition in (group.offsets.partitions if partitions is None else partitions)
        }

    def _fetch(
        self, group: Group, partition: TopicPartition, require_stable: bool
    ) -> FetchedOffset:
        if require_stable and group.offsets.is_unstable(partition):
            return FetchedOffset(error=ErrorCode.UNSTABLE_OFFSET_COMMIT)
        return FetchedOffset(group.offsets.get(partition) or NOTHING_COMMITTED)
