"""DescribeConfigs: the configuration of topics and brokers, and where each value comes from.

`resource_type`: 2 topic, 4 broker, 8 broker logger.  `config_source`: 1 topic, 2 dynamic broker,
3 dynamic default broker, 4 static (server.properties), 5 default, 6 broker logger.
`config_type`: 1 boolean, 2 string, 3 int, 4 short, 5 long, 6 double, 7 list, 8 class, 9 password.

Versions:
       0  `is_default` in place of a source; other versions refuse it when it is set
       1  `config_source`, `synonyms`: the values that this one hides (KIP-226)
       3  documentation and type (KIP-569)
       4  flexible
"""

from broker.wire.schema import BOOL, INT8, INT16, INT32, STRING, array, message, struct, wire


@struct
class DescribeConfigsResource:
    resource_type: int = wire(INT8, "0+")
    resource_name: str = wire(STRING, "0+")
    configuration_keys: list[str] | None = wire(array(STRING), "0+", nullable="0+")  # null: all


@message(versions="0-4", flexible="4+")
class DescribeConfigsRequest:
    resources: list[DescribeConfigsResource] = wire(array(DescribeConfigsResource), "0+")
    include_synonyms: bool = wire(BOOL, "1+")
    include_documentation: bool = wire(BOOL, "3+")


@struct
class DescribeConfigsSynonym:
    name: str = wire(STRING, "1+")
    value: str | None = wire(STRING, "1+", nullable="0+")
    source: int = wire(INT8, "1+")


@struct
class DescribeConfigsResourceResult:
    name: str = wire(STRING, "0+")
    value: str | None = wire(STRING, "0+", nullable="0+")
    read_only: bool = wire(BOOL, "0+")
    is_default: bool = wire(BOOL, "0")
    config_source: int = wire(INT8, "1+", default=-1, ignorable=True)
    is_sensitive: bool = wire(BOOL, "0+")
    synonyms: list[DescribeConfigsSynonym] = wire(
        array(DescribeConfigsSynonym), "1+", ignorable=True
    )
    config_type: int = wire(INT8, "3+", ignorable=True)
    documentation: str | None = wire(STRING, "3+", nullable="0+", ignorable=True)


@struct
class DescribeConfigsResult:
    error_code: int = wire(INT16, "0+")
    error_message: str | None = wire(STRING, "0+", nullable="0+")
    resource_type: int = wire(INT8, "0+")
    resource_name: str = wire(STRING, "0+")
    configs: list[DescribeConfigsResourceResult] = wire(array(DescribeConfigsResourceResult), "0+")


@message(versions="0-4", flexible="4+")
class DescribeConfigsResponse:
    throttle_time_ms: int = wire(INT32, "0+")
    results: list[DescribeConfigsResult] = wire(array(DescribeConfigsResult), "0+")
