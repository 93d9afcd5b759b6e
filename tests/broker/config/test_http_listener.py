"""`http.listener`: off unless it's said, and refused with one line if it makes no sense."""

import attrs
import pytest

from broker.config import BrokerConfig, ConfigError
from broker.config.dynamic import DynamicConfigs
from broker.config.warnings import warning_lines
from coordination.values import Endpoint


def config(text: str | None, listeners: str = "PLAINTEXT://127.0.0.1:9092") -> BrokerConfig:
    properties = {"zookeeper.connect": "zk:2181", "listeners": listeners}
    if text is not None:
        properties["http.listener"] = text
    return BrokerConfig.from_properties(properties)


@pytest.mark.parametrize("text", [None, "", "  "])
def test_none_unless_it_is_said(text: str | None) -> None:
    assert config(text).http_listener is None


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("HTTP://127.0.0.1:9404", "127.0.0.1", 9404),
        ("http://:9404", "", 9404),
        (" HTTP://[::1]:0 ", "::1", 0),
    ],
)
def test_host_and_port(text: str, host: str, port: int) -> None:
    assert config(text).http_listener == Endpoint("HTTP", "HTTP", host, port)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "9404",
            "http.listener=9404: `9404` is not HTTP://host:port (allowed: HTTP://host:port)",
        ),
        (
            "HTTPS://a:1",
            "http.listener=HTTPS://a:1: `HTTPS://a:1` is not HTTP://host:port "
            "(allowed: HTTP://host:port)",
        ),
        (
            "HTTP://a:65536",
            "http.listener=HTTP://a:65536: 65536 is not a port (allowed: a port from 0 to 65535)",
        ),
        (
            "HTTP://:9092",
            "http.listener=HTTP://:9092: port 9092 is in listeners already "
            "(allowed: a port of its own)",
        ),
        (
            "HTTP://a:1,HTTP://b:2",
            "http.listener=HTTP://a:1,HTTP://b:2: `HTTP://a:1,HTTP://b:2` is not HTTP://host:port "
            "(allowed: HTTP://host:port)",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(text: str, line: str) -> None:
    with pytest.raises(ConfigError) as refused:
        config(text)
    assert refused.value.line == line


def test_no_client_hears_of_it() -> None:
    advertised = config("HTTP://127.0.0.1:9404").advertised_listeners
    assert [endpoint.port for endpoint in advertised] == [9092]


def test_it_is_no_name_to_warn_of() -> None:
    assert warning_lines(["http.listener"]) == []


def test_it_stays_while_the_broker_runs() -> None:
    started = attrs.evolve(config(None), http_listener=Endpoint("HTTP", "HTTP", "a", 1))
    assert started.with_dynamic(DynamicConfigs()).http_listener == started.http_listener
