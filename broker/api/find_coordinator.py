"""FindCoordinator: which broker coordinates a group, or a transactional id.

It is the leader of its partition of `__consumer_offsets`, or of `__transaction_state`, as the
controller told us; no coordinator is asked. The topic is made when someone first asks. Until its
partitions have leaders the answer is COORDINATOR_NOT_AVAILABLE, and the client asks again.

Share groups (version 6) have no coordinator in ZooKeeper mode: they too are
COORDINATOR_NOT_AVAILABLE, as on the real 3.9.

Up to version 3 a success has a message, too: "NONE", Kafka's name of that code. From 4 on a failure
has one only if there is more to say than its code does, or if nobody can be asked for at all.
"""

from typing import Final, Protocol

from broker.api.context import RequestContext
from broker.api.group_services import GroupServices
from broker.api.permissions import Resource
from broker.api.transaction_services import TransactionServices
from broker.groups.offsets_log import OFFSETS_TOPIC
from broker.transactions.transactions_log import TRANSACTIONS_TOPIC
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.messages.find_coordinator import (
    Coordinator,
    FindCoordinatorRequest,
    FindCoordinatorResponse,
)
from coordination.values import Endpoint, TopicPartition

GROUP: Final = 0
TRANSACTION: Final = 1
SHARE: Final = 2
KINDS: Final = (GROUP, TRANSACTION, SHARE)

# In whose partitions' leaders the coordinators are.
TOPICS: Final = {GROUP: OFFSETS_TOPIC, TRANSACTION: TRANSACTIONS_TOPIC}

FIRST_VERSION_WITH_MANY_KEYS: Final = 4
FIRST_VERSION_WITH_SHARE_GROUPS: Final = 6


class CoordinatorServices(GroupServices, TransactionServices, Protocol):
    """Both kinds of coordinators."""


NO_NODE: Final = -1


async def handle(
    broker: CoordinatorServices, context: RequestContext, request: FindCoordinatorRequest
) -> FindCoordinatorResponse:
    if context.api_version >= FIRST_VERSION_WITH_MANY_KEYS:
        coordinators = [
            await _find(broker, context, request.key_type, key) for key in request.coordinator_keys
        ]
        for each in coordinators:
            if each.error_message == _words(each) and request.key_type in KINDS:
                each.error_message = ""
        return FindCoordinatorResponse(coordinators=coordinators)
    found = await _find(broker, context, request.key_type, request.key)
    return FindCoordinatorResponse(
        error_code=found.error_code,
        error_message=found.error_message if found.error_code else ErrorCode.NONE.name,
        node_id=found.node_id,
        host=found.host,
        port=found.port,
    )


def _words(answer: Coordinator) -> str:
    return ErrorCode.of(answer.error_code).message


async def _find(
    broker: CoordinatorServices, context: RequestContext, key_type: int, key: str
) -> Coordinator:
    try:
        if key_type == TRANSACTION:
            context.require(Resource.TRANSACTIONAL_ID, key)
        if key_type == GROUP:
            context.require(Resource.GROUP, key)
        knows_share = context.api_version >= FIRST_VERSION_WITH_SHARE_GROUPS
        if key_type == SHARE and knows_share:
            raise KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE)
        if key_type not in TOPICS:
            raise KafkaError(ErrorCode.INVALID_REQUEST)
        node_id, endpoint = await _coordinator(broker, context, TOPICS[key_type], key)
    except KafkaError as error:
        return Coordinator(
            key=key,
            node_id=NO_NODE,
            host="",
            port=NO_NODE,
            error_code=error.code,
            error_message=error.message,
        )
    return Coordinator(key=key, node_id=node_id, host=endpoint.host, port=endpoint.port)


async def _coordinator(
    broker: CoordinatorServices, context: RequestContext, topic: str, key: str
) -> tuple[int, Endpoint]:
    cluster = broker.metadata.current
    if topic not in cluster.topics:
        why = None
        try:
            await broker.topic_admin.create_automatically(topic)
        except KafkaError as error:
            why = error.message
        # The client asks again: by then there is a leader, or enough brokers to make the topic.
        raise KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE, why)
    coordinator = broker.groups if topic == OFFSETS_TOPIC else broker.transactions
    state = cluster.partition(TopicPartition(topic, coordinator.partition_for(key)))
    leader = state.leader_and_isr.leader if state is not None else NO_NODE
    endpoint = cluster.endpoint(leader, context.listener)
    if endpoint is None:
        raise KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE)
    return leader, endpoint
