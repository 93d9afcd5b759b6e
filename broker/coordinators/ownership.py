"""What this broker coordinates: all that belongs to the partitions of the topic that it leads.

A partition is not owned, owned and being loaded, or owned and loaded. What is coordinated lives
inside its partition, so losing that loses it all at once; and a partition that is owned again later
is another object, by which whoever awaited meanwhile can tell.

Elections are ordered by the partition's leader epoch: news of an older one is no news. A newer one
of a partition that is owned is the same leadership going on: this broker has led all the time, as
far as it has heard, or is elected again before it has heard that it was not; nothing in its log has
changed, and what it has read of it holds. But the epoch is the newer one from then on, for whoever
came in between may have used his. A partition that was deleted begins at epoch 0 when it is made
again, so all that is known of it is forgotten.

Source: `transactionMetadataCache` and `loadingPartitions` of Kafka's TransactionStateManager;
`ownedPartitions`, `loadingPartitions` and `epochForPartitionId` of its GroupMetadataManager.
"""

from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

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


P = TypeVar("P", bound=OwnedPartition[Any])


@attrs.define(eq=False)
class Ownership(Generic[P, T]):
    """All partitions that this broker owns, each a `P` with entries `T`."""

    _log: CoordinatorLog
    _new_partition: Callable[[int, int], P]  # of its number and the leader epoch
    _owned: dict[int, P] = attrs.field(factory=dict, init=False)
    _epochs: dict[int, int] = attrs.field(factory=dict, init=False)

    def own(self, partition: int, leader_epoch: int) -> P | None:
        """This broker was elected. The partition to load; None if that is done, or being done."""
        if not self._is_news(partition, leader_epoch):
            return None
        owned = self._owned.get(partition)
        if owned is not None:
            owned.leader_epoch = leader_epoch
            return None
        self._owned[partition] = owned = self._new_partition(partition, leader_epoch)
        return owned

    def disown(self, partition: int, leader_epoch: int | None) -> P | None:
        """This broker leads no more, or (no epoch) the partition is deleted; what it owned."""
        if leader_epoch is None:
            self._epochs.pop(partition, None)
        elif not self._is_news(partition, leader_epoch):
            return None
        return self._owned.pop(partition, None)

    def _is_news(self, partition: int, leader_epoch: int) -> bool:
        if leader_epoch < self._epochs.get(partition, -1):
            return False
        self._epochs[partition] = leader_epoch
        return True

    def still_owns(self, owned: P) -> bool:
        """To be asked after each await."""
        return self._owned.get(owned.partition) is owned

    def owned(self, partition: int) -> P | None:
        """The partition, loaded or not; None if this broker does not lead it."""
        return self._owned.get(partition)

    @property
    def is_loading(self) -> bool:
        return any(not owned.is_loaded for owned in self._owned.values())

    def partition_of(self, name: str) -> P:
        """The loaded partition of a name; COORDINATOR_LOAD_IN_PROGRESS, NOT_COORDINATOR."""
        owned = self._owned.get(partition_for(name, self._log.partition_count))
        if owned is None:
            raise KafkaError(ErrorCode.NOT_COORDINATOR)
        if not owned.is_loaded:
            raise KafkaError(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
        return owned

    def entries(self) -> Iterator[tuple[P, T]]:
        """All that is loaded, as it is now."""
        for owned in list(self._owned.values()):
            for entry in list(owned.entries.values()):
                yield owned, entry
