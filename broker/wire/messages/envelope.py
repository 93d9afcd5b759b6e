"""Envelope: a client's request, forwarded by a broker to the controller (KIP-590).

Only KRaft's brokers forward. One in ZooKeeper mode advertises the API, and closes the connection on
such a request.

There is one version, 0.
"""

from broker.wire.schema import BYTES, INT16, message, wire


@message(versions="0", flexible="0+")
class EnvelopeRequest:
    request_data: bytes = wire(BYTES, "0+")  # the other request, with its header
    request_principal: bytes | None = wire(BYTES, "0+", nullable="0+")
    client_host_address: bytes = wire(BYTES, "0+")


@message(versions="0", flexible="0+")
class EnvelopeResponse:
    response_data: bytes | None = wire(BYTES, "0+", nullable="0+", default=None)
    error_code: int = wire(INT16, "0+")
