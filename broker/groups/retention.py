"""The end of offsets and groups: by age, by deletion of a topic, by an administrator.

An administrator may delete groups without members (KIP-229), and single offsets of groups that do
not consume the topic any more (KIP-496).

Offsets are kept for `offsets.retention.minutes` after the last moment that someone may have needed
them (KIP-211):

    a group without members         since it has been without
    a group of consumers, Stable    the offsets of topics that none of them subscribes to: since
                                    they were committed
    one that only stores offsets    since they were committed
    any other                       for ever

Offsets that brought their own expiry time (OffsetCommit 2-4) go by that, in the same groups. A
group without members and offsets is gone. What goes is removed from memory, and a tombstone for
each key is appended, by which compaction removes it from the log.

What goes by itself goes at once, of all groups: between two of them nobody can commit an offset of
a topic made anew. Who waits for the tombstones' replication are tasks in the background.

Source: Kafka's removeExpiredOffsets, cleanupGroupMetadata, handleDeleteGroups, handleDeleteOffsets.
"""

from collections.abc import Callable, Collection, Iterable
from typing import Final

import attrs
import trio

from broker.coordinators.background import Background
from broker.groups.committed_offsets import CommittedOffset
from broker.groups.config import GroupConfig
from broker.groups.directory import GroupDirectory, check_group_id
from broker.groups.group import Group
from broker.groups.group_states import EMPTY, STABLE
from broker.groups.offset_records import group_tombstone, offset_tombstone
from broker.groups.rebalancing import Rebalancing
from broker.groups.storing import GroupStore, Write
from broker.groups.subscription import CONSUMER
from broker.wire.errors import ErrorCode, KafkaError
from coordination.values import Recorder, TopicPartition

_MINUTE_MS: Final = 60_000


def expired_offsets(group: Group, now_ms: int, retention_ms: int) -> list[TopicPartition]:
    """The partitions whose offset the group has kept long enough."""

    def since_commit(committed: CommittedOffset) -> int:
        return committed.commit_timestamp_ms

    def since_empty(committed: CommittedOffset) -> int:
        since_ms = group.state_since_ms
        return committed.commit_timestamp_ms if since_ms is None else since_ms

    if group.protocol_type is None:
        return group.offsets.expired(now_ms, retention_ms, since_commit)
    if group.state is EMPTY:
        return group.offsets.expired(now_ms, retention_ms, since_empty)
    topics = group.subscribed_topics
    if group.state is STABLE and group.protocol_type == CONSUMER and topics is not None:
        return group.offsets.expired(now_ms, retention_ms, since_commit, in_use=topics)
    return []


@attrs.frozen
class Retention:
    """Removes offsets and groups."""

    config: GroupConfig
    directory: GroupDirectory
    rebalancing: Rebalancing
    store: GroupStore
    background: Background
    recorder: Recorder
    clock_ms: Callable[[], int]

    async def run(self) -> None:
        """Look for expired offsets every offsets.retention.check.interval.ms, until cancelled."""
        while True:
            await trio.sleep(self.config.offsets_retention_check_interval_ms / 1000)
            self.expire()

    def expire(self) -> None:
        """Remove what has expired by now."""
        now_ms = self.clock_ms()
        retention_ms = self.config.offsets_retention_minutes * _MINUTE_MS

        def expire(group: Group) -> list[TopicPartition]:
            return group.offsets.remove_committed(expired_offsets(group, now_ms, retention_ms))

        self._remove(expire)

    def topics_deleted(self, partitions: Collection[TopicPartition]) -> None:
        """These partitions are no more: no group has offsets of them."""
        self._remove(lambda group: group.offsets.remove(partitions))

    async def delete_offsets(
        self, group_id: str, partitions: Collection[TopicPartition]
    ) -> dict[TopicPartition, ErrorCode]:
        """Delete the offsets of partitions that the group does not consume; an error for each.

        KafkaError: INVALID_GROUP_ID, GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP if its members are no
        consumers; the group is not one of ours, or not now.
        """
        check_group_id(group_id)
        group = self.directory.find(group_id)
        if group is None:
            raise KafkaError(ErrorCode.GROUP_ID_NOT_FOUND)
        errors = dict.fromkeys(partitions, ErrorCode.NONE)
        if group.state is not EMPTY:
            if group.protocol_type != CONSUMER:
                raise KafkaError(ErrorCode.NON_EMPTY_GROUP)
            consumed = [partition for partition in errors if group.consumes(partition.topic)]
            errors |= dict.fromkeys(consumed, ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC)
        unused = [partition for partition, error in errors.items() if error is ErrorCode.NONE]
        write = self._removed(group, group.offsets.remove(unused)) if unused else None
        if write is not None:
            errors |= dict.fromkeys(unused, await write.outcome())
        return errors

    async def delete_groups(self, group_ids: Iterable[str]) -> dict[str, ErrorCode]:
        """Delete groups that have no members, with all their offsets; an error for each.

        NON_EMPTY_GROUP, GROUP_ID_NOT_FOUND, or the group is not one of ours, or not now.
        """
        results: dict[str, ErrorCode] = {}
        for group_id in dict.fromkeys(group_ids):
            try:
                group = self.directory.find(group_id)
            except KafkaError as error:
                results[group_id] = error.code
                continue
            if group is None:
                results[group_id] = ErrorCode.GROUP_ID_NOT_FOUND
            elif group.state is not EMPTY:
                results[group_id] = ErrorCode.NON_EMPTY_GROUP
            else:
                write = self._removed(group, group.offsets.remove_all(), is_deleted=True)
                results[group_id] = await write.outcome() if write else ErrorCode.NONE
        return results

    def _remove(self, remove: Callable[[Group], list[TopicPartition]]) -> None:
        for group in self.directory.groups():
            write = self._removed(group, remove(group))
            if write is not None:
                self.background.start(self._see_through, group, write)

    async def _see_through(self, group: Group, write: Write) -> None:
        error = await write.outcome()
        if error is not ErrorCode.NONE:
            # Whoever loads the partition next finds the offsets again, and expires them again.
            self.recorder(
                "group.write_failed", cause=group.cause, group=group.group_id, error=error.name
            )

    def _removed(
        self, group: Group, removed: list[TopicPartition], *, is_deleted: bool = False
    ) -> Write | None:
        """Offsets were removed: and the group, if it is deleted or nothing is left of it.

        None if there is nothing to be stored of that. Offsets that are still on their way, or in a
        transaction, keep a group; one that is deleted takes them along.
        """
        now_ms = self.clock_ms()
        records = [offset_tombstone(group.group_id, partition, now_ms) for partition in removed]
        if removed:
            group.cause = self.recorder(
                "group.offsets_removed",
                cause=group.cause,
                group=group.group_id,
                partitions=[str(partition) for partition in removed],
            )
        if is_deleted or (group.state is EMPTY and group.offsets.is_empty):
            self.rebalancing.bury(group)
            self.directory.drop(group)
            self.recorder("group.removed", cause=group.cause, group=group.group_id)
            # Without a generation it never was in the log.
            if group.generation > 0:
                records.append(group_tombstone(group.group_id, now_ms))
        return self.store.tombstones(group.group_id, records) if records else None
