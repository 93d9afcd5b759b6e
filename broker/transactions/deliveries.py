"""What is to be delivered: markers of prepared transactions, and who waits for which of them.

A delivery is one transaction's, to all its partitions. Wherever it waits, it is there at most once,
with the partitions that it waits there for; so there are no more than transactions that are being
ended. What the transaction has lost meanwhile, since the partition was deleted, is not sent.
"""

from collections.abc import Iterable
from itertools import islice
from typing import Final

import attrs
import trio

from broker.network.broker_link import Link
from broker.transactions.owned import TransactionPartition
from broker.transactions.transaction import Transaction
from broker.wire.messages.write_txn_markers import WritableTxnMarker, WritableTxnMarkerTopic
from coordination.values import TopicPartition

# Of one request, a marker for each partition: the receiver appends all of it at once, and others
# want to be served as well.
MAX_MARKERS: Final = 1_000


@attrs.define(eq=False)
class Delivery:
    """One prepared transaction. `over`: all its partitions are done, or it is not ours any more."""

    owned: TransactionPartition
    transaction: Transaction
    is_commit: bool
    cause: str | None  # the event by which it is being ended
    over: trio.Event = attrs.field(factory=trio.Event, init=False)
    # Whether the trace says already that a partition knows a newer coordinator, or producer.
    is_refused: bool = attrs.field(default=False, init=False)

    def left(self, partitions: Iterable[TopicPartition]) -> set[TopicPartition]:
        """Those of the partitions that need the marker still."""
        return set() if self.over.is_set() else self.transaction.partitions.intersection(partitions)

    def done(self, partition: TopicPartition) -> None:
        """The partition has its marker, or needs none."""
        self.transaction.partitions.discard(partition)
        if not self.transaction.partitions:
            self.over.set()

    def marker(self, partitions: Iterable[TopicPartition]) -> WritableTxnMarker:
        """As it is sent: with the epoch of our leadership as it is now."""
        topics: dict[str, WritableTxnMarkerTopic] = {}
        for partition in partitions:
            topic = topics.setdefault(partition.topic, WritableTxnMarkerTopic(name=partition.topic))
            topic.partition_indexes.append(partition.partition)
        return WritableTxnMarker(
            producer_id=self.transaction.producer_id,
            producer_epoch=self.transaction.producer_epoch,
            transaction_result=self.is_commit,
            topics=list(topics.values()),
            coordinator_epoch=self.owned.leader_epoch,
        )


Undelivered = dict[Delivery, set[TopicPartition]]


@attrs.define(eq=False)
class Destination:
    """A broker that markers are sent to. `is_failing`: the last request had no answer."""

    broker_id: int
    link: Link
    undelivered: Undelivered = attrs.field(factory=dict)
    is_failing: bool = False
    _bell: trio.Event = attrs.field(factory=trio.Event)

    def add(self, delivery: Delivery, partition: TopicPartition) -> None:
        self.undelivered.setdefault(delivery, set()).add(partition)
        self._bell.set()

    async def take(self) -> Undelivered:
        """Wait for deliveries; what one request takes of those that are not over meanwhile."""
        while not self.undelivered:
            self._bell = trio.Event()
            await self._bell.wait()
        taken: Undelivered = {}
        room = MAX_MARKERS
        while self.undelivered and room:
            delivery = next(iter(self.undelivered))
            left = delivery.left(self.undelivered.pop(delivery))
            now = set(islice(left, room))
            room -= len(now)
            if now:
                taken[delivery] = now
            if left - now:
                self.undelivered[delivery] = left - now
        return taken
