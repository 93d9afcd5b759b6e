"""Row 6: the broker's own old node is in the way of its new one, and it gives up.

Source: KAFKA-7165 (https://github.com/apache/kafka/pull/5575), KAFKA-6584.

Provoked by a broker that is back in a new session before ZooKeeper has removed what belonged to the
old one. It deletes that node and makes its own, but only a node that is its own: of a session that
it knows to have been one of its own. Somebody else's is left alone and waited for.
"""

from pathlib import Path

import trio

from coordination.memory_store import MemoryStore
from coordination.registration import Registrar, create_persistent_paths
from coordination.values import BrokerRegistration
from coordination.znodes import paths
from tests.coordination.trace import Trace
from tests.coordination.worlds import PATIENCE_S, World
from tests.simulation.stage import Stage, play


def registrar(trace: Trace) -> Registrar:
    return Registrar(BrokerRegistration(1, ()), trace, lambda: 1795332306538)


async def test_the_own_old_node_does_not_block(world: World) -> None:
    """KAFKA-7165: back before the old session expired, its ephemeral is still there."""
    trace = Trace()
    broker = registrar(trace)
    old_session, session = await world.open_session(), await world.open_session()
    await create_persistent_paths(session)
    old = await broker.register(old_session)
    with trio.fail_after(PATIENCE_S):
        new = await broker.register(session)
    assert new.epoch > old.epoch
    await old_session.aclose()
    node = await session.get("/brokers/ids/1")
    assert (node.stat.ephemeral_owner, node.stat.czxid) == (session.session_id, new.epoch)
    assert trace.kinds() == ["broker.registered"] * 2  # nothing was waited for


async def test_a_node_of_another_is_not_deleted(autojump_clock: trio.abc.Clock) -> None:
    """Not even by a broker that has been registered under this id before."""
    store, trace = MemoryStore(session_timeout_ms=6000), Trace()
    old_session, other, session = [await store.open_session() for _ in range(3)]
    await create_persistent_paths(session)
    broker = registrar(trace)
    await broker.register(old_session)
    old_session.expire()
    theirs = await other.create("/brokers/ids/1", b"{}", ephemeral=True)
    with trio.move_on_after(60) as patience:
        await broker.register(session)
    assert patience.cancelled_caught
    assert store.tree.stat("/brokers/ids/1") == theirs.stat
    assert trace.kinds() == ["broker.registered", "broker.registration_waits"]


def test_a_whole_broker_replaces_its_node(tmp_path: Path) -> None:
    """The broker is told that its session is over, and ZooKeeper is slow to clear up after it."""

    async def story(stage: Stage) -> None:
        ensemble = stage.ensemble
        tree = ensemble.store.tree
        tp = await stage.three_brokers(min_insync_replicas="2")
        producer = await stage.client.producer()
        await producer.send(tp, "before")
        old = ensemble.zookeepers[3].session
        assert old is not None
        node = tree.node(paths.broker(3))
        old._lose()
        await ensemble.until(lambda: ensemble.zookeepers[3].session is not old, "a new session", 1)
        await ensemble.until(lambda: tree.node(paths.broker(3)) != node, "a new node", 1)
        ensemble.store.end_session(old.session_id)  # now; it must not take the new node along
        await producer.send(tp, "after")
        await stage.checker.settled()
        session = ensemble.zookeepers[3].session
        assert session is not None
        new = tree.node(paths.broker(3)).stat
        assert new.ephemeral_owner == session.session_id
        assert ensemble.broker(3).broker_epoch == new.czxid > node.stat.czxid

    play(story, tmp_path)
