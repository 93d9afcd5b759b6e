"""AlterConfigs: a resource's whole configuration; what is not named is forgotten (KIP-133).

Deprecated since IncrementalAlterConfigs, for two clients who change one name each undo each other;
Kafka's own tool still uses it for brokers.  Resource types are those of DescribeConfigs.

Versions:
       0
       1  the same
       2  flexible
"""

from broker.wire.schema import BOOL, INT8, INT16, INT32, STRING, array, message, struct, wire


@struct
class AlterableConfig:
    name: str = wire(STRING, "0+")
    value: str | None = wire(STRING, "0+", nullable="0+")


@struct
class AlterConfigsResource:
    resource_type: int = wire(INT8, "0+")
    resource_name: str = wire(STRING, "0+")
    configs: list[AlterableConfig] = wire(array(AlterableConfig), "0+")


@message(versions="0-2", flexible="2+")
class AlterConfigsRequest:
    resources: list[AlterConfigsResource] = wire(array(AlterConfigsResource), "0+")
    validate_only: bool = wire(BOOL, "0+")


@struct
class AlterConfigsResourceResponse:
    error_code: int = wire(INT16, "0+")
    error_message: str | None = wire(STRING, "0+", nullable="0+")
    resource_type: int = wire(INT8, "0+")
    resource_name: str = wire(STRING, "0+")


@message(versions="0-2", flexible="2+")
class AlterConfigsResponse:
    throttle_time_ms: int = wire(INT32, "0+")
    responses: list[AlterConfigsResourceResponse] = wire(array(AlterConfigsResourceResponse), "0+")
