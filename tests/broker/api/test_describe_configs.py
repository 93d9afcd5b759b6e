"""DescribeConfigs: whose configuration may be asked for, and what the answer holds."""

import logging
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from broker.admin.applied_configs import apply_config_change
from broker.broker import Broker
from broker.config.documentation import BROKER_DOCUMENTATION, TOPIC_DOCUMENTATION
from broker.wire.errors import ErrorCode
from broker.wire.messages.describe_configs import (
    DescribeConfigsRequest,
    DescribeConfigsResource,
    DescribeConfigsResourceResult,
    DescribeConfigsResult,
)
from coordination.configs import change_config
from coordination.memory_store import MemorySession
from coordination.znodes import paths
from tests.broker.support import call, know, open_broker

TOPIC, BROKER, LOGGER, CLIENT_METRICS = 2, 4, 8, 16


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    """Broker 1, which knows the topic `t`."""
    async with open_broker(tmp_path) as broker:
        await know(broker, partitions=[("t-0", 1, (1,))])
        yield broker


async def describe(
    broker: Broker, kind: int, name: str, keys: list[str] | None = None, **options: bool
) -> DescribeConfigsResult:
    resource = DescribeConfigsResource(
        resource_type=kind, resource_name=name, configuration_keys=keys
    )
    request = DescribeConfigsRequest(resources=[resource], **options)
    result: DescribeConfigsResult
    (result,) = (await call(broker, request, 4)).results
    assert (result.resource_type, result.resource_name) == (kind, name)
    return result


async def put(broker: Broker, entity: str, configs: Mapping[str, str]) -> None:
    await change_config(await broker.configs.session(), entity, lambda _before: configs)
    await apply_config_change(broker, entity)


def by_name(result: DescribeConfigsResult) -> dict[str, DescribeConfigsResourceResult]:
    assert result.error_code == ErrorCode.NONE
    return {entry.name: entry for entry in result.configs}


def synonyms(entry: DescribeConfigsResourceResult) -> list[tuple[str, str | None, int]]:
    return [(each.name, each.value, each.source) for each in entry.synonyms]


async def test_a_topic_with_an_override(broker: Broker) -> None:
    await put(broker, "topics/t", {"retention.ms": "5"})
    result = await describe(broker, TOPIC, "t", include_synonyms=True)
    retention = by_name(result)["retention.ms"]
    assert (retention.value, retention.config_source, retention.read_only) == ("5", 1, False)
    assert synonyms(retention) == [("retention.ms", "5", 1)]
    assert retention.config_type == 5
    assert len(result.configs) == 36


async def test_every_place_that_could_have_said_it(broker: Broker) -> None:
    await put(broker, "brokers/<default>", {"log.retention.ms": "6"})
    await put(broker, "brokers/1", {"log.retention.ms": "7"})
    await put(broker, "topics/t", {"retention.ms": "5"})
    of_topic = by_name(await describe(broker, TOPIC, "t", include_synonyms=True))["retention.ms"]
    assert synonyms(of_topic) == [
        ("retention.ms", "5", 1), ("log.retention.ms", "7", 2), ("log.retention.ms", "6", 3),
        ("log.retention.hours", "168", 5),
    ]  # fmt: skip
    await put(broker, "topics/t", {})
    assert by_name(await describe(broker, TOPIC, "t"))["retention.ms"].value == "7"
    of_broker = by_name(await describe(broker, BROKER, "1"))["log.retention.ms"]
    assert (of_broker.value, of_broker.config_source, of_broker.read_only) == ("7", 2, False)
    await put(broker, "brokers/1", {})
    of_broker = by_name(await describe(broker, BROKER, "1"))["log.retention.ms"]
    assert (of_broker.value, of_broker.config_source) == ("6", 3)


async def test_synonyms_only_when_asked_for(broker: Broker) -> None:
    await put(broker, "topics/t", {"retention.ms": "5"})
    result = await describe(broker, TOPIC, "t")
    assert all(entry.synonyms == [] for entry in result.configs)
    assert {entry.config_source for entry in result.configs} == {1, 5}


@pytest.mark.parametrize("keys", [["retention.ms", "nonsense"], ["retention.ms"]])
async def test_only_the_keys_that_are_asked_for(broker: Broker, keys: list[str]) -> None:
    result = await describe(broker, TOPIC, "t", keys)
    assert [entry.name for entry in result.configs] == ["retention.ms"]


async def test_no_keys_are_all_keys(broker: Broker) -> None:
    assert len((await describe(broker, TOPIC, "t", [])).configs) == 36


async def test_this_broker(broker: Broker) -> None:
    entries = by_name(await describe(broker, BROKER, "1", ["broker.id", "num.io.threads"]))
    assert (entries["broker.id"].value, entries["broker.id"].read_only) == ("1", True)
    assert (entries["num.io.threads"].value, entries["num.io.threads"].read_only) == ("8", False)


async def test_what_all_brokers_have_in_common(broker: Broker) -> None:
    assert (await describe(broker, BROKER, "")).configs == []
    rate = "leader.replication.throttled.rate"
    await put(broker, "brokers/<default>", {"log.retention.ms": "+6", rate: "9", "my.own": "x"})
    entries = by_name(await describe(broker, BROKER, "", include_synonyms=True))
    assert {name: entry.value for name, entry in entries.items()} == {
        "log.retention.ms": "+6",
        rate: "9",
        "my.own": None,
    }
    assert {entry.config_source for entry in entries.values()} == {3}
    assert synonyms(entries["log.retention.ms"]) == [("log.retention.ms", "+6", 3)]
    assert (entries[rate].config_type, entries[rate].read_only) == (5, True)
    assert entries["my.own"].is_sensitive


async def test_documentation_only_when_asked_for(broker: Broker) -> None:
    texts = {BROKER: BROKER_DOCUMENTATION, TOPIC: TOPIC_DOCUMENTATION}
    for kind, name in ((BROKER, "1"), (TOPIC, "t")):
        entries = by_name(await describe(broker, kind, name, include_documentation=True))
        assert {key: entry.documentation for key, entry in entries.items()} == {
            key: texts[kind].get(key) for key in entries
        }
        without = (await describe(broker, kind, name)).configs
        assert {entry.documentation for entry in without} == {None}


async def test_the_loggers_of_this_process(broker: Broker) -> None:
    logger = logging.getLogger("broker.test.described")
    try:
        logger.setLevel(logging.ERROR)
        entries = by_name(await describe(broker, LOGGER, "1", include_synonyms=True))
        entry = entries[logger.name]
        assert (entry.value, entry.config_source, entry.read_only) == ("ERROR", 6, False)
        assert entry.synonyms == []
        assert "root" in entries
    finally:
        logger.setLevel(logging.NOTSET)


REFUSED = [
    (TOPIC, "nosuch", ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, "knows no such topic"),
    (TOPIC, "a/b", ErrorCode.INVALID_TOPIC_EXCEPTION, "Topic name is invalid"),
    (BROKER, "2", ErrorCode.INVALID_REQUEST, "Unexpected broker id, expected 1 or empty"),
    (BROKER, "x", ErrorCode.INVALID_REQUEST, "Broker id must be an integer, but it is: x"),
    (LOGGER, "", ErrorCode.INVALID_REQUEST, "Broker id must not be empty"),
    (LOGGER, "2", ErrorCode.INVALID_REQUEST, "Unexpected broker id, expected 1"),
    (CLIENT_METRICS, "m", ErrorCode.INVALID_REQUEST, "only supported on KRaft clusters"),
    (0, "?", ErrorCode.INVALID_REQUEST, ErrorCode.INVALID_REQUEST.message),
]


async def test_refused(broker: Broker) -> None:
    for kind, name, code, message in REFUSED:
        result = await describe(broker, kind, name)
        assert result.error_code == code
        assert message in (result.error_message or "")
        assert result.configs == []


async def test_a_session_that_is_lost_meanwhile_is_told(broker: Broker) -> None:
    session = await broker.configs.session()
    assert isinstance(session, MemorySession)
    session.expire()
    result = await describe(broker, TOPIC, "t")
    assert result.error_code == ErrorCode.REQUEST_TIMED_OUT


@pytest.mark.parametrize(
    ("data", "code", "message"),
    [
        (
            b'{"version":1,"config":{"retention.ms":"soon"}}',
            ErrorCode.INVALID_CONFIG,
            "Invalid value soon for configuration retention.ms",
        ),
        (b"garbage", ErrorCode.UNKNOWN_SERVER_ERROR, "bad znode /config/topics/t"),
    ],
)
async def test_what_somebody_wrote_into_zookeeper(
    broker: Broker, data: bytes, code: ErrorCode, message: str
) -> None:
    session = await broker.configs.session()
    await session.create(paths.config("topics/t"), data)
    result = await describe(broker, TOPIC, "t")
    assert result.error_code == code
    assert message in (result.error_message or "")
