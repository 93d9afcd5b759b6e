"""The broker's current ZooKeeper session, for whoever needs it now.

Sessions come and go (`coordination.session`); request handlers and the replica
room only want "the one we have". `broker.run` sets it and takes it away. What goes
wrong with it is told to clients by `zookeeper_errors`.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import attrs
import trio

from broker.wire.errors import ErrorCode, KafkaError
from coordination.store import RequestTooLarge, Session, SessionLost
from coordination.znodes import BadZnode


@attrs.define(eq=False)
class ZooKeeper:
    """Holds the session; `session` waits until there is one."""

    _session: Session | None = attrs.field(default=None, init=False)
    _connected: trio.Event = attrs.field(factory=trio.Event, init=False)

    def opened(self, session: Session) -> None:
        self._session = session
        self._connected.set()

    def closed(self) -> None:
        self._session = None
        self._connected = trio.Event()

    async def session(self) -> Session:
        """The current session; callers bound the wait for one by a deadline of their own."""
        while self._session is None:
            await self._connected.wait()
        return self._session


@contextmanager
def zookeeper_errors() -> Iterator[None]:
    """What a client hears when its request could not be read from or written into ZooKeeper."""
    try:
        yield
    except BadZnode as error:
        raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, str(error)) from error
    except RequestTooLarge as error:
        raise KafkaError(ErrorCode.INVALID_REQUEST, str(error)) from error
    except SessionLost as error:
        raise KafkaError(ErrorCode.REQUEST_TIMED_OUT, "The ZooKeeper session was lost.") from error
