"""The real Kafka and its tools, as tests use them."""

import zipfile
from pathlib import Path

import pytest

from tests.support.broker_process import running_broker
from tests.support.kafka import kafka_tool
from tests.support.kafka_jars import kafka_jar
from tests.support.tools import require_tool


@pytest.mark.server
def test_a_real_broker_and_its_own_tool(zookeeper: str, tmp_path: Path) -> None:
    topics = "org.apache.kafka.tools.TopicCommand"
    with running_broker("kafka", 7, zookeeper, tmp_path) as kafka:
        at_broker = ("--bootstrap-server", kafka.address)
        kafka_tool(topics, *at_broker, "--create", "--topic", "greetings")
        assert kafka_tool(topics, *at_broker, "--list").stdout.split() == ["greetings"]
        with pytest.raises(AssertionError, match="already exists"):
            kafka_tool(topics, *at_broker, "--create", "--topic", "greetings")


@pytest.mark.server  # downloads 60 MB once
def test_the_message_definitions_are_at_hand() -> None:
    with zipfile.ZipFile(kafka_jar("kafka-clients")) as jar:
        assert "common/message/ProduceRequest.json" in jar.namelist()


def test_a_missing_tool_skips_here_and_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="missing no-such-tool: build it"):
        require_tool("no-such-tool", "build it")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="missing no-such-tool: build it"):
        require_tool("no-such-tool", "build it")
    assert require_tool("sh", "it is everywhere").endswith("/sh")
