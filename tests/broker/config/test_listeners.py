"""Listeners: every row was put to a real 3.9.1, which decided the same.

But for the protocols that are not spoken here yet.
"""

import pytest

from broker.config import BrokerConfig, ConfigError
from coordination.values import Endpoint


def config(**properties: str) -> BrokerConfig:
    return BrokerConfig.from_properties(
        {"zookeeper.connect": "zk:2181"}
        | {name.replace("_", "."): value for name, value in properties.items()},
        canonical_host_name=lambda: "this.machine",
    )


WITH_OUT = "OUT:PLAINTEXT,PLAINTEXT:PLAINTEXT"


def test_by_default_every_interface_is_bound_and_the_machines_name_advertised() -> None:
    plain = config()
    assert plain.listeners == (Endpoint("PLAINTEXT", "PLAINTEXT", "", 9092),)
    assert plain.advertised_listeners == (Endpoint("PLAINTEXT", "PLAINTEXT", "this.machine", 9092),)
    assert plain.inter_broker_listener_name == "PLAINTEXT"
    assert plain.control_plane_listener_name is None


def test_names_of_ones_own_are_mapped_without_regard_to_case() -> None:
    named = config(
        listeners="PLAINTEXT://127.0.0.1:9092 , client://127.0.0.1:9093,",
        listener_security_protocol_map="client:plaintext,PLAINTEXT:PLAINTEXT",
    )
    assert named.listeners[1] == Endpoint("CLIENT", "PLAINTEXT", "127.0.0.1", 9093)


def test_what_is_advertised_may_be_fewer_and_share_a_port() -> None:
    both = config(
        listeners="PLAINTEXT://a:9092,OUT://b:9093",
        advertised_listeners="PLAINTEXT://shop:1,OUT://shop:1",
        listener_security_protocol_map=WITH_OUT,
    )
    assert [endpoint.port for endpoint in both.advertised_listeners] == [1, 1]
    one = config(
        listeners="PLAINTEXT://a:9092,OUT://:1",
        advertised_listeners="PLAINTEXT://b:1",
        listener_security_protocol_map=WITH_OUT,
    )
    assert one.advertised_listeners == (Endpoint("PLAINTEXT", "PLAINTEXT", "b", 1),)


@pytest.mark.parametrize("host", ["[::1]", "::1"])
def test_ipv6(host: str) -> None:
    assert config(listeners=f"PLAINTEXT://{host}:9092").listeners[0].host == "::1"


def test_ipv4_and_ipv6_may_share_a_port() -> None:
    both = config(
        listeners="PLAINTEXT://[::1]:9092,OUT://127.0.0.1:9092",
        listener_security_protocol_map=WITH_OUT,
    )
    assert len(both.listeners) == 2


def test_the_listener_between_brokers_and_that_of_the_controller() -> None:
    by_name = config(
        listeners="PLAINTEXT://a:9092,OUT://b:9093,CTL://a:9094",
        listener_security_protocol_map=f"CTL:PLAINTEXT,{WITH_OUT}",
        inter_broker_listener_name="out",
        control_plane_listener_name="ctl",
    )
    assert by_name.inter_broker_listener_name == "OUT"
    assert by_name.control_plane_listener_name == "CTL"
    # By its protocol it's the listener that has this very name.
    by_protocol = config(
        listeners="PLAINTEXT://a:9092,OUT://b:9093",
        listener_security_protocol_map=WITH_OUT,
        security_inter_broker_protocol="PLAINTEXT",
    )
    assert by_protocol.inter_broker_listener_name == "PLAINTEXT"


@pytest.mark.parametrize(
    "properties",
    [
        {"listeners": "PLAINTEXT://a:9092,SSL://b:9093"},
        {"listeners": "SSL://b:9093", "security_inter_broker_protocol": "SSL"},
        {"listeners": "PLAINTEXT://a:9092,SASL_PLAINTEXT://b:9093"},
        {
            "listeners": "PLAINTEXT://a:9092,OUT://b:9093",
            "listener_security_protocol_map": "PLAINTEXT:PLAINTEXT,OUT:SASL_SSL",
        },
    ],
)
def test_what_kafka_takes_but_we_do_not_speak_yet(properties: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="which zbroker does not speak yet") as refused:
        config(**properties)
    assert refused.value.name == "listeners"
    assert "PLAINTEXT" in refused.value.allowed


@pytest.mark.parametrize(
    ("properties", "key", "problem"),
    [
        ({"listeners": "PLAINTEXT://0.0.0.0:9092"}, "listeners", "nonroutable meta-address"),
        (
            {"listeners": "PLAINTEXT://a:9092", "advertised_listeners": "PLAINTEXT://0.0.0.0:1"},
            "advertised.listeners",
            "nonroutable meta-address",
        ),
        ({"listeners": "PLAINTEXT://:9092,SSL://:9092"}, "listeners", "a different port"),
        ({"listeners": "PLAINTEXT://:9092,plaintext://:9093"}, "listeners", "a different name"),
        (
            {"listeners": "FOO://a:9092"},
            "listeners",
            "No security protocol defined for listener FOO",
        ),
        ({"listeners": "127.0.0.1:9092"}, "listeners", "Unable to parse 127.0.0.1:9092"),
        ({"listeners": "PLAINTEXT://127.0.0.1"}, "listeners", "Unable to parse"),
        ({"listeners": "PLAINTEXT://a:99999"}, "listeners", "99999 is not a port"),
        ({"listeners": ""}, "listeners", "at least one"),
        (
            {"listeners": "PLAINTEXT://a:9092", "advertised_listeners": ""},
            "advertised.listeners",
            "at least one broker advertised listener",
        ),
        (
            {"listeners": "PLAINTEXT://a:9092", "advertised_listeners": "SSL://b:1"},
            "inter.broker.listener.name",
            "must be a listener name defined in advertised.listeners",
        ),
        (
            {
                "listeners": "PLAINTEXT://a:9092",
                "advertised_listeners": "PLAINTEXT://b:1,SSL://b:2",
            },
            "advertised.listeners",
            "SSL is not",
        ),
        ({"listeners": "SSL://a:9092"}, "inter.broker.listener.name", "must be a listener name"),
        (
            {"inter_broker_listener_name": "FOO"},
            "inter.broker.listener.name",
            "Listener with name FOO defined in inter.broker.listener.name not found",
        ),
        (
            {
                "inter_broker_listener_name": "PLAINTEXT",
                "security_inter_broker_protocol": "PLAINTEXT",
            },
            "inter.broker.listener.name",
            "Only one of",
        ),
        (
            {"security_inter_broker_protocol": "plaintext"},
            "security.inter.broker.protocol",
            "String must be one of: PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL",
        ),
        (
            {"listener_security_protocol_map": "PLAINTEXT"},
            "listener.security.protocol.map",
            "has no colon",
        ),
        (
            {"listener_security_protocol_map": "PLAINTEXT:BAR"},
            "listener.security.protocol.map",
            "Invalid security protocol `BAR`",
        ),
        (
            {"control_plane_listener_name": "PLAINTEXT"},
            "control.plane.listener.name",
            "should have a different value",
        ),
        (
            {"control_plane_listener_name": "CTL"},
            "control.plane.listener.name",
            "not found in listener.security.protocol.map",
        ),
        (
            {"control_plane_listener_name": "SSL"},
            "control.plane.listener.name",
            "must be a listener name defined in advertised.listeners",
        ),
    ],
)
def test_what_is_refused(properties: dict[str, str], key: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem) as refused:
        config(**properties)
    assert refused.value.name == key
    assert refused.value.allowed
