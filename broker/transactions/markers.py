"""Sending the outcome of transactions to the leaders of their partitions: WriteTxnMarkers.

A transaction that is prepared is decided, and nothing may stop it any more: each of its partitions
gets a marker, a control record that says commit or abort. Until then readers of committed records
wait there.

    deliver ─▶ route ─┬─▶ Destination 1 ─ one task: all that waits, in one request ─▶ broker 1
        ▲             ├─▶ Destination 2 ─                                          ─▶ broker 2
        │             └─▶ homeless: the partition has no leader alive; until the metadata change
        │                                                                 │
        └──── all partitions have it ◀── answers ◀── retriable: route again, after a pause

What waits for a destination is a table by transaction, not a queue: one transaction is there at
most once, with its partitions, so there are no more than transactions that are being ended.

A partition that the metadata do not know was deleted, and needs no marker. One that refuses because
it knows a newer coordinator (or a newer producer) ends the delivery: the newer one goes on with it.

Source: Kafka's TransactionMarkerChannelManager and TransactionMarkerRequestCompletionHandler.
"""

import math
from collections.abc import Collection, Iterable
from typing import Final

import attrs
import trio

from broker.control.metadata_cache import MetadataCache
from broker.coordinators.background import Background
from broker.network.broker_link import Link, Links
from broker.network.peers import PeerUnavailable
from broker.transactions.owned import TransactionPartition, Transactions
from broker.transactions.transaction import Transaction
from broker.transactions.transaction_states import PREPARE_COMMIT
from broker.waiting import wait_until
from broker.wire.apis import ApiKey
from broker.wire.errors import ErrorCode
from broker.wire.messages.write_txn_markers import (
    WritableTxnMarker,
    WritableTxnMarkerTopic,
    WriteTxnMarkersRequest,
    WriteTxnMarkersResponse,
)
from coordination.values import Recorder, TopicPartition

WRITE_TXN_MARKERS_VERSION: Final = 1
RETRY_BACKOFF_S: Final = 0.1
# Of one request: the receiver appends all of it at once, and others want to be served as well.
MAX_TRANSACTIONS: Final = 1_000

# A log format without transactions: nothing was written there in one.
_NOTHING_TO_END: Final = (ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT, ErrorCode.UNSUPPORTED_VERSION)
_SUPERSEDED: Final = (ErrorCode.INVALID_PRODUCER_EPOCH, ErrorCode.TRANSACTION_COORDINATOR_FENCED)


@attrs.frozen(eq=False)
class Delivery:
    """One prepared transaction. `over`: all its partitions are done, or it is not ours any more."""

    owned: TransactionPartition
    transaction: Transaction
    is_commit: bool
    over: trio.Event = attrs.field(factory=trio.Event, init=False)

    def marker(self, partitions: Iterable[TopicPartition]) -> WritableTxnMarker:
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


Waiting = dict[Delivery, set[TopicPartition]]


@attrs.define(eq=False)
class Destination:
    """A broker that markers are sent to. `is_failing`: the last request had no answer."""

    broker_id: int
    link: Link
    waiting: Waiting = attrs.field(factory=dict)
    is_failing: bool = False
    _bell: trio.Event = attrs.field(factory=trio.Event)

    def add(self, delivery: Delivery, partitions: Collection[TopicPartition]) -> None:
        self.waiting.setdefault(delivery, set()).update(partitions)
        self._bell.set()

    async def take(self) -> Waiting:
        """Wait for deliveries; those that are not over meanwhile."""
        while not self.waiting:
            self._bell = trio.Event()
            await self._bell.wait()
        taken: Waiting = {}
        while self.waiting and len(taken) < MAX_TRANSACTIONS:
            delivery = next(iter(self.waiting))
            partitions = self.waiting.pop(delivery)
            if not delivery.over.is_set():
                taken[delivery] = partitions
        return taken


@attrs.define(eq=False)
class Markers:
    """Delivers the markers of all transactions of this coordinator."""

    ownership: Transactions
    metadata: MetadataCache
    links: Links
    timeout_s: float
    background: Background
    recorder: Recorder
    _deliveries: set[Delivery] = attrs.field(factory=set, init=False)
    _destinations: dict[int, Destination] = attrs.field(factory=dict, init=False)
    _homeless: Waiting = attrs.field(factory=dict, init=False)

    async def deliver(self, owned: TransactionPartition, transaction: Transaction) -> bool:
        """Until each partition of a prepared transaction has its marker; False if it isn't ours.

        A partition that has it leaves `transaction.partitions`.
        """
        delivery = Delivery(owned, transaction, transaction.state is PREPARE_COMMIT)
        self._deliveries.add(delivery)
        try:
            self._route(delivery, set(transaction.partitions))
            await delivery.over.wait()
        finally:
            self._deliveries.discard(delivery)
            self._homeless.pop(delivery, None)
        return not transaction.partitions and self.ownership.still_owns(owned)

    def give_up(self, owned: TransactionPartition) -> None:
        """The partition is led by another broker now, who delivers them."""
        for delivery in list(self._deliveries):
            if delivery.owned is owned:
                delivery.over.set()

    async def follow_metadata(self) -> None:
        """Find a destination for whom there was none, whenever the metadata change."""
        while True:
            await wait_until(self._one_has_a_home, [self.metadata.changed], math.inf)
            homeless, self._homeless = self._homeless, {}
            for delivery, partitions in homeless.items():
                self._route(delivery, partitions)

    def close(self) -> None:
        for destination in self._destinations.values():
            destination.link.close()

    # Routing

    def _route(self, delivery: Delivery, partitions: set[TopicPartition]) -> None:
        by_broker: dict[int, set[TopicPartition]] = {}
        for partition in partitions:
            state = self.metadata.current.partition(partition)
            if state is None:
                delivery.transaction.partitions.discard(partition)
                continue
            leader = state.leader_and_isr.leader
            if leader in self.metadata.current.brokers:
                by_broker.setdefault(leader, set()).add(partition)
            else:
                self._homeless.setdefault(delivery, set()).add(partition)
        for broker_id, at_broker in by_broker.items():
            self._destination(broker_id).add(delivery, at_broker)
        if not delivery.transaction.partitions:
            delivery.over.set()

    def _one_has_a_home(self) -> bool:
        cluster = self.metadata.current
        for partitions in self._homeless.values():
            for partition in partitions:
                state = cluster.partition(partition)
                if state is None or state.leader_and_isr.leader in cluster.brokers:
                    return True
        return False

    def _destination(self, broker_id: int) -> Destination:
        destination = self._destinations.get(broker_id)
        if destination is None:
            destination = Destination(broker_id, self.links(broker_id))
            self._destinations[broker_id] = destination
            self.background.start(self._serve, destination)
        return destination

    # Sending

    async def _serve(self, destination: Destination) -> None:
        while True:
            sent = await destination.take()
            if not sent:
                continue
            again = await self._send(destination, sent)
            if again:
                await trio.sleep(RETRY_BACKOFF_S)
            for delivery, partitions in again.items():
                if not delivery.over.is_set():
                    self._route(delivery, partitions)

    async def _send(self, destination: Destination, sent: Waiting) -> Waiting:
        """One request; what is to be sent again, to whoever leads then."""
        request = WriteTxnMarkersRequest(
            markers=[delivery.marker(partitions) for delivery, partitions in sent.items()]
        )
        try:
            answer = await destination.link.request(
                ApiKey.WRITE_TXN_MARKERS,
                WRITE_TXN_MARKERS_VERSION,
                request,
                WriteTxnMarkersResponse,
                self.timeout_s,
            )
        except PeerUnavailable as error:
            if not destination.is_failing:
                self.recorder(
                    "transaction.markers_delayed",
                    broker_id=destination.broker_id,
                    transactions=len(sent),
                    why=str(error),
                )
            destination.is_failing = True
            return sent
        destination.is_failing = False
        errors = _errors(answer)
        again = {}
        for delivery, partitions in sent.items():
            if not delivery.over.is_set():
                rest = self._take_in(delivery, partitions, errors)
                if rest:
                    again[delivery] = rest
        return again

    def _take_in(
        self,
        delivery: Delivery,
        partitions: set[TopicPartition],
        errors: dict[tuple[int, TopicPartition], ErrorCode],
    ) -> set[TopicPartition]:
        """What came of one delivery; its partitions that do not have the marker yet."""
        transaction = delivery.transaction
        again = set()
        for partition in partitions:
            # Without an answer for it, nobody knows.
            error = errors.get((transaction.producer_id, partition), ErrorCode.UNKNOWN_SERVER_ERROR)
            if error is ErrorCode.NONE or error in _NOTHING_TO_END:
                transaction.partitions.discard(partition)
            elif error in _SUPERSEDED:
                self.recorder(
                    "transaction.markers_refused",
                    transactional_id=transaction.transactional_id,
                    partition=str(partition),
                    error=error.name,
                )
                delivery.over.set()
                return set()
            else:
                again.add(partition)
        if not transaction.partitions:
            delivery.over.set()
        return again


def _errors(answer: WriteTxnMarkersResponse) -> dict[tuple[int, TopicPartition], ErrorCode]:
    return {
        (marker.producer_id, TopicPartition(topic.name, partition.partition_index)): ErrorCode.of(
            partition.error_code
        )
        for marker in answer.markers
        for topic in marker.topics
        for partition in topic.partitions
    }
