"""/brokers/ids/N: where broker N listens, for as long as it lives.

    version 5   {"version":5, "host":"h", "port":9092, "jmx_port":-1, "timestamp":"1795332306538",
                 "endpoints":["PLAINTEXT://h:9092"],
                 "listener_security_protocol_map":{"PLAINTEXT":"PLAINTEXT"},
                 "rack":"r1", "features":{}}
    version 1   host and port only: one PLAINTEXT listener
    version 2   endpoints; a listener's name is its security protocol
    version 3   rack
    version 4   listener_security_protocol_map: listeners have names of their own
    version 5   features (KIP-584)

`host` and `port` repeat the first PLAINTEXT endpoint, for clients of 0.8; without one they are
null and -1. Source: kafka.zk.BrokerIdZNode.
"""

import re

from coordination.store import Node
from coordination.values import BrokerRegistration, Endpoint
from coordination.znodes import paths
from coordination.znodes.documents import BadZnode, Document, encode_json, whole_number

# LISTENER://host:port, the host bare, empty, or an IPv6 address in brackets
_ENDPOINT = re.compile(
    r"([^:/]+)://(?:\[([0-9a-zA-Z\-%._:]+)\]|([^\[\]:/]*)):(-?\d{1,5})", re.ASCII
)

LAST_PORT = 65535
SECURITY_PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")


def broker_id_of(name: str) -> int | None:
    """Of a child of /brokers/ids; None for one that no broker can have made."""
    broker_id = whole_number(name)
    if broker_id is None or broker_id < 0 or str(broker_id) != name:
        return None
    return broker_id


def encode_broker(broker: BrokerRegistration) -> bytes:
    plaintext = next((e for e in broker.endpoints if e.security_protocol == "PLAINTEXT"), None)
    document: dict[str, object] = {
        "version": 5,
        "host": plaintext.host if plaintext else None,
        "port": plaintext.port if plaintext else -1,
        "jmx_port": broker.jmx_port,
        "timestamp": str(broker.timestamp_ms),
        "endpoints": [str(endpoint) for endpoint in broker.endpoints],
        "listener_security_protocol_map": {
            endpoint.listener: endpoint.security_protocol for endpoint in broker.endpoints
        },
        "features": broker.features,
    }
    if broker.rack is not None:
        document["rack"] = broker.rack
    return encode_json(document)


def decode_broker(broker_id: int, node: Node) -> BrokerRegistration:
    document = Document.parse(paths.broker(broker_id), node.data)
    version = document.integer("version")
    if version < 1:
        raise document.bad("version", "at least 1")
    endpoints: tuple[Endpoint, ...]
    if version == 1:
        port = document.integer("port")
        endpoints = (Endpoint("PLAINTEXT", "PLAINTEXT", document.string("host"), port),)
    else:
        protocols = document.string_map("listener_security_protocol_map") if version >= 4 else None
        endpoints = tuple(
            _endpoint(document, text, protocols) for text in document.strings("endpoints")
        )
    return BrokerRegistration(
        broker_id=broker_id,
        endpoints=endpoints,
        rack=document.string("rack") if document.has("rack") else None,
        features=_features(document) if document.has("features") else {},
        timestamp_ms=document.digits("timestamp") if document.has("timestamp") else -1,
        jmx_port=document.integer("jmx_port") if document.has("jmx_port") else -1,
        epoch=node.stat.czxid,
    )


def _endpoint(document: Document, text: str, protocols: dict[str, str] | None) -> Endpoint:
    match = _ENDPOINT.fullmatch(text)
    if match is None:
        raise BadZnode(document.path, f"endpoints: expected LISTENER://host:port, found {text!r}")
    listener, ipv6, host, port = match.groups()
    protocol = listener if protocols is None else protocols.get(listener)
    if protocol is None:
        raise BadZnode(
            document.path, f"listener_security_protocol_map: no entry for listener {listener}"
        )
    if protocol not in SECURITY_PROTOCOLS:
        raise BadZnode(document.path, f"there is no security protocol {protocol!r:.80}")
    if not -1 <= int(port) <= LAST_PORT:
        raise BadZnode(document.path, f"endpoints: no port has the number in {text!r:.80}")
    return Endpoint(listener, protocol, ipv6 or host, int(port))


def _features(document: Document) -> dict[str, dict[str, int]]:
    features = document.document("features")
    ranges = {name: features.document(name) for name in features.fields}
    return {name: {key: each.integer(key) for key in each.fields} for name, each in ranges.items()}
