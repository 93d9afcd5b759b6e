"""The controller's commands as the wire has them, and the answers as the controller reads them.

    LeaderAndIsrCommand    ─► LeaderAndIsr 7     an error for each partition, by topic id
    UpdateMetadataCommand  ─► UpdateMetadata 8   one error
    StopReplicaCommand     ─► StopReplica 4      an error for each partition

`coordination` holds no wire bytes. Versions are fixed, for all members speak
those of 3.9 (see `broker.network.peers`).

Kafka: AbstractControllerBrokerRequestBatch.
"""

from collections.abc import Iterable, Mapping
from uuid import UUID

from broker.network.peers import Peer
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
    LeaderAndIsrState,
    MetadataState,
    StopReplicaCommand,
    UpdateMetadataCommand,
)
from coordination.values import ZERO_UUID, BrokerRegistration, TopicPartition


async def ask(
    peer: Peer, broker_id: int, command: Command, inter_broker_listener: str, timeout_s: float
) -> CommandAnswered:
    """Send one order and translate its answer; raises `PeerUnavailable`."""
    match command:
        case LeaderAndIsrCommand():
            order = leader_and_isr(command, inter_broker_listener)
            told = await peer.request(
                ApiKey.LEADER_AND_ISR, 7, order, LeaderAndIsrResponse, timeout_s
            )
            names = {topic_id: name for name, topic_id in command.topic_ids.items()}
            errors = {
                TopicPartition(names[topic.topic_id], entry.partition_index): entry.error_code
                for topic in told.topics
                for entry in topic.partition_errors
                if topic.topic_id in names
            }
            return CommandAnswered(broker_id, command, told.error_code, errors)
        case UpdateMetadataCommand():
            news = update_metadata(command)
            updated = await peer.request(
                ApiKey.UPDATE_METADATA, 8, news, UpdateMetadataResponse, timeout_s
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


def leader_and_isr(command: LeaderAndIsrCommand, inter_broker_listener: str) -> LeaderAndIsrRequest:
    """As a ZooKeeper controller sends it: type 0, and nothing follows from what isn't in it."""
    return LeaderAndIsrRequest(
        controller_id=command.controller_id,
        controller_epoch=command.controller_epoch,
        broker_epoch=command.broker_epoch,
        topic_states=[
            LeaderAndIsrTopicState(
                topic_name=topic,
                topic_id=topic_id,
                partition_states=[_role(tp, command.partitions[tp]) for tp in partitions],
            )
            for topic, topic_id, partitions in _by_topic(command.partitions, command.topic_ids)
        ],
        live_leaders=[
            LeaderAndIsrLiveLeader(
                broker_id=leader.broker_id, host_name=endpoint.host, port=endpoint.port
            )
            for leader in command.live_leaders
            if (endpoint := leader.endpoint(inter_broker_listener)) is not None
        ],
    )


def _role(partition: TopicPartition, state: LeaderAndIsrState) -> LeaderAndIsrPartitionState:
    decided = state.leader_and_isr
    return LeaderAndIsrPartitionState(
        partition_index=partition.partition,
        controller_epoch=decided.controller_epoch,
        leader=decided.leader,
        leader_epoch=decided.leader_epoch,
        isr=list(decided.isr),
        partition_epoch=decided.partition_epoch,
        replicas=list(state.replicas),
        adding_replicas=list(state.adding),
        removing_replicas=list(state.removing),
        is_new=state.is_new,
        leader_recovery_state=decided.leader_recovery_state,
    )


def update_metadata(command: UpdateMetadataCommand) -> UpdateMetadataRequest:
    """With all endpoints of each broker: who asks is told those of the listener it came by."""
    return UpdateMetadataRequest(
        controller_id=command.controller_id,
        controller_epoch=command.controller_epoch,
        broker_epoch=command.broker_epoch,
        topic_states=[
            UpdateMetadataTopicState(
                topic_name=topic,
                topic_id=topic_id,
                partition_states=[_metadata(tp, command.partitions[tp]) for tp in partitions],
            )
            for topic, topic_id, partitions in _by_topic(command.partitions, command.topic_ids)
        ],
        live_brokers=[_live_broker(broker) for broker in command.live_brokers],
    )


def _metadata(partition: TopicPartition, state: MetadataState) -> UpdateMetadataPartitionState:
    decided = state.leader_and_isr
    return UpdateMetadataPartitionState(
        partition_index=partition.partition,
        controller_epoch=decided.controller_epoch,
        leader=decided.leader,
        leader_epoch=decided.leader_epoch,
        isr=list(decided.isr),
        zk_version=decided.partition_epoch,
        replicas=list(state.replicas),
        offline_replicas=list(state.offline_replicas),
    )


def _live_broker(broker: BrokerRegistration) -> UpdateMetadataBroker:
    return UpdateMetadataBroker(
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
