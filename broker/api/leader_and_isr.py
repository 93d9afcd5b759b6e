"""LeaderAndIsr: the controller says which partitions this broker leads, and which it follows.

Versions 0 and 1 list partitions, later ones group them by topic. The answer
names topics by id from version 5 on. See `broker.replica.control` for the
fencing and for what is done.
"""

from broker.api.context import RequestContext
from broker.api.control_requests import refusal
from broker.broker import Broker
from broker.network.answers import CloseConnection
from broker.replica.control import become_leader_or_follower
from broker.replica.orders import ReplicaState
from broker.wire.errors import ErrorCode
from broker.wire.messages.leader_and_isr import (
    LeaderAndIsrPartitionError,
    LeaderAndIsrPartitionState,
    LeaderAndIsrRequest,
    LeaderAndIsrResponse,
    LeaderAndIsrTopicError,
)
from coordination.store import StoreError
from coordination.values import ZERO_UUID, LeaderAndIsr, LeaderRecoveryState, TopicPartition

FIRST_VERSION_WITH_TOPIC_IDS = 5


async def handle(
    broker: Broker, context: RequestContext, request: LeaderAndIsrRequest
) -> LeaderAndIsrResponse:
    async with broker.replicas.control_order:
        refused = refusal(broker, "LeaderAndIsr", request)
        if refused is not None:
            return LeaderAndIsrResponse(error_code=refused)
        states = _states(request)
        cause = broker.events(
            "control.leader_and_isr",
            controller=request.controller_id,
            controller_epoch=request.controller_epoch,
            partitions=len(states),
        )
        try:
            changes = await become_leader_or_follower(broker.replicas, states, broker.events, cause)
        except StoreError as error:
            # Without an answer the controller asks again, and then ZooKeeper may be back.
            raise CloseConnection(f"LeaderAndIsr can't be applied now: {error}") from error
        broker.roles_changed(changes)
    return _response(context, states, changes.errors)


def _states(request: LeaderAndIsrRequest) -> dict[TopicPartition, ReplicaState]:
    grouped = [
        (TopicPartition(topic.topic_name, state.partition_index), topic.topic_id, state)
        for topic in request.topic_states
        for state in topic.partition_states
    ]
    ungrouped = [
        (TopicPartition(state.topic_name, state.partition_index), ZERO_UUID, state)
        for state in request.ungrouped_partition_states
    ]
    return {
        tp: ReplicaState(
            _leader_and_isr(state),
            tuple(state.replicas),
            topic_id,
            state.is_new,
            tuple(state.adding_replicas),
            tuple(state.removing_replicas),
        )
        for tp, topic_id, state in grouped + ungrouped
    }


def _leader_and_isr(state: LeaderAndIsrPartitionState) -> LeaderAndIsr:
    return LeaderAndIsr(
        leader=state.leader,
        leader_epoch=state.leader_epoch,
        isr=tuple(state.isr),
        controller_epoch=state.controller_epoch,
        partition_epoch=state.partition_epoch,
        leader_recovery_state=LeaderRecoveryState(state.leader_recovery_state),
    )


def _response(
    context: RequestContext,
    states: dict[TopicPartition, ReplicaState],
    errors: dict[TopicPartition, ErrorCode],
) -> LeaderAndIsrResponse:
    if context.api_version < FIRST_VERSION_WITH_TOPIC_IDS:
        return LeaderAndIsrResponse(
            partition_errors=[
                LeaderAndIsrPartitionError(
                    topic_name=tp.topic, partition_index=tp.partition, error_code=code
                )
                for tp, code in errors.items()
            ]
        )
    topics: dict[str, LeaderAndIsrTopicError] = {}
    for tp, code in errors.items():
        topic = topics.setdefault(tp.topic, LeaderAndIsrTopicError(topic_id=states[tp].topic_id))
        topic.partition_errors.append(
            LeaderAndIsrPartitionError(partition_index=tp.partition, error_code=code)
        )
    return LeaderAndIsrResponse(topics=list(topics.values()))
