"""One request and how it ended, for somebody who looks on (`request_stream`).

    {"time_ms": 1795404181279, "api": "Fetch", "version": 17, "correlation_id": 4, "client_id": "c",
     "listener": "PLAINTEXT", "principal": "User:ANONYMOUS", "host": "127.0.0.1", "size_bytes": 87,
     "local_ms": 0.2, "remote_ms": 500.1, .., "total_ms": 500.6, "errors": {"NONE": 3}}

The times are those of `requests`; errors are counted as there, of topics and partitions each.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

import attrs

from broker.api.context import RequestContext
from broker.wire.apis import API_TABLE
from broker.wire.errors import ErrorCode

# Of `requests.PHASES`, in their order.
_PHASES: Final = ("local_ms", "remote_ms", "throttle_ms", "queue_ms", "send_ms", "total_ms")


@attrs.frozen
class Answered:
    """time_ms: since 1970, when its answer was sent."""

    time_ms: int
    context: RequestContext
    phases_ms: Sequence[float]
    errors: Mapping[int, int]

    @property
    def api(self) -> str:
        return API_TABLE[self.context.api_key].name

    @property
    def document(self) -> dict[str, object]:
        """What JSON tells of it."""
        return {
            "time_ms": self.time_ms,
            "api": self.api,
            "version": self.context.api_version,
            "correlation_id": self.context.correlation_id,
            "client_id": self.context.client_id,
            "listener": self.context.listener,
            "principal": self.context.principal,
            "host": self.context.host,
            "size_bytes": self.context.size_bytes,
            **{name: round(each, 3) for name, each in zip(_PHASES, self.phases_ms, strict=True)},
            "errors": {ErrorCode.of(code).name: count for code, count in self.errors.items()},
        }


class Reader(Protocol):
    """Follows the requests while they are answered."""

    def tell(self, event: Answered, /) -> None:
        """There's another one; returns at once, and keeps no more than it has room for."""


@attrs.define(eq=False)
class Onlookers:
    """Who looks on, and what they are told of one request."""

    context: RequestContext
    readers: set[Reader]
    errors: Counter[int] = attrs.field(factory=Counter, init=False)
    clock_s: Callable[[], float] = time.time

    def tell(self, phases_ms: Sequence[float]) -> None:
        answered = Answered(
            round(self.clock_s() * 1000), self.context, phases_ms, dict(self.errors)
        )
        for reader in self.readers:
            reader.tell(answered)
