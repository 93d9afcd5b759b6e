"""IncrementalAlterConfigs: set, delete, append to and subtract from single configs (KIP-339)."""

from broker.admin.configs import ResourceChange, alter_configs
from broker.api.context import RequestContext
from broker.broker import Broker
from broker.config.dynamic_changes import ConfigOperation
from broker.wire.messages.incremental_alter_configs import (
    AlterConfigsResource,
    AlterConfigsResourceResponse,
    IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
)


async def handle(
    broker: Broker, context: RequestContext, request: IncrementalAlterConfigsRequest
) -> IncrementalAlterConfigsResponse:
    changes = [_change(resource) for resource in request.resources]
    answers = await alter_configs(
        broker,
        context,
        changes,
        AlterConfigsResourceResponse,
        validate_only=request.validate_only,
    )
    return IncrementalAlterConfigsResponse(responses=answers)


def _change(resource: AlterConfigsResource) -> ResourceChange:
    return ResourceChange(
        resource.resource_type,
        resource.resource_name,
        [
            ConfigOperation(each.name, each.config_operation, each.value)
            for each in resource.configs
        ],
    )
