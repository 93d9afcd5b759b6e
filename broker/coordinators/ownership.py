"""What this broker coordinates: all that belongs to the partitions of the topic that it leads.

A partition is not owned, owned and being loaded, or owned and loaded. What is coordinated lives
inside its partition, so losing that loses it all at once; and a partition that is owned again later
is another object, by which whoever awaited meanwhile can tell.

Elections are ordered by the partition's leader epoch: news of an older one is no news. The same one
again is: what was broken off is begun anew, and what was done is left alone.

Source: `transactionMetadataCache` and `loadingPartitions` of Kafka's TransactionStateManager.
"""

from collections.abc import Iterator
from typing import Generic, TypeVar

import attrs

from broker.coordinators.log import CoordinatorLog, partition_for
from broker.wire.errors import ErrorCode, KafkaError

T = TypeVar("T")


@attrs.define(eq=False)
class OwnedPartition(Generic[T]):
    """One partition of the topic that this broker leads, and what belongs to it, by name."""

    partition: int
    leader_epoch: int
    is_loaded: bool = False
    entries: dict[str, T] = attrs.field(factory=dict)


@attrs.define(eq=False)
class Ownership(Generic[T]):
    """All partitions that this broker owns."""

    _log: CoordinatorLog
    _owned: dict[int, OwnedPartition[T]] = attrs.field(factory=dict, init=False)
    _epochs: dict[int, int] = attrs.field(factory=dict, init=False)

    def own(self, partition: int, leader_epoch: int) -> OwnedPartition[T] | None:
        """This broker was elected. The partition to load; None if there is nothing to do."""
        if not self._is_news(partition, leader_epoch) or partition in self._owned:
            return None
        self._owned[partition] = owned = OwnedPartition[T](partition, leader_epoch)
        return owned

    def disown(self, partition: int, leader_epoch: int | None) -> OwnedPartition[T] | None:
        """This broker leads no more, or (no epoch) holds no replica; what it owned until now."""
        if leader_epoch is not None and not self._is_news(partition, leader_epoch):
            return None
        return self._owned.pop(partition, None)

    def _is_news(self, partition: int, leader_epoch: int) -> bool:
        if leader_epoch < self._epochs.get(partition, -1):
            return False
        self._epochs[partition] = leader_epoch
        return True

    def still_owns(self, owned: OwnedPartition[T]) -> bool:
        """To be asked after each await."""
        return self._owned.get(owned.partition) is owned

    @property
    def is_loading(self) -> bool:
        return any(not owned.is_loaded for owned in self._owned.values())

    def partition_of(self, name: str) -> OwnedPartition[T]:
        """The loaded partition of a name; COORDINATOR_LOAD_IN_PROGRESS, NOT_COORDINATOR."""
        owned = self._owned.get(partition_for(name, self._log.partition_count))
        if owned is None:
            raise KafkaError(ErrorCode.NOT_COORDINATOR)
        if not owned.is_loaded:
            raise KafkaError(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
        return owned

    def entries(self) -> Iterator[tuple[OwnedPartition[T], T]]:
        """All that is loaded, as it is now."""
        for owned in list(self._owned.values()):
            for entry in list(owned.entries.values()):
                yield owned, entry
