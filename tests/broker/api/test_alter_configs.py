"""AlterConfigs and IncrementalAlterConfigs: what is written, and what is refused in which words."""

import json
import logging
from collections.abc import Mapping
from pathlib import Path

import pytest

from broker.admin.applied_configs import apply_config_change
from broker.broker import Broker
from broker.wire.errors import ErrorCode
from broker.wire.messages import alter_configs as ac
from broker.wire.messages import incremental_alter_configs as iac
from coordination.configs import change_config, read_config
from coordination.memory_store import MemorySession
from coordination.znodes import paths
from tests.broker.support import call, know, open_broker

TOPIC, BROKER, LOGGER, CLIENT_METRICS = 2, 4, 8, 16
SET, DELETE, APPEND, SUBTRACT = 0, 1, 2, 3
Outcome = tuple[ErrorCode, str | None]
OK: Outcome = (ErrorCode.NONE, None)


async def increment(
    broker: Broker,
    kind: int,
    name: str,
    *operations: tuple[str, int, str | None],
    validate_only: bool = False,
) -> Outcome:
    resource = iac.AlterConfigsResource(
        resource_type=kind,
        resource_name=name,
        configs=[
            iac.AlterableConfig(name=key, config_operation=operation, value=value)
            for key, operation, value in operations
        ],
    )
    request = iac.IncrementalAlterConfigsRequest(resources=[resource], validate_only=validate_only)
    [answer] = (await call(broker, request, 1)).responses
    assert (answer.resource_type, answer.resource_name) == (kind, name)
    return ErrorCode(answer.error_code), answer.error_message


async def replace(
    broker: Broker,
    kind: int,
    name: str,
    configs: Mapping[str, str | None],
    validate_only: bool = False,
) -> Outcome:
    resource = ac.AlterConfigsResource(
        resource_type=kind,
        resource_name=name,
        configs=[ac.AlterableConfig(name=key, value=value) for key, value in configs.items()],
    )
    request = ac.AlterConfigsRequest(resources=[resource], validate_only=validate_only)
    [answer] = (await call(broker, request, 2)).responses
    assert (answer.resource_type, answer.resource_name) == (kind, name)
    return ErrorCode(answer.error_code), answer.error_message


async def stored(broker: Broker, entity: str) -> dict[str, str]:
    return await read_config(await broker.configs.session(), entity)


async def know_topic(broker: Broker) -> None:
    await know(broker, partitions=[("t-0", 1, (1,))])


async def test_a_topic_by_operations(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await know_topic(broker)
        assert await increment(broker, TOPIC, "t", ("retention.ms", SET, "5")) == OK
        assert await increment(broker, TOPIC, "t", ("cleanup.policy", APPEND, "compact")) == OK
        assert await stored(broker, "topics/t") == {
            "retention.ms": "5",
            "cleanup.policy": "delete,compact",
        }
        operations = (("retention.ms", DELETE, None), ("cleanup.policy", SUBTRACT, "delete"))
        assert await increment(broker, TOPIC, "t", *operations, validate_only=True) == OK
        assert "retention.ms" in await stored(broker, "topics/t")
        assert await increment(broker, TOPIC, "t", *operations) == OK
        assert await stored(broker, "topics/t") == {"cleanup.policy": "compact"}
        session = await broker.configs.session()
        changes = await session.children(paths.CONFIG_CHANGES)
        node = await session.get(f"{paths.CONFIG_CHANGES}/{max(changes)}")
        assert len(changes) == 3
        assert json.loads(node.data) == {"version": 2, "entity_path": "topics/t"}


async def test_a_topic_as_a_whole(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await know_topic(broker)
        assert await replace(broker, TOPIC, "t", {"retention.ms": "5", "segment.ms": "9"}) == OK
        assert await replace(broker, TOPIC, "t", {"retention.ms": "6"}, validate_only=True) == OK
        assert await stored(broker, "topics/t") == {"retention.ms": "5", "segment.ms": "9"}
        assert await replace(broker, TOPIC, "t", {"retention.ms": "6"}) == OK
        assert await stored(broker, "topics/t") == {"retention.ms": "6"}


async def test_this_broker_and_all_brokers(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        assert await increment(broker, BROKER, "1", ("log.retention.ms", SET, "5")) == OK
        assert await replace(broker, BROKER, "", {"log.retention.ms": "6"}) == OK
        assert await stored(broker, "brokers/1") == {"log.retention.ms": "5"}
        assert await stored(broker, "brokers/<default>") == {"log.retention.ms": "6"}
        await apply_config_change(broker, "brokers/1")
        assert broker.config.log_retention_ms == 5
        assert await increment(broker, BROKER, "1", ("log.retention.ms", DELETE, "")) == OK
        assert await stored(broker, "brokers/1") == {}


async def test_what_cannot_be_used_goes_at_the_next_change(tmp_path: Path) -> None:
    """As in Kafka: a request works on what is used, not on what is stored."""
    async with open_broker(tmp_path) as broker:
        session = await broker.configs.session()
        by_hand = {"log.dirs": "/tmp", "log.segment.bytes": "x", "my.own": "y"}
        await change_config(session, "brokers/1", lambda _before: by_hand)
        assert await increment(broker, BROKER, "1", ("log.retention.ms", SET, "5")) == OK
        assert await stored(broker, "brokers/1") == {"my.own": "y", "log.retention.ms": "5"}


REQUEST, CONFIG = ErrorCode.INVALID_REQUEST, ErrorCode.INVALID_CONFIG

REFUSED = [
    (TOPIC, "", "retention.ms", SET, "5", REQUEST, "Default topic resources are not allowed."),
    (TOPIC, "nosuch", "retention.ms", SET, "5", ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
     "The topic 'nosuch' does not exist."),
    (TOPIC, "t", "nonsense", SET, "5", CONFIG, "Unknown topic config name: nonsense"),
    (TOPIC, "t", "retention.ms", SET, "x", CONFIG,
     "Invalid config value for resource ConfigResource(type=TOPIC, name='t'): Invalid value x for "
     "configuration retention.ms: Not a number of type LONG"),
    (TOPIC, "t", "retention.ms", APPEND, "5", CONFIG,
     "Config value append is not allowed for config key: retention.ms"),
    (TOPIC, "t", "retention.ms", SET, None, REQUEST, "Null value not supported for : retention.ms"),
    (TOPIC, "t", "retention.ms", 9, "5", REQUEST, "Unknown operations type 9"),
    (BROKER, "2", "log.retention.ms", SET, "5", REQUEST,
     "Unexpected broker id, expected 1, but received 2"),
    (BROKER, "x", "log.retention.ms", SET, "5", REQUEST,
     "Node id must be an integer, but it is: x"),
    (BROKER, "9" * 5000, "log.retention.ms", SET, "5", REQUEST,
     "Node id must be an integer, but it is: " + "9" * 5000),
    (BROKER, "1", "log.dirs", SET, "/x", REQUEST,
     "Cannot update these configs dynamically: Set(log.dirs)"),
    (BROKER, "1", "log.retention.ms", SET, "x", REQUEST,
     "Invalid value x for configuration log.retention.ms: Not a number of type LONG"),
    (BROKER, "", "advertised.listeners", SET, "PLAINTEXT://x:1", REQUEST,
     "Cannot update these configs at default cluster level, broker id must be specified: "
     "Set(advertised.listeners)"),
    (BROKER, "1", "listener.name.plaintext.ssl.key.password", SET, "secret", CONFIG,
     "Invalid config value for resource ConfigResource(type=BROKER, name='1'): "
     "Password encoder secret not configured"),
    (LOGGER, "2", "root", SET, "INFO", REQUEST, "Unexpected broker id, expected 1, but received 2"),
    (LOGGER, "1", "no.such.logger", SET, "INFO", CONFIG, "Logger no.such.logger does not exist!"),
    (LOGGER, "1", "root", SET, "LOUD", CONFIG,
     "Cannot set the log level of root to LOUD as it is not a supported log level. "
     "Valid log levels are DEBUG, ERROR, FATAL, INFO, TRACE, WARN"),
    (LOGGER, "1", "root", DELETE, "", REQUEST,
     "Removing the log level of the root logger is not allowed"),
    (LOGGER, "1", "root", APPEND, "INFO", REQUEST,
     "APPEND operation is not allowed for the BROKER_LOGGER resource"),
    (CLIENT_METRICS, "m", "interval.ms", SET, "5", REQUEST,
     "AlterConfigs is only supported for topics and brokers, but resource type is CLIENT_METRICS"),
    (32, "group", "x", SET, "5", REQUEST, "Unknown resource type 32"),
]  # fmt: skip


async def test_refusals(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await know_topic(broker)
        said = {
            case[:5]: await increment(broker, case[0], case[1], (case[2], case[3], case[4]))
            for case in REFUSED
        }
        assert said == {case[:5]: case[5:] for case in REFUSED}
        session = await broker.configs.session()
        assert await session.children(paths.CONFIG_CHANGES) == []


@pytest.mark.long
async def test_what_zookeeper_cannot_take_is_the_clients_mistake(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await know_topic(broker)
        many = ",".join(["0:1"] * 300_000)
        key = "leader.replication.throttled.replicas"
        code, message = await increment(broker, TOPIC, "t", (key, SET, many))
        assert code == REQUEST
        assert "over ZooKeeper's limit" in (message or "")


async def test_a_session_that_is_lost_meanwhile_is_told(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await know_topic(broker)
        session = await broker.configs.session()
        assert isinstance(session, MemorySession)
        session.expire()
        lost = (ErrorCode.REQUEST_TIMED_OUT, "The ZooKeeper session was lost.")
        assert await increment(broker, TOPIC, "t", ("retention.ms", SET, "5")) == lost


async def test_the_older_request_knows_no_loggers(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        assert await replace(broker, LOGGER, "1", {"root": "INFO"}) == (
            REQUEST,
            "Unknown resource type 8",
        )
        assert await replace(broker, TOPIC, "t", {"retention.ms": None}) == (
            REQUEST,
            "Null value not supported for : retention.ms",
        )


async def test_nothing_may_be_named_twice(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await know_topic(broker)
        twice = (("retention.ms", SET, "5"), ("retention.ms", DELETE, None))
        assert await increment(broker, TOPIC, "t", *twice) == (
            REQUEST,
            "Error due to duplicate config keys",
        )
        resources = [
            iac.AlterConfigsResource(resource_type=TOPIC, resource_name=name)
            for name in ("t", "t", "nosuch")
        ]
        request = iac.IncrementalAlterConfigsRequest(resources=resources)
        answers = (await call(broker, request, 1)).responses
        assert [answer.error_message for answer in answers] == [
            "Each resource must appear at most once.",
            "Each resource must appear at most once.",
            "The topic 'nosuch' does not exist.",
        ]


async def test_a_loggers_level(tmp_path: Path) -> None:
    logger = logging.getLogger("broker.test.levels")
    try:
        async with open_broker(tmp_path) as broker:
            name = logger.name
            change = (name, SET, "FATAL")
            assert await increment(broker, LOGGER, "1", change, validate_only=True) == OK
            assert logger.level == logging.NOTSET
            assert await increment(broker, LOGGER, "1", change) == OK
            assert logger.level == logging.CRITICAL
            assert await increment(broker, LOGGER, "1", (name, DELETE, "")) == OK
            assert logger.level == logging.NOTSET
    finally:
        logger.setLevel(logging.NOTSET)
