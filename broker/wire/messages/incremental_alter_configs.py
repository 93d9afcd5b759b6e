"""IncrementalAlterConfigs: some names of a resource's configuration (KIP-339).

`config_operation`: 0 set, 1 delete, 2 append to a list, 3 subtract from a list.  Resource types are
those of DescribeConfigs; the levels of loggers are changed by this API only (KIP-412).

Versions:
       0
       1  flexible
"""

from broker.wire.schema import BOOL, INT8, INT16, INT32, STRING, array, message, struct, wire


@struct
class AlterableConfig:
    name: str = wire(STRING, "0+")
    config_operation: int = wire(INT8, "0+")
    value: str | None = wire(STRING, "0+", nullable="0+")


@struct
class AlterConfigsResource:
    resource_type: int = wire(INT8, "0+")
    resource_name: str = wire(STRING, "0+")
    configs: list[AlterableConfig] = wire(array(AlterableConfig), "0+")


@message(versions="0-1", flexible="1+")
class IncrementalAlterConfigsRequest:
    resources: list[AlterConfigsResource] = wire(array(AlterConfigsResource), "0+")
    validate_only: bool = wire(BOOL, "0+")


@struct
class AlterConfigsResourceResponse:
    error_code: int = wire(INT16, "0+")
    error_message: str | None = wire(STRING, "0+", nullable="0+")
    resource_type: int = wire(INT8, "0+")
    resource_name: str = wire(STRING, "0+")


@message(versions="0-1", flexible="1+")
class IncrementalAlterConfigsResponse:
    throttle_time_ms: int = wire(INT32, "0+")
    responses: list[AlterConfigsResourceResponse] = wire(array(AlterConfigsResourceResponse), "0+")
