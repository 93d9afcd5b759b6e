"""The controller's orders on their way to the brokers.

One queue and one task a live broker, this broker among them. Orders to a
broker arrive in the order in which they were decided: the next is sent when the
last was answered, and one that got no answer is sent again, first, until the
broker answers or the controller says that it has left.

    controller ─ send ─► queue ─► task ─► LeaderAndIsr 7, UpdateMetadata 8, StopReplica 4 ─► broker
         ▲                          │
         └──── CommandAnswered ◄────┘

A repeated order does no harm: brokers fence by epochs.

This is where the controller's values become wire requests; `coordination`
holds no wire bytes. Kafka: ControllerChannelManager, RequestSendThread.
"""

import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from uuid import UUID

import attrs
import trio

from broker.peers import Connect, Peer, PeerUnavailable
from broker.wire.apis import ApiKey
from broker.wire.errors import ErrorCode
from broker.wire.messages.leader_and_isr import (
    LeaderAndIsrLiveLeader,
    LeaderAndIsrPartitionState,
    LeaderAndIsrRequest,
    LeaderAndIsrResponse,
    LeaderAndIsrTopicState,
)
from broker.wire.messages.stop_replica import (
    StopReplicaPartitionState,
    StopReplicaRequest,
    StopReplicaResponse,
    StopReplicaTopicState,
)
from broker.wire.messages.update_metadata import (
    UpdateMetadataBroker,
    UpdateMetadataEndpoint,
    UpdateMetadataPartitionState,
    UpdateMetadataRequest,
    UpdateMetadataResponse,
    UpdateMetadataTopicState,
)
from broker.wire.security_protocols import SECURITY_PROTOCOL_IDS
from coordination.controller.commands import (
    Command,
    CommandAnswered,
    LeaderAndIsrCommand,
    StopReplicaCommand,
    UpdateMetadataCommand,
)
from coordination.election import Fenced
from coordination.values import ZERO_UUID, BrokerRegistration, TopicPartition

log = logging.getLogger("zbroker.controller.channel")

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


@attrs.define(eq=False)
class ControllerChannel:
    """The queues of one term; see `open_controller_channel`."""

    nursery: trio.Nursery
    answers: trio.MemorySendChannel[CommandAnswered]
    controller_id: int
    listener: str
    timeout_s: float
    connect: Connect
    _destinations: dict[int, _Destination] = attrs.field(factory=dict, init=False)

    def broker_joined(self, registration: BrokerRegistration) -> None:
        """A broker lives, in the life named by its epoch: start its queue."""
        self.broker_left(registration.broker_id)
        endpoint = registration.endpoint(self.listener)
        if endpoint is None:
            log.error(
                "broker %d has no listener %s: the controller can't reach it",
                registration.broker_id,
                self.listener,
            )
            return
        send, receive = trio.open_memory_channel[Command](MAX_QUEUED)
        destination = _Destination(send, trio.CancelScope())
        self._destinations[registration.broker_id] = destination
        peer = Peer(endpoint.host, endpoint.port, str(self.controller_id), self.connect)
        self.nursery.start_soon(
            self._deliver, registration.broker_id, peer, receive, destination.scope
        )

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

    async def _deliver(
        self,
        broker_id: int,
        peer: Peer,
        queue: trio.MemoryReceiveChannel[Command],
        scope: trio.CancelScope,
    ) -> None:
        with scope:
            try:
                async for command in queue:
                    await self.answers.send(await self._until_answered(broker_id, peer, command))
            finally:
                peer.close()

    async def _until_answered(
        self, broker_id: int, peer: Peer, command: Command
    ) -> CommandAnswered:
        failures = 0
        while True:
            try:
                return await _ask(broker_id, peer, command, self.timeout_s)
            except PeerUnavailable as error:
                failures += 1
                if failures == 1:
                    log.warning(
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
    timeout_s: float,
    connect: Connect,
) -> AsyncIterator[ControllerChannel]:
    """The channel of one term; its tasks and connections end with the scope."""
    async with trio.open_nursery() as nursery:
        yield ControllerChannel(nursery, answers, controller_id, listener, timeout_s, connect)
        nursery.cancel_scope.cancel()


async def _ask(broker_id: int, peer: Peer, command: Command, timeout_s: float) -> CommandAnswered:
    """Send one order and translate its answer; raises `PeerUnavailable`."""
    match command:
        case LeaderAndIsrCommand():
            answer = await peer.request(
                ApiKey.LEADER_AND_ISR, 7, leader_and_isr(command), LeaderAndIsrResponse, timeout_s
            )
            names = {topic_id: name for name, topic_id in command.topic_ids.items()}
            errors = {
                TopicPartition(names[topic.topic_id], entry.partition_index): entry.error_code
                for topic in answer.topics
                for entry in topic.partition_errors
                if topic.topic_id in names
            }
            return CommandAnswered(broker_id, command, answer.error_code, errors)
        case UpdateMetadataCommand():
            updated = await peer.request(
                ApiKey.UPDATE_METADATA,
                8,
                update_metadata(command),
                UpdateMetadataResponse,
                timeout_s,
            )
            return CommandAnswered(broker_id, command, updated.error_code, {})
        case StopReplicaCommand():
            stopped = await peer.request(
                ApiKey.STOP_REPLICA, 4, stop_replica(command), StopReplicaResponse, timeout_s
            )
            errors = {
                TopicPartition(entry.topic_name, entry.partition_index): entry.error_code
                for entry in stopped.partition_errors
                if entry.error_code != ErrorCode.NONE
            }
            return CommandAnswered(broker_id, command, stopped.error_code, errors)


def leader_and_isr(command: LeaderAndIsrCommand) -> LeaderAndIsrRequest:
    """As a ZooKeeper controller sends it: type 0, and nothing follows from what isn't in it."""
    return LeaderAndIsrRequest(
        controller_id=command.controller_id,
        controller_epoch=command.controller_epoch,
        broker_epoch=command.broker_epoch,
        topic_states=[
            LeaderAndIsrTopicState(
                topic_name=topic,
                topic_id=topic_id,
                partition_states=[
                    LeaderAndIsrPartitionState(
                        partition_index=tp.partition,
                        controller_epoch=state.leader_and_isr.controller_epoch,
                        leader=state.leader_and_isr.leader,
                        leader_epoch=state.leader_and_isr.leader_epoch,
                        isr=list(state.leader_and_isr.isr),
                        partition_epoch=state.leader_and_isr.partition_epoch,
                        replicas=list(state.replicas),
                        adding_replicas=list(state.adding),
                        removing_replicas=list(state.removing),
                        is_new=state.is_new,
                        leader_recovery_state=state.leader_and_isr.leader_recovery_state,
                    )
                    for tp in partitions
                    for state in [command.partitions[tp]]
                ],
            )
            for topic, topic_id, partitions in _by_topic(command.partitions, command.topic_ids)
        ],
        live_leaders=[
            LeaderAndIsrLiveLeader(broker_id=leader.broker_id, host_name=e.host, port=e.port)
            for leader in command.live_leaders
            for e in leader.endpoints[:1]
        ],
    )


def update_metadata(command: UpdateMetadataCommand) -> UpdateMetadataRequest:
    return UpdateMetadataRequest(
        controller_id=command.controller_id,
        controller_epoch=command.controller_epoch,
        broker_epoch=command.broker_epoch,
        topic_states=[
            UpdateMetadataTopicState(
                topic_name=topic,
                topic_id=topic_id,
                partition_states=[
                    UpdateMetadataPartitionState(
                        partition_index=tp.partition,
                        controller_epoch=state.leader_and_isr.controller_epoch,
                        leader=state.leader_and_isr.leader,
                        leader_epoch=state.leader_and_isr.leader_epoch,
                        isr=list(state.leader_and_isr.isr),
                        zk_version=state.leader_and_isr.partition_epoch,
                        replicas=list(state.replicas),
                        offline_replicas=list(state.offline_replicas),
                    )
                    for tp in partitions
                    for state in [command.partitions[tp]]
                ],
            )
            for topic, topic_id, partitions in _by_topic(command.partitions, command.topic_ids)
        ],
        live_brokers=[
            UpdateMetadataBroker(
                id=broker.broker_id,
                rack=broker.rack,
                endpoints=[
                    UpdateMetadataEndpoint(
                        host=endpoint.host,
                        port=endpoint.port,
                        listener=endpoint.listener,
                        security_protocol=SECURITY_PROTOCOL_IDS[endpoint.security_protocol],
                    )
                    for endpoint in broker.endpoints
                ],
            )
            for broker in command.live_brokers
        ],
    )


def stop_replica(command: StopReplicaCommand) -> StopReplicaRequest:
    return StopReplicaRequest(
        controller_id=command.controller_id,
        controller_epoch=command.controller_epoch,
        broker_epoch=command.broker_epoch,
        topic_states=[
            StopReplicaTopicState(
                topic_name=topic,
                partition_states=[
                    StopReplicaPartitionState(
                        partition_index=tp.partition,
                        leader_epoch=command.partitions[tp].leader_epoch,
                        delete_partition=command.partitions[tp].delete,
                    )
                    for tp in partitions
                ],
            )
            for topic, _, partitions in _by_topic(command.partitions, {})
        ],
    )


def _by_topic(
    partitions: Iterable[TopicPartition], topic_ids: Mapping[str, UUID]
) -> list[tuple[str, UUID, list[TopicPartition]]]:
    grouped: dict[str, list[TopicPartition]] = {}
    for topic_partition in partitions:
        grouped.setdefault(topic_partition.topic, []).append(topic_partition)
    return [(topic, topic_ids.get(topic, ZERO_UUID), tps) for topic, tps in grouped.items()]
