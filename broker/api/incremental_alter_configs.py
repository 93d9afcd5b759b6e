"""IncrementalAlterConfigs: set, delete, append to and subtract from single configs (KIP-339)."""

from broker.api.context import RequestContext
from broker.broker import Broker
from broker.config.dynamic_changes import ConfigOperation
from broker.config_admin import ResourceChange, alter_configs
from broker.wire.errors import ErrorCode
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
    outcomes = await alter_configs(broker, context, changes, validate_only=request.validate_only)
    return IncrementalAlterConfigsResponse(
        responses=[
            AlterConfigsResourceResponse(
                error_code=ErrorCode.NONE if error is None else error.code,
                error_message=None if error is None else error.message,
                resource_type=change.type,
                resource_name=change.name,
            )
            for change, error in zip(changes, outcomes, strict=True)
        ]
    )


def _change(resource: AlterConfigsResource) -> ResourceChange:
    return ResourceChange(
        resource.resource_type,
        resource.resource_name,
        [
            ConfigOperation(each.name, each.config_operation, each.value)
            for each in resource.configs
        ],
    )
