"""What can go wrong between the admin and a cluster.

Each error's text is the one line that its user reads: whose fault it is and what was tried.
"""

from collections.abc import Mapping

from broker.wire.errors import ErrorCode
from cli.client.addresses import Address


class ClientError(Exception):
    """Something between us and the cluster failed; the text says what, in one line."""


class BrokerUnreachable(ClientError):
    """No connection to one broker: nothing was sent."""

    def __init__(self, address: Address, reason: str) -> None:
        self.address = address
        self.reason = reason
        super().__init__(f"no connection to {address}: {reason}")


class NoBrokerReachable(ClientError):
    """None of the bootstrap addresses answers."""

    def __init__(self, reasons: Mapping[Address, str]) -> None:
        tried = ", ".join(f"{address} ({reason})" for address, reason in reasons.items())
        super().__init__(f"no broker reachable; tried {tried}")


class ConnectionLost(ClientError):
    """The connection ended between a request and its answer: the outcome is unknown."""

    def __init__(self, address: Address, request: str) -> None:
        super().__init__(
            f"{address} closed the connection before it answered {request}: "
            "whether it was carried out is unknown"
        )


class VersionNotSupported(ClientError):
    """The broker has no version of the API that we need."""

    def __init__(self, address: Address, request: str, needed: str, offered: str) -> None:
        super().__init__(f"{address} speaks {request} {offered}; {needed} is needed")


class RequestFailed(ClientError):
    """The broker answered with an error code.

    `code` is Kafka's; `message` the broker's own words, if it sent any.
    """

    def __init__(self, what: str, code: ErrorCode, message: str | None = None) -> None:
        self.code = code
        super().__init__(f"{what}: {code.name}" + (f": {message}" if message else ""))


class TimedOut(ClientError):
    """The command's deadline passed; the text names what it was waiting for."""
