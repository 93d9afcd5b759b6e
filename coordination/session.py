"""Keeps a broker in a ZooKeeper session: opens one, lives in it, and when it is lost the next.

Being in a session is a scope: `inside(session, cause)` holds everything that is only true while
the session lives (the registration, the candidacy for controller, the watchers), and is cancelled
when it is lost. What must go on without ZooKeeper, leading and following above all, is not in
there: only LeaderAndIsr requests change that.

    open ──► inside(session) ... Suspended, Reconnected ... ──► Lost ──► cancel inside ──► open
      ▲                                                                                     │
      └─────────────────────────────────────────────────────────────────────────────────────┘

The first session must come within `zookeeper.connection.timeout.ms`, or the broker gives up with a
clear error. Later ones are waited for without end: a broker that lost ZooKeeper comes back by
itself whenever ZooKeeper does (stock Kafka could limp on without a session, KAFKA-5473).
"""

from collections.abc import Awaitable, Callable

import attrs
import trio

from coordination.store import (
    Reconnected,
    Session,
    SessionLost,
    Store,
    StoreError,
    StoreEvent,
    Suspended,
)
from coordination.values import Recorder

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0
"""Pauses between failed attempts to open a session, doubling. The store itself waits for an
unreachable ZooKeeper; these are for one that is reached and refuses."""


async def keep_session(
    store: Store,
    inside: Callable[[Session, str], Awaitable[None]],
    *,
    recorder: Recorder,
    connection_timeout_ms: int | None = None,
) -> None:
    """Run `inside` in one session after another, until it returns or this task is cancelled.

    `cause` is the id of the event that says why this session began, for the events that follow.
    Raises StoreUnavailable if the first session does not come in time. However it ends, the
    session is closed, so that ephemerals go at once.
    """
    cause: str | None = None
    first = True
    while True:
        if first:
            session = await store.open_session(timeout_ms=connection_timeout_ms)
        else:
            session = await _reopen(store, recorder, cause)
        first = False
        connected = recorder(
            "session.connected",
            cause=cause,
            session_id=session.session_id,
            timeout_ms=session.negotiated_timeout_ms,
        )
        latest = _Latest(connected)
        try:
            finished = await _live(session, inside, recorder, latest)
        finally:
            await session.aclose()
        if finished:
            return
        cause = recorder("session.lost", cause=latest.event, session_id=session.session_id)


@attrs.define
class _Latest:
    """The last thing that happened to a session: the id of its event."""

    event: str


async def _live(
    session: Session,
    inside: Callable[[Session, str], Awaitable[None]],
    recorder: Recorder,
    latest: _Latest,
) -> bool:
    """True if `inside` came to its end, False if the session is lost."""
    finished = False
    with session.subscribe() as events:
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_follow, session, events, recorder, latest, nursery.cancel_scope)
                await inside(session, latest.event)
                finished = True
                nursery.cancel_scope.cancel()
        except* SessionLost:
            pass  # a task inside noticed it before we did
    return finished


async def _follow(
    session: Session,
    events: trio.MemoryReceiveChannel[StoreEvent],
    recorder: Recorder,
    latest: _Latest,
    living: trio.CancelScope,
) -> None:
    """Record what happens to the session, and end `living` with it."""
    session_id = session.session_id
    async for event in events:
        match event:
            case Suspended(reason):
                latest.event = recorder(
                    "session.suspended", cause=latest.event, session_id=session_id, reason=reason
                )
            case Reconnected():
                latest.event = recorder(
                    "session.reconnected", cause=latest.event, session_id=session_id
                )
    living.cancel()


async def _reopen(store: Store, recorder: Recorder, cause: str | None) -> Session:
    pause_s = FIRST_PAUSE_S
    while True:
        try:
            return await store.open_session()
        except StoreError as error:
            recorder("session.refused", cause=cause, reason=str(error), retry_s=pause_s)
        await trio.sleep(pause_s)
        pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
