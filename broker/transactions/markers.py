"""Sending the outcome of transactions to the leaders of their partitions: WriteTxnMarkers.

A transaction that is prepared is decided, and nothing may stop it any more: each of its partitions
gets a marker, a control record that says commit or abort. Until then readers of committed records
wait there.

    deliver ─▶ route ─┬─▶ Destination 1 ─ one task: all that waits, in one request ─▶ broker 1
        ▲             ├─▶ Destination 2 ─                                          ─▶ broker 2
        │             ├─▶ Destination 2, slow partitions ─                         ─▶ broker 2
        │             └─▶ Homeless: nobody alive leads the partition; until somebody does
        │                                                                 │
        └──── all partitions have it ◀── answers ◀── retriable: route again, after a pause

A request is answered when all its partitions have replicated their markers, or have failed to in
time. One that has failed to, since it waits for a follower that is away, is sent to in requests of
its own from then on, over a connection of its own: the rest need not wait with it more than once.
Who does not answer at all is waited for until the metadata say that others lead its partitions.

A partition that was deleted needs no marker; `homeless` says when that is believed. One that
refuses because it knows a newer coordinator, or a newer producer, is asked again, too: if there is
one, this broker will hear of it and give the delivery up; if it is itself the newer one, elected
again before it had heard that it was not, it will hear of its epoch, and send that.

Source: Kafka's TransactionMarkerChannelManager and TransactionMarkerRequestCompletionHandler. There
a refused delivery is forgotten, and its transaction stays prepared until the next election.
"""

from collections.abc import Collection
from typing import Final

import attrs
import trio

from broker.coordinators.background import Background
from broker.network.broker_link import Links, ask_while
from broker.network.peers import PeerUnavailable
from broker.transactions.deliveries import Delivery, Destination, Undelivered
from broker.transactions.homeless import ASK_AGAIN_S, Homeless
from broker.transactions.owned import TransactionPartition, Transactions
from broker.transactions.transaction import Transaction
from broker.transactions.transaction_states import PREPARE_COMMIT
from broker.wire.apis import ApiKey
from broker.wire.errors import ErrorCode
from broker.wire.messages.write_txn_markers import (
    WriteTxnMarkersRequest,
    WriteTxnMarkersResponse,
)
from coordination.values import Recorder, TopicPartition

WRITE_TXN_MARKERS_VERSION: Final = 1
RETRY_BACKOFF_S: Final = 0.1
# A Kafka broker answers for what it could not replicate when its own request.timeout.ms is over,
# and it is to be heard: else nobody learns which partition was slow.
PATIENCE: Final = 1.5

# A log format without transactions: nothing was written there in one.
_NOTHING_TO_END: Final = (ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT, ErrorCode.UNSUPPORTED_VERSION)
_SUPERSEDED: Final = (ErrorCode.INVALID_PRODUCER_EPOCH, ErrorCode.TRANSACTION_COORDINATOR_FENCED)


@attrs.define(eq=False)
class Markers:
    """Delivers the markers of all transactions of this coordinator."""

    ownership: Transactions
    homeless: Homeless
    links: Links
    timeout_s: float
    background: Background
    recorder: Recorder
    _deliveries: set[Delivery] = attrs.field(factory=set, init=False)
    # Of each broker two at most, the second one for its slow partitions.
    _destinations: dict[tuple[int, bool], Destination] = attrs.field(factory=dict, init=False)
    # Those that were last heard of as REQUEST_TIMED_OUT.
    _slow: set[TopicPartition] = attrs.field(factory=set, init=False)

    async def deliver(
        self, owned: TransactionPartition, transaction: Transaction, cause: str | None
    ) -> bool:
        """Until each partition of a prepared transaction has its marker; False if it isn't ours.

        A partition that has it leaves `transaction.partitions`. `cause`: the event by which the
        transaction is being ended, if there is one.
        """
        if not self.ownership.still_owns(owned):  # given up before this began, and only once
            return False
        delivery = Delivery(owned, transaction, transaction.state is PREPARE_COMMIT, cause)
        self._deliveries.add(delivery)
        try:
            self._route(delivery, transaction.partitions)
            if transaction.partitions:
                await delivery.over.wait()
        finally:
            self._deliveries.discard(delivery)
            self.homeless.forget(delivery)
        return not transaction.partitions and self.ownership.still_owns(owned)

    def give_up(self, owned: TransactionPartition) -> None:
        """The partition is led by another broker now, who delivers them."""
        for delivery in list(self._deliveries):
            if delivery.owned is owned:
                delivery.over.set()

    def partitions_deleted(self, partitions: Collection[TopicPartition], why: str) -> None:
        """They are no more, and need no markers. `why` this is believed."""
        self._slow.difference_update(partitions)
        for delivery in list(self._deliveries):
            for partition in delivery.left(partitions):
                self.recorder(
                    "transaction.partition_gone",
                    cause=delivery.cause,
                    transactional_id=delivery.transaction.transactional_id,
                    partition=str(partition),
                    why=why,
                )
                delivery.done(partition)

    async def follow_metadata(self) -> None:
        """Find a destination for whom there was none, whenever the metadata change."""
        while True:
            for delivery, partitions in (await self.homeless.with_a_home()).items():
                self._route(delivery, partitions)

    async def look_for_deleted(self) -> None:
        """Give up partitions that were deleted without our hearing of it."""
        while True:
            self.partitions_deleted(await self.homeless.gone(), "ZooKeeper has no such topic")
            await trio.sleep(ASK_AGAIN_S)

    def close(self) -> None:
        for destination in self._destinations.values():
            destination.link.close()

    # Routing

    def _route(self, delivery: Delivery, partitions: Collection[TopicPartition]) -> None:
        for partition in delivery.left(partitions):
            leader = self.homeless.leader_of(partition)
            if leader is None:
                self.homeless.add(delivery, partition)
            else:
                self._destination(leader, partition in self._slow).add(delivery, partition)

    def _destination(self, broker_id: int, is_slow: bool) -> Destination:
        destination = self._destinations.get((broker_id, is_slow))
        if destination is None:
            destination = Destination(broker_id, self.links(broker_id))
            self._destinations[broker_id, is_slow] = destination
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
                # Others need not wait for them: each of them waits in one place, here or there.
                self.background.start(self._route_later, again)
            if destination.is_failing:
                await trio.sleep(RETRY_BACKOFF_S)

    async def _route_later(self, deliveries: Undelivered) -> None:
        await trio.sleep(RETRY_BACKOFF_S)
        for delivery, partitions in deliveries.items():
            self._route(delivery, partitions)

    async def _send(self, destination: Destination, sent: Undelivered) -> Undelivered:
        """One request; what is to be sent again, to whoever leads then."""
        request = WriteTxnMarkersRequest(
            markers=[delivery.marker(partitions) for delivery, partitions in sent.items()]
        )
        try:
            answer = await ask_while(
                lambda: self._leads_any(destination.broker_id, sent),
                self.homeless.metadata.changed,
                destination.link,
                ApiKey.WRITE_TXN_MARKERS,
                WRITE_TXN_MARKERS_VERSION,
                request,
                WriteTxnMarkersResponse,
                self.timeout_s * PATIENCE,
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
        for delivery, partitions in sent.items():
            for partition in delivery.left(partitions):
                # Without an answer for it, nobody knows.
                error_code = errors.get(
                    (delivery.transaction.producer_id, partition), ErrorCode.UNKNOWN_SERVER_ERROR
                )
                self._take_in(delivery, partition, error_code)
        left = {delivery: delivery.left(partitions) for delivery, partitions in sent.items()}
        return {delivery: partitions for delivery, partitions in left.items() if partitions}

    def _leads_any(self, broker_id: int, sent: Undelivered) -> bool:
        """Whether there is a partition that this broker is to be waited for."""
        return any(
            self.homeless.leader_of(partition) == broker_id
            for delivery, partitions in sent.items()
            for partition in delivery.left(partitions)
        )

    def _take_in(self, delivery: Delivery, partition: TopicPartition, error: ErrorCode) -> None:
        """What one partition answered."""
        if error is ErrorCode.REQUEST_TIMED_OUT:
            self._slow.add(partition)
        else:
            self._slow.discard(partition)
        if error is ErrorCode.NONE or error in _NOTHING_TO_END:
            delivery.done(partition)
        elif error in _SUPERSEDED and not delivery.is_refused:
            delivery.is_refused = True
            self.recorder(
                "transaction.markers_refused",
                cause=delivery.cause,
                transactional_id=delivery.transaction.transactional_id,
                partition=str(partition),
                error=error.name,
            )


def _errors(answer: WriteTxnMarkersResponse) -> dict[tuple[int, TopicPartition], ErrorCode]:
    return {
        (marker.producer_id, TopicPartition(topic.name, partition.partition_index)): ErrorCode.of(
            partition.error_code
        )
        for marker in answer.markers
        for topic in marker.topics
        for partition in topic.partitions
    }
