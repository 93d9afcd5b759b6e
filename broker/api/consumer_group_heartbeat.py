"""ConsumerGroupHeartbeat: the groups of KIP-848 need a KRaft cluster, and clients are told so.

Kafka: KafkaApis.handleConsumerGroupHeartbeat.
"""

from broker.api.context import RequestContext
from broker.broker import Broker
from broker.wire.errors import ErrorCode
from broker.wire.messages.consumer_group_heartbeat import (
    ConsumerGroupHeartbeatRequest,
    ConsumerGroupHeartbeatResponse,
)


async def handle(
    _broker: Broker, _context: RequestContext, _request: ConsumerGroupHeartbeatRequest
) -> ConsumerGroupHeartbeatResponse:
    return ConsumerGroupHeartbeatResponse(error_code=ErrorCode.UNSUPPORTED_VERSION)
