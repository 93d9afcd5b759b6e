"""Changing configs by request: of a topic, of this broker, of all brokers, of this process's logs.

    AlterConfigs              all of a resource's configs anew     (`replaces`)
    IncrementalAlterConfigs   some of them, by operations

The change is worked out from what ZooKeeper holds, checked, and written on the condition that
nobody wrote meanwhile; with the notification of it, in one multi. Every broker then reads it
(broker/admin/applied_configs.py), this one too: nothing is applied here. Any broker may change a
topic or the defaults of all brokers; the configs of one broker are changed by that broker, for only
it can tell whether it could live with them.

Source: Kafka's `ConfigAdminManager`, `ZkAdminManager`; KIP-133, KIP-226, KIP-339, KIP-412.
"""

from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import TypeVar

import attrs

from broker.admin.loggers import alter_levels
from broker.api.context import RequestContext
from broker.api.permissions import Resource
from broker.broker import Broker
from broker.config.dynamic import passwords, sieve
from broker.config.dynamic_changes import (
    ConfigChangeRefused,
    ConfigOperation,
    Operation,
    apply_operations,
    check_broker_configs,
)
from broker.config.table import BROKER_PROPERTIES
from broker.config.table.topic import TOPIC_PROPERTIES
from broker.config.topic_configs import (
    InvalidTopicConfigError,
    InvalidTopicConfigValueError,
    validate_topic_configs,
)
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.messages import alter_configs as alter_configs_message
from broker.wire.messages import incremental_alter_configs
from broker.zookeeper import zookeeper_errors
from coordination.configs import Change, change_config, read_config
from coordination.znodes import paths, whole_number

Answer = TypeVar(
    "Answer",
    alter_configs_message.AlterConfigsResourceResponse,
    incremental_alter_configs.AlterConfigsResourceResponse,
)


class ResourceType(IntEnum):
    """Of what can be configured; the numbers are the wire's, and others are unknown."""

    TOPIC = 2
    BROKER = 4
    BROKER_LOGGER = 8
    CLIENT_METRICS = 16


@attrs.frozen
class ResourceChange:
    """What one resource of a request asks for. `replaces`: its other configs are to go."""

    type: int
    name: str
    operations: Sequence[ConfigOperation]
    replaces: bool = False


async def alter_configs(
    broker: Broker,
    context: RequestContext,
    changes: Sequence[ResourceChange],
    answer_type: type[Answer],
    *,
    validate_only: bool,
) -> list[Answer]:
    """Carry out each by itself, and say of each how that went."""
    targets = [(change.type, change.name) for change in changes]
    answers = []
    for change in changes:
        answer = answer_type(
            resource_type=change.type, resource_name=change.name, error_message=None
        )
        try:
            if targets.count((change.type, change.name)) > 1:
                raise _invalid_request("Each resource must appear at most once.")
            _check_form(change)
            _check_permission(context, change)
            await _alter(broker, change, validate_only)
        except KafkaError as error:
            answer.error_code, answer.error_message = error.code, error.message
        answers.append(answer)
    return answers


def _check_form(change: ResourceChange) -> None:
    names = [each.name for each in change.operations]
    if len(set(names)) < len(names):
        raise _invalid_request("Error due to duplicate config keys")
    for each in change.operations:
        if each.operation not in set(Operation):
            raise _invalid_request(f"Unknown operations type {each.operation}")
    nulls = [
        each.name
        for each in change.operations
        if each.value is None and each.operation != Operation.DELETE
    ]
    if nulls:
        raise _invalid_request(f"Null value not supported for : {', '.join(nulls)}")


def _check_permission(context: RequestContext, change: ResourceChange) -> None:
    if change.type == ResourceType.TOPIC:
        context.require(Resource.TOPIC, change.name)
    elif change.type in set(ResourceType):
        context.require(Resource.CLUSTER)


async def _alter(broker: Broker, change: ResourceChange, validate_only: bool) -> None:
    match change.type:
        case ResourceType.TOPIC:
            await _alter_topic(broker, change, validate_only)
        case ResourceType.BROKER:
            await _alter_broker(broker, change, validate_only)
        case ResourceType.BROKER_LOGGER if not change.replaces:
            check_is_this_broker(broker, change.name, "Node")
            alter_levels(change.operations, validate_only=validate_only)
        case ResourceType.CLIENT_METRICS:
            raise _invalid_request(
                "AlterConfigs is only supported for topics and brokers, "
                "but resource type is CLIENT_METRICS"
            )
        case _:
            raise _invalid_request(f"Unknown resource type {change.type}")


async def _alter_topic(broker: Broker, change: ResourceChange, validate_only: bool) -> None:
    topic = change.name
    if not topic:
        raise _invalid_request("Default topic resources are not allowed.")
    if topic not in broker.metadata.current.topics:
        raise KafkaError(
            ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"The topic '{topic}' does not exist."
        )

    def changed(stored: Mapping[str, str]) -> Mapping[str, str]:
        before = {} if change.replaces else stored
        after = apply_operations(before, change.operations, TOPIC_PROPERTIES)
        try:
            validate_topic_configs(broker.config, after)
        except InvalidTopicConfigValueError as error:
            raise _invalid_value("TOPIC", topic, str(error)) from error
        except InvalidTopicConfigError as error:
            raise KafkaError(ErrorCode.INVALID_CONFIG, str(error)) from error
        return after

    await _write(broker, paths.topic_entity(topic), changed, validate_only)


async def _alter_broker(broker: Broker, change: ResourceChange, validate_only: bool) -> None:
    per_broker = change.name != ""
    if per_broker:
        check_is_this_broker(broker, change.name, "Node")

    def changed(stored: Mapping[str, str]) -> Mapping[str, str]:
        usable, _ = sieve(stored, per_broker=per_broker)
        before = {} if change.replaces else usable
        after = apply_operations(before, change.operations, BROKER_PROPERTIES)
        try:
            check_broker_configs(broker.config, after, per_broker=per_broker)
        except ConfigChangeRefused as refusal:
            raise _invalid_request(str(refusal)) from refusal
        if passwords(after) and not validate_only:
            raise _invalid_value("BROKER", change.name, "Password encoder secret not configured")
        return after

    entity = paths.broker_entity(broker.broker_id if per_broker else None)
    await _write(broker, entity, changed, validate_only)


async def _write(broker: Broker, entity: str, change: Change, validate_only: bool) -> None:
    session = await broker.configs.session()
    try:
        with zookeeper_errors():
            if validate_only:
                change(await read_config(session, entity))
            else:
                await change_config(session, entity, change)
    except ConfigChangeRefused as refusal:
        raise KafkaError(ErrorCode.INVALID_CONFIG, str(refusal)) from refusal


def check_is_this_broker(broker: Broker, name: str, noun: str, or_else: str = ",") -> None:
    """Raises `KafkaError` INVALID_REQUEST for another broker's id, or what is none."""
    broker_id = whole_number(name.removeprefix("+"))
    if broker_id is None or name.startswith("+-"):
        raise _invalid_request(f"{noun} id must be an integer, but it is: {name}")
    if broker_id != broker.broker_id:
        raise _invalid_request(
            f"Unexpected broker id, expected {broker.broker_id}{or_else} but received {name}"
        )


def _invalid_request(message: str) -> KafkaError:
    return KafkaError(ErrorCode.INVALID_REQUEST, message)


def _invalid_value(resource_type: str, name: str, problem: str) -> KafkaError:
    resource = f"ConfigResource(type={resource_type}, name='{name}')"
    return KafkaError(
        ErrorCode.INVALID_CONFIG, f"Invalid config value for resource {resource}: {problem}"
    )
