"""Error codes against the table that Kafka's own class prints."""

import re

import pytest

from broker.wire.errors import ErrorCode, KafkaError
from tests.support.kafka import kafka_tool


@pytest.mark.server
def test_the_table_is_kafkas() -> None:
    html = kafka_tool("org.apache.kafka.common.protocol.Errors").stdout
    cells = re.findall(r"<tr>\s*<td>(\w+)</td>\s*<td>(-?\d+)</td>\s*<td>(\w+)</td>", html)
    theirs = {name: (int(code), retriable == "True") for name, code, retriable in cells}
    assert len(theirs) > 100
    assert {code.name: (code.value, code.retriable) for code in ErrorCode} == theirs


def test_every_error_says_something() -> None:
    for code in ErrorCode:
        assert (code.message == "") == (code is ErrorCode.NONE)
        assert "\n" not in code.message


def test_a_code_from_a_newer_peer_is_an_unknown_error() -> None:
    assert ErrorCode.of(41) is ErrorCode.NOT_CONTROLLER
    assert ErrorCode.of(12345) is ErrorCode.UNKNOWN_SERVER_ERROR


def test_an_exception_carries_its_code_and_a_line() -> None:
    plain = KafkaError(ErrorCode.NOT_COORDINATOR)
    assert plain.message == ErrorCode.NOT_COORDINATOR.message
    error = KafkaError(ErrorCode.INVALID_CONFIG, "retention.ms must be a number")
    assert (error.code, error.message) == (40, "retention.ms must be a number")
    assert str(error) == "INVALID_CONFIG: retention.ms must be a number"
