"""Row 3: after its session expired again and again, no broker can become controller any more.

Source: KAFKA-4229 (https://github.com/apache/kafka/pull/2175).

Provoked by 20 sessions that end in random phases: of one candidate, a few steps of the event loop
further each time, and of the brokers of a whole ensemble, at moments that chance chooses from a
tenth of a millisecond to some seconds apart. Afterwards there is exactly one controller, the one
that ZooKeeper names, and it works.
"""

from pathlib import Path

import pytest
import trio
import trio.testing

from coordination.election import Elected, stand_for_controller
from coordination.memory_store import MemoryStore
from coordination.session import keep_session
from coordination.store import Session
from coordination.znodes import paths
from tests.coordination.trace import Trace
from tests.simulation.stage import Stage, play

EXPIRIES = 20
BROKERS = (1, 2, 3)


def clock_ms() -> int:
    return 1795332305804


async def test_twenty_sessions_expire_and_there_is_a_controller_again() -> None:
    """KAFKA-4229: expire in any phase of becoming controller."""
    store, trace = MemoryStore(), Trace()
    serving: list[int] = []

    async def serve(elected: Elected, cause: str) -> None:
        serving.append(elected.epoch)
        try:
            await trio.sleep_forever()
        finally:
            serving.remove(elected.epoch)

    async def inside(session: Session, cause: str) -> None:
        await stand_for_controller(
            session, 1, serve, recorder=trace, clock_ms=clock_ms, cause=cause
        )

    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def keep() -> None:
            await keep_session(store, inside, recorder=trace)

        for phase in range(20):
            for _ in range(phase):  # a few steps of the loop further each time
                await trio.lowlevel.checkpoint()
            for session in tuple(store.sessions.values()):
                session.expire()
            await trio.lowlevel.checkpoint()
        await trio.testing.wait_all_tasks_blocked()

        elected = len(trace.of_kind("controller.elected"))
        assert len(serving) == 1
        assert len(trace.of_kind("controller.resigned")) == elected - 1
        assert store.tree.node(paths.CONTROLLER_EPOCH).data == str(serving[0]).encode()
        nursery.cancel_scope.cancel()


@pytest.mark.long
@pytest.mark.parametrize(
    "seed", [1, *(pytest.param(seed, marks=pytest.mark.matrix) for seed in range(100, 140))]
)
def test_twenty_sessions_of_an_ensemble_expire(tmp_path: Path, seed: int) -> None:
    play(story, tmp_path, seed)


async def story(stage: Stage) -> None:
    ensemble, chance = stage.ensemble, stage.randomness
    tp = await stage.three_brokers(min_insync_replicas="2")
    producer = await stage.client.producer()
    expired: set[int] = set()
    while len(expired) < EXPIRIES:
        victim = ensemble.zookeepers[chance.choice(BROKERS)].session
        assert victim is not None
        if not victim.lost:
            expired.add(victim.session_id)
            victim.expire()
        await trio.sleep(10 ** chance.uniform(-4, 0.6))
    await producer.send(tp, "afterwards")
    await stage.client.create_topic("later", {0: (1, 2, 3)})
    await stage.checker.settled()
    [controller] = [broker.broker_id for broker in ensemble.brokers() if broker.is_controller]
    session = ensemble.zookeepers[controller].session
    node = ensemble.store.tree.node(paths.CONTROLLER)
    assert session is not None
    assert node.stat.ephemeral_owner == session.session_id
    assert ensemble.store.tree.children(paths.BROKER_IDS) == ["1", "2", "3"]
