"""What a handler gives back: an answer, or one with a condition; and what it may end.

None        nothing is answered (acks=0)
Later       the work is done, and it must wait before it may be said (acks=all)
Throttled   said at once, and then the client isn't listened to for a while (KIP-219)
Timed       any of them, by whoever wants to know how long its way out takes
anything else is a response, and encoded
"""

from collections.abc import Awaitable, Callable
from typing import Protocol

import attrs


@attrs.frozen
class Later:
    """An answer whose request is done but for waiting; `wait` is called once, in its turn.

    is_ready: whether it would not have to wait any more. Who can't tell says no.
    """

    wait: Callable[[], Awaitable[object]]
    is_ready: Callable[[], bool] = lambda: False


@attrs.frozen
class Throttled:
    """An answer to who has used up a quota: he isn't listened to for a while (KIP-219)."""

    answer: object | None
    quiet_s: float


class Timing(Protocol):
    """Whoever wants to know how long an answer was on its way out."""

    def sending(self) -> None:
        """Its turn has come."""

    def sent(self) -> None:
        """It is in the hands of the kernel; at once, if there is none (acks=0)."""


@attrs.define(eq=False)  # not frozen: it's made for each request, and that costs twice as much
class Timed:
    """An answer, of whatever kind, whose way out is timed."""

    answer: object | None
    timing: Timing


# What a handler gives back. None: this request has no answer (acks=0).
Answer = object | None


class CloseConnection(Exception):
    """Raised by a handler to end the connection, as Kafka does for an error with acks=0."""
