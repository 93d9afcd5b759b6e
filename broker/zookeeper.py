"""The broker's current ZooKeeper session, for whoever needs it now.

Sessions come and go (`coordination.session`); request handlers and the replica
room only want "the one we have". `broker.run` sets it and takes it away.
"""

import attrs
import trio

from coordination.store import Session


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
