"""AlterConfigs: replace all configs of a topic or broker. Deprecated, but kafka-configs uses it."""

from broker.admin.configs import ResourceChange, alter_configs
from broker.api.context import RequestContext
from broker.broker import Broker
from broker.config.dynamic_changes import ConfigOperation, Operation
from broker.wire.messages.alter_configs import (
    AlterConfigsRequest,
    AlterConfigsResourceResponse,
    AlterConfigsResponse,
)


async def handle(
    broker: Broker, context: RequestContext, request: AlterConfigsRequest
) -> AlterConfigsResponse:
    changes = [
        ResourceChange(
            resource.resource_type,
            resource.resource_name,
            [ConfigOperation(each.name, Operation.SET, each.value) for each in resource.configs],
            replaces=True,
        )
        for resource in request.resources
    ]
    answers = await alter_configs(
        broker,
        context,
        changes,
        AlterConfigsResourceResponse,
        validate_only=request.validate_only,
    )
    return AlterConfigsResponse(responses=answers)
