"""A broker's life in sessions, under the mock clock: lost and found again, 20 times if need be."""

import pytest
import trio
import trio.testing

from coordination.memory_store import MemorySession, MemoryStore
from coordination.session import keep_session
from coordination.store import Session, SessionLost, StoreError, StoreUnavailable
from tests.coordination.trace import Trace


async def test_lives_in_a_session_until_it_is_told_to_stop() -> None:
    store, trace = MemoryStore(), Trace()

    async def inside(session: Session, cause: str) -> None:
        await session.create("/mine", ephemeral=True)

    await keep_session(store, inside, recorder=trace)
    assert trace.kinds() == ["session.connected"]
    assert store.tree.children("/") == []


async def test_a_lost_session_cancels_what_was_inside_and_the_next_begins() -> None:
    store, trace, lives = MemoryStore(), Trace(), []

    async def inside(session: Session, cause: str) -> None:
        lives.append((session, cause))
        assert isinstance(session, MemorySession)
        if len(lives) < 3:
            session.suspend()
            session.reconnect()
            session.expire()
            await trio.sleep_forever()

    await keep_session(store, inside, recorder=trace)
    assert trace.kinds() == [
        *["session.connected", "session.suspended", "session.reconnected", "session.lost"] * 2,
        "session.connected",
    ]
    # Each life names the event that led to it, back to the first
    assert trace.causes_of(lives[2][1]) == trace.kinds()[::-1]


async def test_a_task_that_notices_the_loss_first_ends_nothing_but_its_session() -> None:
    store, trace, lives = MemoryStore(), Trace(), []

    async def deep_inside(session: MemorySession) -> None:
        session.expire()
        await session.get("/")

    async def inside(session: Session, cause: str) -> None:
        lives.append(session)
        assert isinstance(session, MemorySession)
        if len(lives) == 1:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(deep_inside, session)

    await keep_session(store, inside, recorder=trace)
    assert len(lives) == 2


async def test_another_error_is_not_taken_for_a_loss() -> None:
    async def inside(session: Session, cause: str) -> None:
        raise ZeroDivisionError

    store = MemoryStore()
    with pytest.RaisesGroup(ZeroDivisionError, flatten_subgroups=True, allow_unwrapped=True):
        await keep_session(store, inside, recorder=Trace())
    assert store.sessions == {}


async def test_cancelled_it_closes_its_session() -> None:
    store = MemoryStore()

    async def inside(session: Session, cause: str) -> None:
        await session.create("/mine", ephemeral=True)
        await trio.sleep_forever()

    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def keep() -> None:
            await keep_session(store, inside, recorder=Trace())

        await trio.testing.wait_all_tasks_blocked()
        assert store.tree.children("/") == ["mine"]
        nursery.cancel_scope.cancel()
    assert store.tree.children("/") == []


async def test_the_first_session_must_come_in_time(autojump_clock: trio.abc.Clock) -> None:
    store = MemoryStore()
    store.available = False

    async def inside(session: Session, cause: str) -> None:
        pytest.fail("there is no session to be in")

    with pytest.raises(StoreUnavailable, match="18000 ms"):
        await keep_session(store, inside, recorder=Trace(), connection_timeout_ms=18_000)
    assert trio.current_time() == pytest.approx(18)


async def test_a_zookeeper_that_refuses_is_asked_again_ever_more_slowly(
    autojump_clock: trio.abc.Clock,
) -> None:
    class Refusing(MemoryStore):
        refusals = 0

        async def open_session(self, *, timeout_ms: int | None = None) -> MemorySession:
            self.refusals -= 1
            if self.refusals >= 0:
                raise StoreError("too many connections")
            return await super().open_session(timeout_ms=timeout_ms)

    store, trace = Refusing(), Trace()

    async def inside(session: Session, cause: str) -> None:
        if not trace.of_kind("session.lost"):
            store.refusals = 9
            raise SessionLost("by some reason")

    await keep_session(store, inside, recorder=trace)
    pauses = [event.facts["retry_s"] for event in trace.of_kind("session.refused")]
    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0]
