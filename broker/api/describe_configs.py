"""DescribeConfigs: the configuration of topics and of this broker, with where each value is from.

A topic may be asked of any broker that knows it, a broker only of itself (the client library sends
the request there); the broker named "" stands for the defaults that ZooKeeper holds for all
brokers, of which there are none yet. Loggers cannot be described here.

Kafka: `ConfigHelper`; KIP-133, KIP-226, KIP-569.
"""

from broker.api.context import RequestContext
from broker.broker import Broker
from broker.config.described import Described, describe_broker, describe_topic
from broker.config.values import ConfigError
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.messages.describe_configs import (
    DescribeConfigsRequest,
    DescribeConfigsResource,
    DescribeConfigsResourceResult,
    DescribeConfigsResponse,
    DescribeConfigsResult,
    DescribeConfigsSynonym,
)

TOPIC = 2
BROKER = 4


async def handle(
    broker: Broker, context: RequestContext, request: DescribeConfigsRequest
) -> DescribeConfigsResponse:
    results = []
    for resource in request.resources:
        result = DescribeConfigsResult(
            error_message="",
            resource_type=resource.resource_type,
            resource_name=resource.resource_name,
        )
        try:
            described = await _describe(broker, resource)
        except KafkaError as error:
            result.error_code = error.code
            result.error_message = error.message
        except ConfigError as error:
            # Someone wrote it into ZooKeeper: no request can set such a value.
            result.error_code = ErrorCode.INVALID_CONFIG
            result.error_message = str(error)
        else:
            wanted = resource.configuration_keys or [config.name for config in described]
            result.configs = [
                _answer(config, request.include_synonyms)
                for config in described
                if config.name in wanted
            ]
        results.append(result)
    return DescribeConfigsResponse(results=results)


async def _describe(broker: Broker, resource: DescribeConfigsResource) -> list[Described]:
    if resource.resource_type == TOPIC:
        if resource.resource_name not in broker.metadata.current.topics:
            broker.topic_admin.check_name(resource.resource_name)
            raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        return describe_topic(
            broker.config, await broker.topic_admin.overrides(resource.resource_name)
        )
    if resource.resource_type == BROKER:
        if resource.resource_name == "":
            return []
        _check_is_this_broker(broker.broker_id, resource.resource_name)
        return describe_broker(broker.config)
    raise KafkaError(
        ErrorCode.INVALID_REQUEST,
        f"Unexpected resource type {resource.resource_type} for resource {resource.resource_name}",
    )


def _check_is_this_broker(broker_id: int, name: str) -> None:
    try:
        asked_for = int(name)
    except ValueError:
        raise KafkaError(
            ErrorCode.INVALID_REQUEST, f"Broker id must be an integer, but it is: {name}"
        ) from None
    if asked_for != broker_id:
        raise KafkaError(
            ErrorCode.INVALID_REQUEST,
            f"Unexpected broker id, expected {broker_id} or empty string, but received {name}",
        )


def _answer(config: Described, include_synonyms: bool) -> DescribeConfigsResourceResult:
    return DescribeConfigsResourceResult(
        name=config.name,
        value=config.value,
        read_only=config.read_only,
        config_source=config.source,
        is_sensitive=config.is_sensitive,
        config_type=config.type,
        synonyms=[
            DescribeConfigsSynonym(name=synonym.name, value=synonym.value, source=synonym.source)
            for synonym in config.synonyms
        ]
        if include_synonyms
        else [],
    )
