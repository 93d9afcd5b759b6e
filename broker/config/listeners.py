"""Where a broker listens, and what it tells others to connect to.

    listeners=INSIDE://10.0.0.1:9092,CLIENTS://:9093     name, host (empty: every interface), port
    advertised.listeners=CLIENTS://shop.example:19093    what clients are told; default: listeners
    listener.security.protocol.map=INSIDE:PLAINTEXT,...  what each name speaks
    inter.broker.listener.name=INSIDE                    which one the other brokers use

A host that is empty stands for every interface when it is bound, and for this machine's canonical
name when it is advertised. An IPv6 host stands in brackets.

What must hold, as in Kafka: names and ports are unique (one port may serve an IPv4 and an IPv6
host); an advertised listener needs no unique port, but must be one that is listened on, and
0.0.0.0 is no address to connect to; the listener between brokers must be advertised, and that of
the controller's requests too, and be another one. And, for zbroker alone: every listener speaks
PLAINTEXT.

Source: Kafka's `SocketServerConfigs`, `CoreUtils.listenerListToEndPoints`, `KafkaConfig`
(validateValues), `KafkaServer.createBrokerInfo`; KIP-103, KIP-291.
"""

import ipaddress
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Final

import attrs

from broker.config.allowed import Value
from broker.config.values import ConfigError, parse_list
from coordination.values import Endpoint

SECURITY_PROTOCOLS: Final = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
SPOKEN_PROTOCOLS: Final = ("PLAINTEXT",)
EVERY_INTERFACE: Final = ""
_LISTENER: Final = re.compile(r"(.*)://\[?([0-9a-zA-Z\-%._:]*)\]?:(-?[0-9]+)")
_FORM: Final = "a list of NAME://host:port"


@attrs.frozen
class Listeners:
    """bound: the host is "" for every interface. advertised: every host is a name to connect to.

    Port 0 (in tests) is any free port: who binds it replaces it, also in what is advertised.
    """

    bound: tuple[Endpoint, ...]
    advertised: tuple[Endpoint, ...]
    inter_broker_name: str
    control_plane_name: str | None


def read_listeners(
    values: Mapping[str, Value], given: Mapping[str, str], canonical_host_name: Callable[[], str]
) -> Listeners:
    """Reads what the six properties say together; raises ConfigError.

    values: every property, parsed; given: those that the file names, as written.
    """
    protocols = _security_protocols(_text(values, "listener.security.protocol.map"))
    bound = _endpoints("listeners", _text(values, "listeners"), protocols)
    _check_ports(bound, _text(values, "listeners"))
    if values["advertised.listeners"] is None:
        advertised = bound
    else:
        advertised = _endpoints(
            "advertised.listeners", _text(values, "advertised.listeners"), protocols
        )
    inter_broker = _inter_broker_name(values, given, protocols)
    control_plane = _control_plane_name(values, protocols)
    _check_together(bound, advertised, inter_broker, control_plane, values)
    _check_spoken(bound, _text(values, "listeners"))
    return Listeners(
        bound,
        tuple(
            endpoint
            if endpoint.host != EVERY_INTERFACE
            else attrs.evolve(endpoint, host=canonical_host_name())
            for endpoint in advertised
        ),
        inter_broker,
        control_plane,
    )


def _text(values: Mapping[str, Value], name: str) -> str:
    value = values[name]
    return value if isinstance(value, str) else ""


def _security_protocols(text: str) -> dict[str, str]:
    key = "listener.security.protocol.map"
    protocols = {}
    for pair in filter(None, parse_list(text)):
        listener, colon, protocol = (part.strip() for part in pair.rpartition(":"))
        if not colon:
            raise ConfigError(key, text, f"`{pair}` has no colon", "a list of NAME:PROTOCOL")
        if protocol.upper() not in SECURITY_PROTOCOLS:
            raise ConfigError(
                key,
                text,
                f"Invalid security protocol `{protocol}` defined in {key}",
                f"NAME:PROTOCOL with one of {', '.join(SECURITY_PROTOCOLS)}",
            )
        protocols[listener.upper()] = protocol.upper()
    return protocols


def split_endpoint(entry: str) -> tuple[str, str, int] | None:
    """Name (in capitals), host and port of `NAME://host:port`; None if it isn't written so."""
    match = _LISTENER.fullmatch(entry)
    return None if match is None else (match[1].upper(), match[2], int(match[3]))


def _endpoints(key: str, text: str, protocols: Mapping[str, str]) -> tuple[Endpoint, ...]:
    endpoints: list[Endpoint] = []
    for entry in filter(None, parse_list(text)):
        parts = split_endpoint(entry)
        if parts is None:
            raise ConfigError(key, text, f"Unable to parse {entry} to a broker endpoint", _FORM)
        name, host, port = parts
        if not 0 <= port <= 65535:
            raise ConfigError(key, text, f"{port} is not a port", "a port from 0 to 65535")
        if name not in protocols:
            raise ConfigError(
                key,
                text,
                f"No security protocol defined for listener {name}",
                "a name that listener.security.protocol.map maps: " + ", ".join(protocols),
            )
        if any(name == other.listener for other in endpoints):
            raise ConfigError(key, text, "Each listener must have a different name", _FORM)
        endpoints.append(Endpoint(name, protocols[name], host, port))
    if not endpoints:
        raise ConfigError(
            key, text, "There must be at least one broker advertised listener.", _FORM
        )
    return tuple(endpoints)


def _check_ports(bound: tuple[Endpoint, ...], text: str) -> None:
    """One port a listener, but for a pair of an IPv4 and an IPv6 address."""
    hosts_by_port = defaultdict(list)
    for endpoint in bound:
        if endpoint.port != 0:
            hosts_by_port[endpoint.port].append(endpoint.host)
    for hosts in hosts_by_port.values():
        if len(hosts) > 1 and sorted(map(_ip_version, hosts)) != [4, 6]:
            raise ConfigError(
                "listeners",
                text,
                "Each listener must have a different port",
                "one port twice only for an IPv4 and an IPv6 address",
            )


def _ip_version(host: str) -> int:
    try:
        return ipaddress.ip_address(host).version
    except ValueError:
        return 0


def _inter_broker_name(
    values: Mapping[str, Value], given: Mapping[str, str], protocols: Mapping[str, str]
) -> str:
    key, other_key = "inter.broker.listener.name", "security.inter.broker.protocol"
    if values[key] is None:
        return _text(values, other_key)
    if other_key in given:
        raise ConfigError(
            key, given[key], f"Only one of {key} and {other_key} should be set.", "one of them"
        )
    return _mapped(key, _text(values, key), protocols)


def _control_plane_name(values: Mapping[str, Value], protocols: Mapping[str, str]) -> str | None:
    key = "control.plane.listener.name"
    return None if values[key] is None else _mapped(key, _text(values, key), protocols)


def _mapped(key: str, name: str, protocols: Mapping[str, str]) -> str:
    if name.upper() not in protocols:
        raise ConfigError(
            key,
            name,
            f"Listener with name {name.upper()} defined in {key} not found in "
            "listener.security.protocol.map.",
            f"one of {', '.join(protocols)}",
        )
    return name.upper()


def _check_together(
    bound: tuple[Endpoint, ...],
    advertised: tuple[Endpoint, ...],
    inter_broker: str,
    control_plane: str | None,
    values: Mapping[str, Value],
) -> None:
    names = [endpoint.listener for endpoint in advertised]
    _check_role("inter.broker.listener.name", inter_broker, names)
    _check_advertised(bound, advertised, values)
    if control_plane is not None:
        _check_role("control.plane.listener.name", control_plane, names)
    if control_plane == inter_broker:
        raise ConfigError(
            "control.plane.listener.name",
            inter_broker,
            "control.plane.listener.name, when defined, should have a different value from the "
            "inter broker listener name.",
            _one_of_advertised(names),
        )


def _check_role(key: str, name: str, advertised: list[str]) -> None:
    """A listener that brokers use among each other must be one that they hear of."""
    if name not in advertised:
        raise ConfigError(
            key,
            name,
            f"{key} must be a listener name defined in advertised.listeners.",
            _one_of_advertised(advertised),
        )


def _one_of_advertised(names: list[str]) -> str:
    return f"one of the advertised listeners: {', '.join(names)}"


def _check_advertised(
    bound: tuple[Endpoint, ...], advertised: tuple[Endpoint, ...], values: Mapping[str, Value]
) -> None:
    key = "listeners" if values["advertised.listeners"] is None else "advertised.listeners"
    text = _text(values, key)
    listening = [endpoint.listener for endpoint in bound]
    unbound = {endpoint.listener for endpoint in advertised} - set(listening)
    if unbound:
        raise ConfigError(
            key,
            text,
            "advertised.listeners listener names must be equal to or a subset of the ones defined "
            f"in listeners; {', '.join(sorted(unbound))} is not",
            "one of " + ", ".join(listening),
        )
    if any(endpoint.host == "0.0.0.0" for endpoint in advertised):
        raise ConfigError(
            key,
            text,
            "advertised.listeners cannot use the nonroutable meta-address 0.0.0.0.",
            "a routable address in advertised.listeners",
        )


def _check_spoken(bound: tuple[Endpoint, ...], text: str) -> None:
    """What Kafka would accept but we don't speak: better not started than without encryption."""
    for endpoint in bound:
        if endpoint.security_protocol not in SPOKEN_PROTOCOLS:
            raise ConfigError(
                "listeners",
                text,
                f"listener {endpoint.listener} is {endpoint.security_protocol}, "
                "which zbroker does not speak yet",
                f"listeners that listener.security.protocol.map maps to {SPOKEN_PROTOCOLS[0]}",
            )
