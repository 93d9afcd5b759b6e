"""Which groups this broker coordinates: those of the `__consumer_offsets` partitions that it leads.

A partition is not owned, owned and being loaded, or owned and loaded. Groups live inside their
partition, so losing it loses them all at once; and a partition that is owned again later is another
object, by which whoever awaited meanwhile can tell.

Elections are ordered by the partition's leader epoch: news of an older one is no news.

Source: `ownedPartitions`, `loadingPartitions` and `epochForPartitionId` of Kafka's
GroupMetadataManager.
"""

from collections.abc import Iterator

import attrs

from broker.coordinators.log import partition_for
from broker.groups.group import Group
from broker.groups.offsets_log import OffsetsLog
from broker.groups.replay import Loaded
from broker.wire.errors import ErrorCode, KafkaError


@attrs.define(eq=False)
class OwnedPartition:
    """One partition of `__consumer_offsets` that this broker leads."""

    partition: int
    is_loaded: bool = False
    groups: dict[str, Group] = attrs.field(factory=dict)
    # By producer id: the groups with offsets in its open transaction, for the marker to find them.
    groups_in_transaction: dict[int, set[str]] = attrs.field(factory=dict)
    # Markers that came while the partition was being loaded, which its reading may have missed:
    # whose, and whether it commits.
    _ended_meanwhile: list[tuple[int, bool]] = attrs.field(factory=list, init=False)

    def take(self, loaded: Loaded) -> None:
        """The partition is loaded."""
        self.groups, self.groups_in_transaction = loaded.groups, loaded.groups_in_transaction
        self.is_loaded = True
        for producer_id, is_commit in self._ended_meanwhile:
            self.end_transaction(producer_id, is_commit=is_commit)
        self._ended_meanwhile.clear()

    def end_transaction(self, producer_id: int, *, is_commit: bool) -> None:
        """The producer's marker is in the partition: its transaction's offsets count, or do not."""
        if not self.is_loaded:
            self._ended_meanwhile.append((producer_id, is_commit))
            return
        for group_id in self.groups_in_transaction.pop(producer_id, ()):
            group = self.groups.get(group_id)
            if group is not None:
                group.offsets.end_transaction(producer_id, is_commit=is_commit)


@attrs.define(eq=False)
class GroupDirectory:
    """All groups of this broker, by partition."""

    _log: OffsetsLog
    _owned: dict[int, OwnedPartition] = attrs.field(factory=dict, init=False)
    _epochs: dict[int, int] = attrs.field(factory=dict, init=False)

    def own(self, partition: int, leader_epoch: int) -> OwnedPartition | None:
        """This broker was elected. The partition to load; None if there is nothing to do."""
        if not self._is_news(partition, leader_epoch) or partition in self._owned:
            return None
        self._owned[partition] = owned = OwnedPartition(partition)
        return owned

    def disown(self, partition: int, leader_epoch: int | None) -> OwnedPartition | None:
        """This broker leads no more, or (no epoch) holds no replica; what it owned until now."""
        if leader_epoch is not None and not self._is_news(partition, leader_epoch):
            return None
        return self._owned.pop(partition, None)

    def _is_news(self, partition: int, leader_epoch: int) -> bool:
        if leader_epoch < self._epochs.get(partition, -1):
            return False
        self._epochs[partition] = leader_epoch
        return True

    def still_owns(self, owned: OwnedPartition) -> bool:
        """To be asked after each await."""
        return self._owned.get(owned.partition) is owned

    def owned(self, partition: int) -> OwnedPartition | None:
        """The partition, loaded or not; None if this broker does not lead it."""
        return self._owned.get(partition)

    @property
    def is_loading(self) -> bool:
        return any(not owned.is_loaded for owned in self._owned.values())

    def partition_of(self, group_id: str) -> OwnedPartition:
        """The loaded partition of a group; COORDINATOR_LOAD_IN_PROGRESS, NOT_COORDINATOR."""
        owned = self._owned.get(partition_for(group_id, self._log.partition_count))
        if owned is None:
            raise KafkaError(ErrorCode.NOT_COORDINATOR)
        if not owned.is_loaded:
            raise KafkaError(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
        return owned

    def find(self, group_id: str) -> Group | None:
        """The group, if it exists. Errors as `partition_of`."""
        return self.partition_of(group_id).groups.get(group_id)

    def find_or_create(self, group_id: str, now_ms: int) -> Group:
        """The group, new and Empty if it did not exist. Errors as `partition_of`."""
        groups = self.partition_of(group_id).groups
        if group_id not in groups:
            groups[group_id] = Group(group_id, state_since_ms=now_ms)
        return groups[group_id]

    def drop(self, group: Group) -> None:
        """The group has died."""
        del self.partition_of(group.group_id).groups[group.group_id]

    def groups(self) -> Iterator[Group]:
        """All loaded groups, as they are now."""
        for owned in list(self._owned.values()):
            yield from list(owned.groups.values())


def check_group_id(group_id: str) -> None:
    """INVALID_GROUP_ID for the empty id, which may store offsets but have no members."""
    if not group_id:
        raise KafkaError(ErrorCode.INVALID_GROUP_ID)
