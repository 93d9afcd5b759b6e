"""The controller's orders on their way to the brokers.

One queue and one task a live broker, this broker among them. Orders to a
broker arrive in the order in which they were decided: the next is sent when the
last was answered, and one that got no answer is sent again, first, until the
broker answers or the controller says that it has left.

    controller ─ send ─► queue ─► task ─► LeaderAndIsr 7, UpdateMetadata 8, StopReplica 4 ─► broker
         ▲                          │
         └──── CommandAnswered ◄────┘

A repeated order does no harm: brokers fence by epochs.

An order goes to the listener that the *controller* names for its requests:
`control.plane.listener.name` (KIP-291), or else the one between brokers. What it
looks like on the wire: `broker.control.requests`.

Kafka: ControllerChannelManager, RequestSendThread.
"""

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import attrs
import trio

from broker.control.requests import ask
from broker.network.peers import Connect, Peer, PeerUnavailable
from coordination.controller.channel import Orders
from coordination.controller.commands import Command, CommandAnswered
from coordination.election import Fenced
from coordination.values import BrokerRegistration

_log = logging.getLogger(__name__)

# Orders that may wait for one broker. A broker that is alive answers within
# milliseconds and one that is dead leaves within a session timeout, so thousands
# only gather when something is badly wrong; then the term ends (`Fenced`) and
# the next controller begins with the whole state instead of all its steps.
MAX_QUEUED = 10_000

# Kafka's RequestSendThread waits this long before it sends an order again.
RETRY_BACKOFF_S = 0.1


@attrs.define
class _Destination:
    queue: trio.MemorySendChannel[Command]
    scope: trio.CancelScope
    asked: Command | None = None
    since: float = 0.0
    attempts: int = 0


@attrs.define(eq=False)
class ControllerChannel:
    """The queues of one term; see `open_controller_channel`."""

    nursery: trio.Nursery
    answers: trio.MemorySendChannel[CommandAnswered]
    controller_id: int
    listener: str  # where the brokers are asked
    inter_broker_listener: str  # where they find each other
    timeout_s: float
    connect: Connect
    _destinations: dict[int, _Destination] = attrs.field(factory=dict, init=False)

    def broker_joined(self, registration: BrokerRegistration) -> None:
        """A broker lives, in the life named by its epoch: start its queue."""
        self.broker_left(registration.broker_id)
        endpoint = registration.endpoint(self.listener)
        if endpoint is None:
            _log.error(
                "broker %d has no listener %s: the controller can't reach it",
                registration.broker_id,
                self.listener,
            )
            return
        send, receive = trio.open_memory_channel[Command](MAX_QUEUED)
        destination = _Destination(send, trio.CancelScope())
        self._destinations[registration.broker_id] = destination
        peer = Peer(endpoint.host, endpoint.port, str(self.controller_id), self.connect)
        self.nursery.start_soon(self._deliver, registration.broker_id, peer, receive, destination)

    def broker_left(self, broker_id: int) -> None:
        """Drop the broker's connection and what was still to be said to it."""
        destination = self._destinations.pop(broker_id, None)
        if destination is not None:
            destination.scope.cancel()

    async def send(self, broker_id: int, command: Command) -> None:
        """Queue an order; to a broker without a queue it's dropped.

        Never waits: the news that the broker is dead could not be heard meanwhile. Raises
        `Fenced` when `MAX_QUEUED` orders wait already.
        """
        destination = self._destinations.get(broker_id)
        if destination is None:
            return
        try:
            destination.queue.send_nowait(command)
        except trio.WouldBlock:
            raise Fenced(f"{MAX_QUEUED} orders wait for broker {broker_id}") from None

    def orders(self) -> Mapping[int, Orders]:
        """What each broker with a queue was asked and hasn't answered, and how much waits."""
        return {
            broker_id: Orders(
                each.queue.statistics().current_buffer_used, each.asked, each.since, each.attempts
            )
            for broker_id, each in self._destinations.items()
        }

    async def _deliver(
        self,
        broker_id: int,
        peer: Peer,
        queue: trio.MemoryReceiveChannel[Command],
        destination: _Destination,
    ) -> None:
        with destination.scope:
            try:
                async for command in queue:
                    destination.asked, destination.since = command, trio.current_time()
                    destination.attempts = 0
                    answer = await self._until_answered(broker_id, peer, command, destination)
                    destination.asked = None
                    await self.answers.send(answer)
            finally:
                peer.close()

    async def _until_answered(
        self, broker_id: int, peer: Peer, command: Command, destination: _Destination
    ) -> CommandAnswered:
        while True:
            destination.attempts += 1
            try:
                return await ask(
                    peer, broker_id, command, self.inter_broker_listener, self.timeout_s
                )
            except PeerUnavailable as error:
                if destination.attempts == 1:
                    _log.warning(
                        "broker %d does not answer %s, sending it again until it does or leaves: "
                        "%s",
                        broker_id,
                        type(command).__name__,
                        error,
                    )
                await trio.sleep(RETRY_BACKOFF_S)


@asynccontextmanager
async def open_controller_channel(
    answers: trio.MemorySendChannel[CommandAnswered],
    *,
    controller_id: int,
    listener: str,
    inter_broker_listener: str,
    timeout_s: float,
    connect: Connect,
) -> AsyncIterator[ControllerChannel]:
    """The channel of one term; its tasks and connections end with the scope."""
    async with trio.open_nursery() as nursery:
        yield ControllerChannel(
            nursery, answers, controller_id, listener, inter_broker_listener, timeout_s, connect
        )
        nursery.cancel_scope.cancel()
