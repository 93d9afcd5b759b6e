"""Markers without a destination: as far as this broker knows, nobody leads their partition.

There are two reasons, and only one of them is a reason to give up:

    the metadata know the partition,    its leader will be named: wait for the metadata to change
    and no leader alive
    the metadata do not know it         deleted, or this broker has not been told of it yet

A broker is told of its own leaderships before it is told who leads all the other partitions: at the
beginning of a controller's term it has loaded its transactions, and knows of no partition at all.
Whoever takes those for deleted completes a transaction without markers; its records then belong to
whatever the producer does next. So a partition is given up on positive knowledge only: the
controller says that it is deleted (`Markers.partitions_deleted`), or, for what was deleted before
this broker listened, ZooKeeper has no such topic, or has it among those that are to be deleted. (A
deletion may have to wait for a broker that is away, and a transaction need not wait with it. Only a
controller with delete.topic.enable=false drops what is asked for, and does so within moments.)

Kafka gives up at once ("likely deleted already"), and has that hole.
"""

import math
from collections.abc import Awaitable, Callable, Collection
from typing import Final

import attrs

from broker.control.metadata_cache import MetadataCache
from broker.transactions.deliveries import Delivery, Undelivered
from broker.waiting import Movement, wait_until
from broker.wire.errors import KafkaError
from coordination.values import TopicPartition

# Between two questions about partitions that exist, and of which the controller has not told us.
ASK_AGAIN_S: Final = 5.0

# Which of these partitions are no more. KafkaError: nobody can say now.
AskForGone = Callable[[Collection[TopicPartition]], Awaitable[Collection[TopicPartition]]]


@attrs.define(eq=False)
class Homeless:
    """What waits for the metadata to name a leader."""

    metadata: MetadataCache
    ask_for_gone: AskForGone
    _undelivered: Undelivered = attrs.field(factory=dict, init=False)
    _added: Movement = attrs.field(factory=Movement, init=False)

    def leader_of(self, partition: TopicPartition) -> int | None:
        """Where its markers go; None if nobody alive leads it."""
        cluster = self.metadata.current
        state = cluster.partition(partition)
        if state is None or state.leader_and_isr.leader not in cluster.brokers:
            return None
        return state.leader_and_isr.leader

    def add(self, delivery: Delivery, partition: TopicPartition) -> None:
        self._undelivered.setdefault(delivery, set()).add(partition)
        self._added.happened()

    def forget(self, delivery: Delivery) -> None:
        self._undelivered.pop(delivery, None)

    async def with_a_home(self) -> Undelivered:
        """Wait until one of them has a leader; all of them, to be routed anew."""
        await wait_until(self._one_has_a_home, [self.metadata.changed], math.inf)
        found, self._undelivered = self._undelivered, {}
        return found

    async def gone(self) -> Collection[TopicPartition]:
        """Wait until ZooKeeper has been asked about those that the metadata do not know."""
        movements = [self.metadata.changed, self._added]
        await wait_until(lambda: bool(self._unknown()), movements, math.inf)
        try:
            return await self.ask_for_gone(self._unknown())
        except KafkaError:
            return ()

    def _one_has_a_home(self) -> bool:
        return any(self.leader_of(partition) is not None for partition in self._partitions())

    def _unknown(self) -> set[TopicPartition]:
        known = self.metadata.current.partition
        return {partition for partition in self._partitions() if known(partition) is None}

    def _partitions(self) -> set[TopicPartition]:
        return {
            partition
            for delivery, partitions in self._undelivered.items()
            for partition in delivery.left(partitions)
        }
