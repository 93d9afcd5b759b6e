"""ControlledShutdown: a broker asks the controller for leave to stop.

The controller moves the leadership of its partitions away; what the answer
lists could not be moved, and the broker asks again.
"""

from broker.api.context import RequestContext
from broker.broker import Broker
from broker.wire.errors import KafkaError
from broker.wire.messages.controlled_shutdown import (
    ControlledShutdownRequest,
    ControlledShutdownResponse,
    RemainingPartition,
)
from coordination.controller.requests import (
    ControlledShutdown,
)


async def handle(
    broker: Broker, context: RequestContext, request: ControlledShutdownRequest
) -> ControlledShutdownResponse:
    try:
        remaining = await broker.ask_controller(
            ControlledShutdown(request.broker_id, request.broker_epoch)
        )
    except KafkaError as error:
        return ControlledShutdownResponse(error_code=error.code)
    assert isinstance(remaining, set | frozenset)
    return ControlledShutdownResponse(
        remaining_partitions=[
            RemainingPartition(topic_name=tp.topic, partition_index=tp.partition)
            for tp in sorted(remaining)
        ]
    )
