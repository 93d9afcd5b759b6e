"""The real ZooKeeper, through kazoo; the only place that knows kazoo, and the thread boundary.

kazoo runs one thread for its connection. All that thread does for us is to hand over what it
reads, in the order it reads it, to the event loop:

    kazoo's thread                          │  trio
    reply read     ──► Answer.set ──────────┼──► the waiting call goes on
    watch event    ──► dispatch_callback ───┼──► subscribers' queues
    session state  ──► listener ────────────┼──► connected / suspended / lost, then the queues

Each arrow is one `TrioToken.run_sync_soon`, whose queue keeps the order, so what ZooKeeper sent
first is seen first. kazoo's own two callback threads would lose that order; ours (`thread`) has
none. Nothing here ever makes kazoo's thread wait.

**One client a session.** kazoo would open a new session by itself after an expired one and carry
queued calls over. The handler refuses to connect once the session is lost, so that nothing is
ever sent in a second session; the calls still open are ended here.

**Calls.** kazoo queues what is called while disconnected. We wait for the connection first; a
call that slips through while it breaks is still sent in the same session or not at all.

kazoo retries nothing but connecting: a broken connection is retried, over all hosts, until
ZooKeeper answers, either "go on" or "your session has expired".

    session       one session: calls, events, its end
    thread        what runs on kazoo's thread
    translation   our operations, values and errors in kazoo's words
"""

import math

import trio

from coordination.kazoo_store.session import CLOSE_TIMEOUT_S, KazooSession
from coordination.store import StoreUnavailable
from coordination.values import Recorder

__all__ = ["CLOSE_TIMEOUT_S", "KazooSession", "KazooStore"]

REASON_POLL_S = 0.5
"""How often a wait for the first connection looks whether there is news of why it waits."""


class KazooStore:
    """A ZooKeeper ensemble: `connect` is Kafka's zookeeper.connect, `host:port,...[/chroot]`."""

    def __init__(
        self, connect: str, *, session_timeout_ms: int, recorder: Recorder | None = None
    ) -> None:
        self.hosts, slash, chroot = connect.partition("/")
        self.chroot = (slash + chroot).rstrip("/")
        self.session_timeout_ms = session_timeout_ms
        self.recorder = recorder

    async def open_session(self, *, timeout_ms: int | None = None) -> "KazooSession":
        """As Store says. Makes the chroot if it is missing, as Kafka does."""
        session = KazooSession(self.hosts, self.chroot, self.session_timeout_ms)
        try:
            with trio.move_on_after(math.inf if timeout_ms is None else timeout_ms / 1000):
                await self._connected(session)
                await session.make_chroot()
                return session
            raise StoreUnavailable(
                f"ZooKeeper at {self.hosts} did not answer within {timeout_ms} ms: "
                f"{session.reason or 'no answer'}"
            )
        except BaseException:
            await session.aclose()
            raise

    async def _connected(self, session: "KazooSession") -> None:
        """Wait for the first connection, and record why each time the reason changes."""
        said = None
        while True:
            with trio.move_on_after(REASON_POLL_S):
                await session.connected()
                return
            if self.recorder and session.reason != said:
                said = session.reason
                self.recorder("session.connecting", hosts=self.hosts, reason=said)
