"""Which groups this broker coordinates: those of the `__consumer_offsets` partitions that it leads.

Who owns what, and since when, is `broker.coordinators.ownership`'s. Here is what a partition holds
besides its groups, and how a group is found, made and dropped.
"""

from collections.abc import Iterator

import attrs

from broker.coordinators.ownership import OwnedPartition, Ownership
from broker.groups.committed_offsets import EndedTransaction
from broker.groups.group import Group
from broker.groups.replay import Loaded
from broker.wire.errors import ErrorCode, KafkaError


@attrs.define(eq=False)
class GroupPartition(OwnedPartition[Group]):
    """One partition of `__consumer_offsets` that this broker leads; `entries` are its groups."""

    # By producer id: the groups with offsets in its open transaction, for the marker to find them.
    groups_in_transaction: dict[int, set[str]] = attrs.field(factory=dict)
    # Markers that came while the partition was being loaded, which its reading may have missed.
    _ended_meanwhile: list[EndedTransaction] = attrs.field(factory=list, init=False)

    def take(self, loaded: Loaded) -> None:
        """The partition is loaded."""
        self.entries, self.groups_in_transaction = loaded.groups, loaded.groups_in_transaction
        self.is_loaded = True
        for ended in self._ended_meanwhile:
            self.end_transaction(ended)
        self._ended_meanwhile.clear()

    def end_transaction(self, ended: EndedTransaction) -> None:
        """The marker is in the partition: the transaction's offsets count, or do not."""
        if not self.is_loaded:
            self._ended_meanwhile.append(ended)
            return
        for group_id in self.groups_in_transaction.pop(ended.producer_id, ()):
            group = self.entries.get(group_id)
            if group is None:
                continue
            group.offsets.end_transaction(ended)
            if group.offsets.has_open_transaction(ended.producer_id):
                self.in_transaction(ended.producer_id, group)

    def in_transaction(self, producer_id: int, group: Group) -> None:
        """The group has offsets in the producer's open transaction."""
        self.groups_in_transaction.setdefault(producer_id, set()).add(group.group_id)


@attrs.define(eq=False)
class GroupDirectory(Ownership[GroupPartition, Group]):
    """All groups of this broker, by partition."""

    _new_partition: type[GroupPartition] = attrs.field(default=GroupPartition, init=False)

    def find(self, group_id: str) -> Group | None:
        """The group, if it exists. Errors as `partition_of`."""
        return self.partition_of(group_id).entries.get(group_id)

    def find_or_create(self, group_id: str, now_ms: int) -> Group:
        """The group, new and Empty if it did not exist. Errors as `partition_of`."""
        groups = self.partition_of(group_id).entries
        if group_id not in groups:
            groups[group_id] = Group(group_id, state_since_ms=now_ms)
        return groups[group_id]

    def drop(self, group: Group) -> None:
        """The group has died. It is where it was loaded, whatever its name says by now."""
        for owned in self._owned.values():
            if owned.entries.get(group.group_id) is group:
                del owned.entries[group.group_id]
                return

    def groups(self) -> Iterator[Group]:
        """All loaded groups, as they are now."""
        return (group for _, group in self.entries())


def check_group_id(group_id: str) -> None:
    """INVALID_GROUP_ID for the empty id, which may store offsets but have no members."""
    if not group_id:
        raise KafkaError(ErrorCode.INVALID_GROUP_ID)
