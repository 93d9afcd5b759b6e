"""DescribeConfigs: the configuration of topics and of this broker, with where each value is from.

A topic may be asked of any broker that knows it, a broker and its loggers only of itself (the
client library sends the request there); the broker named "" stands for the configs that ZooKeeper
holds for all brokers.

Kafka: `ConfigHelper`; KIP-133, KIP-226, KIP-412, KIP-569.
"""

from broker.admin.configs import ResourceType, check_is_this_broker
from broker.admin.loggers import logger_levels
from broker.api.context import RequestContext
from broker.api.permissions import Resource
from broker.broker import Broker
from broker.config.described import (
    Described,
    Source,
    describe_broker,
    describe_broker_default,
    describe_topic,
)
from broker.config.documentation import BROKER_DOCUMENTATION, TOPIC_DOCUMENTATION
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
from broker.zookeeper import zookeeper_errors


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
            described = await _describe(broker, context, resource, request)
        except KafkaError as error:
            result.error_code = error.code
            result.error_message = error.message
        except ConfigError as error:
            # Someone wrote it into ZooKeeper: no request can set such a value.
            result.error_code = ErrorCode.INVALID_CONFIG
            result.error_message = str(error)
        else:
            wanted = resource.configuration_keys or [config.name for config in described]
            result.configs = [config for config in described if config.name in wanted]
        results.append(result)
    return DescribeConfigsResponse(results=results)


async def _describe(
    broker: Broker,
    context: RequestContext,
    resource: DescribeConfigsResource,
    request: DescribeConfigsRequest,
) -> list[DescribeConfigsResourceResult]:
    name = resource.resource_name
    if resource.resource_type == ResourceType.TOPIC:
        context.require(Resource.TOPIC, name)
    elif resource.resource_type in set(ResourceType):
        context.require(Resource.CLUSTER)
    match resource.resource_type:
        case ResourceType.TOPIC:
            if name not in broker.metadata.current.topics:
                broker.topic_admin.check_name(name)
                raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
            with zookeeper_errors():
                overrides = await broker.configs.overrides(name)
            described, texts = describe_topic(broker.config, overrides), TOPIC_DOCUMENTATION
        case ResourceType.BROKER if name == "":
            described, texts = describe_broker_default(broker.config), BROKER_DOCUMENTATION
        case ResourceType.BROKER:
            check_is_this_broker(broker, name, "Broker", " or empty string,")
            described, texts = describe_broker(broker.config), BROKER_DOCUMENTATION
        case ResourceType.BROKER_LOGGER:
            if name == "":
                raise KafkaError(ErrorCode.INVALID_REQUEST, "Broker id must not be empty")
            check_is_this_broker(broker, name, "Broker", "")
            return [_logger(*each) for each in logger_levels().items()]
        case ResourceType.CLIENT_METRICS:
            raise KafkaError(
                ErrorCode.INVALID_REQUEST,
                "Config type client-metrics is only supported on KRaft clusters",
            )
        case _:
            raise KafkaError(ErrorCode.INVALID_REQUEST)
    return [_answer(each, request, texts.get(each.name)) for each in described]


def _logger(name: str, level: str) -> DescribeConfigsResourceResult:
    return DescribeConfigsResourceResult(
        name=name, value=level, config_source=Source.BROKER_LOGGER, read_only=False
    )


def _answer(
    config: Described, request: DescribeConfigsRequest, documentation: str | None
) -> DescribeConfigsResourceResult:
    synonyms = config.synonyms if request.include_synonyms else ()
    return DescribeConfigsResourceResult(
        name=config.name,
        value=config.value,
        read_only=config.read_only,
        config_source=config.source,
        is_sensitive=config.is_sensitive,
        config_type=config.type,
        synonyms=[
            DescribeConfigsSynonym(name=each.name, value=each.value, source=each.source)
            for each in synonyms
        ],
        documentation=documentation if request.include_documentation else None,
    )
