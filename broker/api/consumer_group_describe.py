"""ConsumerGroupDescribe: the groups of KIP-848 need a KRaft cluster, and so each is refused.

Kafka: KafkaApis.handleConsumerGroupDescribe.
"""

from broker.api.context import RequestContext
from broker.broker import Broker
from broker.wire.errors import ErrorCode
from broker.wire.messages.consumer_group_describe import (
    ConsumerGroupDescribeRequest,
    ConsumerGroupDescribeResponse,
    DescribedGroup,
)


async def handle(
    _broker: Broker, _context: RequestContext, request: ConsumerGroupDescribeRequest
) -> ConsumerGroupDescribeResponse:
    return ConsumerGroupDescribeResponse(
        groups=[
            DescribedGroup(group_id=group_id, error_code=ErrorCode.UNSUPPORTED_VERSION)
            for group_id in request.group_ids
        ]
    )
