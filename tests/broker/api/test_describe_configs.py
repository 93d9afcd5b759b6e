"""DescribeConfigs: whose configuration may be asked for, and what the answer holds."""

from types import SimpleNamespace
from typing import Any

import pytest

from broker.api.describe_configs import handle
from broker.config import BrokerConfig
from broker.wire.errors import ErrorCode
from broker.wire.messages.describe_configs import (
    DescribeConfigsRequest,
    DescribeConfigsResource,
    DescribeConfigsResult,
)
from coordination.topic_checks import check_topic_name

TOPIC, BROKER, LOGGER = 2, 4, 8


class Asked:
    """A broker 1 that knows the topic `t`, and the request that its handler is given."""

    def __init__(self, overrides: dict[str, str] | None = None) -> None:
        self.overrides = overrides or {}
        self.config = BrokerConfig.from_properties(
            {"zookeeper.connect": "zk:2181", "broker.id": "1"}
        )
        self.broker_id = 1
        self.topic_admin = SimpleNamespace(
            overrides=self._topic_overrides, check_name=check_topic_name
        )
        self.metadata = SimpleNamespace(current=SimpleNamespace(topics={"t": None}))

    async def _topic_overrides(self, topic: str) -> dict[str, str]:
        assert topic == "t"
        return self.overrides

    async def describe(
        self, kind: int, name: str, keys: list[str] | None = None, **options: bool
    ) -> DescribeConfigsResult:
        resource = DescribeConfigsResource(
            resource_type=kind, resource_name=name, configuration_keys=keys
        )
        request = DescribeConfigsRequest(resources=[resource], **options)
        broker: Any = self
        context: Any = None
        response = await handle(broker, context, request)
        (result,) = response.results
        assert (result.resource_type, result.resource_name) == (kind, name)
        return result


async def test_a_topic_with_an_override() -> None:
    result = await Asked({"retention.ms": "5"}).describe(TOPIC, "t", include_synonyms=True)
    retention = next(entry for entry in result.configs if entry.name == "retention.ms")
    assert (retention.value, retention.config_source, retention.read_only) == ("5", 1, False)
    assert [(each.name, each.source) for each in retention.synonyms] == [("retention.ms", 1)]
    assert retention.config_type == 5
    assert len(result.configs) == 36


async def test_synonyms_only_when_asked_for() -> None:
    result = await Asked({"retention.ms": "5"}).describe(TOPIC, "t")
    assert all(entry.synonyms == [] for entry in result.configs)
    assert {entry.config_source for entry in result.configs} == {1, 5}


@pytest.mark.parametrize("keys", [["retention.ms", "nonsense"], ["retention.ms"]])
async def test_only_the_keys_that_are_asked_for(keys: list[str]) -> None:
    result = await Asked().describe(TOPIC, "t", keys)
    assert [entry.name for entry in result.configs] == ["retention.ms"]


async def test_no_keys_are_all_keys() -> None:
    assert len((await Asked().describe(TOPIC, "t", [])).configs) == 36


async def test_this_broker() -> None:
    result = await Asked().describe(BROKER, "1", ["broker.id", "num.io.threads"])
    by_name = {entry.name: entry for entry in result.configs}
    assert (by_name["broker.id"].value, by_name["broker.id"].read_only) == ("1", True)
    assert (by_name["num.io.threads"].value, by_name["num.io.threads"].read_only) == ("8", False)


async def test_the_default_of_all_brokers_is_empty() -> None:
    result = await Asked().describe(BROKER, "")
    assert (result.error_code, result.configs) == (ErrorCode.NONE, [])


@pytest.mark.parametrize(
    ("kind", "name", "code", "message"),
    [
        (TOPIC, "nosuch", ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, "knows no such topic"),
        (BROKER, "2", ErrorCode.INVALID_REQUEST, "Unexpected broker id, expected 1 or empty"),
        (BROKER, "x", ErrorCode.INVALID_REQUEST, "Broker id must be an integer, but it is: x"),
        (LOGGER, "1", ErrorCode.INVALID_REQUEST, "Unexpected resource type 8"),
        (0, "?", ErrorCode.INVALID_REQUEST, "Unexpected resource type 0"),
    ],
)
async def test_refused(kind: int, name: str, code: ErrorCode, message: str) -> None:
    result = await Asked().describe(kind, name)
    assert result.error_code == code
    assert message in (result.error_message or "")
    assert result.configs == []


async def test_a_value_that_somebody_wrote_into_zookeeper() -> None:
    result = await Asked({"retention.ms": "soon"}).describe(TOPIC, "t")
    assert result.error_code == ErrorCode.INVALID_CONFIG
    assert "Invalid value soon for configuration retention.ms" in (result.error_message or "")
