"""The configuration beside a real Kafka 3.9.1: its tables, its answers, its refusals."""

import html
import re
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from broker.config import BrokerConfig, ConfigError
from broker.config.described import Described, describe_broker, describe_topic
from broker.config.java_properties import parse_properties
from broker.config.table import BROKER_PROPERTIES
from broker.config.table.topic import TOPIC_PROPERTIES
from broker.config.values import Property
from broker.wire.apis import ApiKey
from broker.wire.framing import decode_response, encode_request
from broker.wire.messages.create_topics import (
    CreatableTopic,
    CreatableTopicConfig,
    CreateTopicsRequest,
)
from broker.wire.messages.describe_configs import (
    DescribeConfigsRequest,
    DescribeConfigsResource,
    DescribeConfigsResourceResult,
)
from tests.broker.config.test_topic_configs import ACCEPTED, REFUSED, configs
from tests.support.broker_process import running_broker
from tests.support.kafka import kafka_tool
from tests.support.server import ServerProcess
from tests.support.zookeeper import real_zookeeper

pytestmark = pytest.mark.server

TOPIC, BROKER = 2, 4
# Each says something else about where a value comes from.
PROPERTIES = {
    "log.retention.minutes": "100",
    "log.segment.bytes": "+1048576",
    "min.insync.replicas": "2",
    "ssl.truststore.password": "hunter2",
    "log.cleaner.io.max.bytes.per.second": "1e6",
    "log.initial.task.delay.ms": "1000",
    "my.own.setting": "x",
    "listener.name.inside.ssl.client.auth": "required",
    "log.cleanup.policy": "compact, delete",
    "queued.max.requests": " 77 ",
}
OVERRIDES = {
    "retention.ms": "+1000",
    "cleanup.policy": "compact,delete",
    "min.cleanable.dirty.ratio": "2e-1",
    "segment.bytes": "2000000",
    "leader.replication.throttled.replicas": "0:1",
}


@attrs.frozen
class Documented:
    """A row of the documentation that Kafka generates from its own tables."""

    type: str
    default: str
    valid: str
    is_dynamic: bool


def documented(main_class: str) -> dict[str, Documented]:
    rows = {}
    for item in kafka_tool(main_class).stdout.split("<li>\n<h4>")[1:]:
        name = re.search(r'">([^<]+)</a></h4>', item)
        assert name is not None
        cells = {
            key: html.unescape(value)
            for key, value in re.findall(r"<tr><th>([^:]+):</th><td>(.*?)</td>", item, re.DOTALL)
        }
        rows[name[1]] = Documented(
            type=cells["Type"].upper(),
            default=re.sub(r" \(.*\)$", "", cells["Default"]),
            valid=cells["Valid Values"],
            is_dynamic=cells.get("Update Mode", "read-only") != "read-only",
        )
    return rows


@pytest.mark.parametrize(
    ("main_class", "table"),
    [
        ("kafka.server.KafkaConfig", BROKER_PROPERTIES),
        ("org.apache.kafka.storage.internals.log.LogConfig", TOPIC_PROPERTIES),
    ],
)
def test_the_table_is_kafkas(main_class: str, table: dict[str, Property]) -> None:
    theirs = documented(main_class)
    ours = {name: row for name, row in table.items() if not row.internal}
    assert set(ours) == set(theirs)
    for name, row in ours.items():
        default = "null" if row.default is None else row.default or '""'
        documented_default = "" if default == '""' else default
        assert theirs[name].type == row.type.name, name
        assert theirs[name].default in (default, documented_default), name
        assert theirs[name].is_dynamic == row.dynamic, name
        check_allowed(row, theirs[name].valid)


def check_allowed(row: Property, valid: str) -> None:
    """Ours allows what the documentation says, up to the last value, and nothing beyond."""
    limits = re.fullmatch(r"\[(-?[\d.]+),\.\.\.(?:,(-?[\d.]+))?\]", valid)
    words = re.fullmatch(r"\[([\w., -]+)\]", valid)
    if limits is not None:
        for limit, beyond in ((limits[1], -1), (limits[2], +1)):
            if limit is not None:
                row.parse(limit)
                with pytest.raises(ConfigError):
                    row.parse(str(int(float(limit)) + beyond))
    elif words is not None:
        for word in words[1].split(", "):
            row.parse(word)
        with pytest.raises(ConfigError):
            row.parse("nonsense")


@attrs.frozen
class Real:
    server: ServerProcess
    config: BrokerConfig  # ours, of the same file

    def ask(self, key: ApiKey, version: int, request: object) -> Any:
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=30) as connection:
            for chunk in encode_request(key, version, 1, "test", request):
                assert isinstance(chunk, bytes | bytearray | memoryview)
                connection.sendall(chunk)
            with connection.makefile("rb") as answer:
                (size,) = struct.unpack(">i", answer.read(4))
                return decode_response(key, version, memoryview(answer.read(size)))[1]

    def describe(self, version: int, kind: int, name: str) -> list[DescribeConfigsResourceResult]:
        resource = DescribeConfigsResource(
            resource_type=kind, resource_name=name, configuration_keys=None
        )
        request = DescribeConfigsRequest(resources=[resource], include_synonyms=version > 0)
        (result,) = self.ask(ApiKey.DESCRIBE_CONFIGS, version, request).results
        assert (result.error_code, result.error_message) == (0, "")
        return list(result.configs)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    directory: Path = tmp_path_factory.mktemp("kafka")
    with (
        real_zookeeper(directory / "zookeeper") as zookeeper,
        running_broker(
            "kafka", 1, f"127.0.0.1:{zookeeper.port}", directory / "kafka", properties=PROPERTIES
        ) as server,
    ):
        file = directory / "kafka" / "server.properties"
        yield Real(server, BrokerConfig.from_properties(parse_properties(file.read_bytes())))


def as_answered(entry: Described) -> tuple[object, ...]:
    return (
        entry.value,
        entry.read_only,
        entry.is_sensitive,
        int(entry.source),
        entry.type,
        [(each.name, each.value, int(each.source)) for each in entry.synonyms],
    )


def as_seen(entry: DescribeConfigsResourceResult) -> tuple[object, ...]:
    return (
        entry.value,
        entry.read_only,
        entry.is_sensitive,
        entry.config_source,
        entry.config_type,
        [(each.name, each.value, each.source) for each in entry.synonyms],
    )


def test_a_broker_is_described_alike(real: Real) -> None:
    theirs = {entry.name: as_seen(entry) for entry in real.describe(4, BROKER, "1")}
    ours = {entry.name: as_answered(entry) for entry in describe_broker(real.config)}
    assert ours == theirs


def test_a_topic_with_overrides_is_described_alike(real: Real) -> None:
    created = real.ask(ApiKey.CREATE_TOPICS, 7, CreateTopicsRequest(topics=[topic("t", OVERRIDES)]))
    assert created.topics[0].error_code == 0
    theirs = {entry.name: as_seen(entry) for entry in real.describe(4, TOPIC, "t")}
    ours = {entry.name: as_answered(entry) for entry in describe_topic(real.config, OVERRIDES)}
    assert ours == theirs


def test_the_oldest_version_has_no_source_and_calls_nothing_a_default(real: Real) -> None:
    entries = real.describe(0, BROKER, "1")
    assert {entry.is_default for entry in entries} == {False}


def test_topic_configs_are_refused_in_the_same_words(real: Real) -> None:
    texts = {f"topic-{number}": text for number, text in enumerate([*REFUSED, *ACCEPTED])}
    request = CreateTopicsRequest(
        topics=[topic(name, configs(text)) for name, text in texts.items()],
        validate_only=True,
        timeout_ms=10_000,
    )
    answer = real.ask(ApiKey.CREATE_TOPICS, 7, request)
    said = {texts[each.name]: each.error_message for each in answer.topics}
    assert said == REFUSED | dict.fromkeys(ACCEPTED)


def topic(name: str, own: dict[str, str]) -> CreatableTopic:
    return CreatableTopic(
        name=name,
        num_partitions=1,
        replication_factor=1,
        configs=[CreatableTopicConfig(name=key, value=value) for key, value in own.items()],
    )
