"""Row 2: a broker is elected, but never learns it: /controller is made, the reply is lost.

Source: KAFKA-13407 (https://github.com/apache/kafka/pull/11476): nobody acts as the controller
then, and nobody else can become it.

Provoked by cutting the connection when ZooKeeper has done the create and before its reply is read:
the election alone, on the memory store and (through a proxy) on a real ZooKeeper; and a whole
ensemble, whose candidates all lose that reply. Whoever made the node must act as controller, or be
gone together with it.
"""

from pathlib import Path

import pytest
import trio
import trio.testing

from coordination.election import Elected, elect, stand_for_controller
from coordination.memory_store import MemorySession, MemoryStore
from coordination.session import keep_session
from coordination.store import Session
from coordination.subscriptions import until_change
from coordination.znodes import paths
from tests.coordination.trace import Trace
from tests.coordination.worlds import PATIENCE_S, World
from tests.simulation.stage import Stage, play


class Seen(Exception):
    """The test has seen enough."""


def clock_ms() -> int:
    return 1795332305804


@pytest.mark.parametrize("applied", [True, False])
async def test_elected_though_the_reply_was_lost(applied: bool) -> None:
    """KAFKA-13407: /controller is made, and whoever made it must know."""
    store = MemoryStore()
    session = await store.open_session()
    await session.create(paths.CONTROLLER_EPOCH, b"6")
    session.lose_next_write(applied=applied)
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def candidate() -> None:
            assert await elect(session, 1, clock_ms) == Elected(7, 1)

        await trio.testing.wait_all_tasks_blocked()
        session.reconnect()
    assert store.tree.node(paths.CONTROLLER_EPOCH).data == b"7"


async def test_elected_though_the_connection_broke(world: World) -> None:
    session, other = await world.open_session(), await world.open_session()
    await session.create(paths.CONTROLLER_EPOCH, b"6")
    with other.subscribe() as events, trio.fail_after(PATIENCE_S):
        await other.exists(paths.CONTROLLER, watch=True)
        world.lose_next_reply(session)
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def candidate() -> None:
                assert await elect(session, 1, clock_ms) == Elected(7, 1)

            await until_change(events, paths.CONTROLLER)
            world.cut(session)
            world.mend(session)
    assert await elect(other, 2, clock_ms) is None


async def test_the_reply_was_lost_and_so_was_the_session() -> None:
    """The next session must not take the old one's /controller for its own."""
    store, trace = MemoryStore(), Trace()
    served: list[tuple[int, Elected]] = []

    async def serve(elected: Elected, cause: str) -> None:
        served.append((len(store.sessions), elected))
        raise Seen

    async def inside(session: Session, cause: str) -> None:
        assert isinstance(session, MemorySession)
        if not trace.of_kind("session.lost"):
            await session.create(paths.CONTROLLER_EPOCH, b"0")
            session.lose_next_write(applied=True)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(elect, session, 1, clock_ms)
                await trio.testing.wait_all_tasks_blocked()
                assert store.tree.stat(paths.CONTROLLER) is not None
                session.expire()
                session.reconnect()
        await stand_for_controller(session, 1, serve, recorder=trace, clock_ms=clock_ms)

    with pytest.RaisesGroup(Seen, flatten_subgroups=True):
        await keep_session(store, inside, recorder=trace)
    assert served == [(1, Elected(2, 2))]


@pytest.mark.long
@pytest.mark.parametrize("session_lives", [True, False])
def test_in_a_whole_ensemble(tmp_path: Path, session_lives: bool) -> None:
    async def story(stage: Stage) -> None:
        ensemble = stage.ensemble
        tree = ensemble.store.tree
        await stage.three_brokers(controller=1)
        for broker_id in (2, 3):
            session_of(stage, broker_id).lose_next_write(applied=True)
        ensemble.expire(1)
        await ensemble.until(lambda: owner_of(stage) is not None, "somebody is elected")
        [elected] = [
            each for each in (2, 3) if session_of(stage, each).session_id == owner_of(stage)
        ]
        assert not ensemble.broker(elected).is_controller  # it was never told
        await trio.sleep(3)
        lost = session_of(stage, elected)
        if not session_lives:
            lost.expire()
        lost.reconnect()
        await ensemble.until(lambda: ensemble.controller is not None, "somebody is controller")
        assert ensemble.controller is not None
        assert session_of(stage, ensemble.controller.broker_id).session_id == owner_of(stage)
        if session_lives:
            assert ensemble.controller.broker_id == elected
        await stage.client.create_topic("later", {0: (1, 2, 3)})
        await stage.checker.settled()
        assert sum(broker.is_controller for broker in ensemble.brokers()) == 1
        assert tree.node(paths.CONTROLLER_EPOCH).data == (b"2" if session_lives else b"3")

    play(story, tmp_path)


def session_of(stage: Stage, broker_id: int) -> MemorySession:
    session = stage.ensemble.zookeepers[broker_id].session
    assert session is not None
    return session


def owner_of(stage: Stage) -> int | None:
    """The session that /controller belongs to."""
    stat = stage.ensemble.store.tree.stat(paths.CONTROLLER)
    return None if stat is None else stat.ephemeral_owner
