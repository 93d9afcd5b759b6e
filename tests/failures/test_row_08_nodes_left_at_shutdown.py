"""Row 8: a broker stops, and its /brokers/ids/N and /controller stay until the session times out.

Source: KAFKA-9358 (https://github.com/apache/kafka/pull/7968): the others wait all that time.

Provoked by SIGTERM. In the simulation every write to ZooKeeper is looked at: both nodes are deleted
by name and under a condition (a version of one's own, the epoch of one's own term), so that nobody
else's node goes by mistake. With real processes: nothing is left when the process has ended.
"""

from pathlib import Path
from unittest.mock import patch

import pytest

from coordination.memory_store import MemoryStore
from coordination.memory_tree import Done
from coordination.registration import Registrar, create_persistent_paths
from coordination.store import Check, Delete, Op
from coordination.values import BrokerRegistration
from coordination.znodes import paths
from tests.coordination.trace import Trace
from tests.coordination.worlds import World
from tests.interop.faults.watch import watching
from tests.simulation.stage import Stage, play
from tests.support.cluster import running_cluster


def registrar() -> Registrar:
    return Registrar(BrokerRegistration(1, ()), Trace(), lambda: 1795332306538)


async def test_leaving_deletes_the_node(world: World) -> None:
    """KAFKA-9358: nobody shall wait for the session's timeout."""
    session, other = await world.open_session(), await world.open_session()
    await create_persistent_paths(session)
    broker = registrar()
    await broker.register(session)
    await broker.unregister(session)
    assert await other.exists("/brokers/ids/1") is None
    await broker.unregister(session)


async def test_leaving_deletes_nobody_elses_node() -> None:
    store = MemoryStore()
    session, other = await store.open_session(), await store.open_session()
    await create_persistent_paths(session)
    broker = registrar()
    await broker.register(session)
    await other.delete("/brokers/ids/1")
    await registrar().register(other)
    await broker.unregister(session)
    assert store.tree.node("/brokers/ids/1").stat.ephemeral_owner == other.session_id


def test_a_controller_that_stops_deletes_both_by_name(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        store = stage.ensemble.store
        await stage.three_brokers(controller=1)
        epoch = store.tree.node(paths.CONTROLLER_EPOCH).stat.version
        written: list[list[Op]] = []
        commit = store.commit

        def listening(ops: list[Op], session_id: int) -> list[Done]:
            written.append(ops)
            return commit(ops, session_id)

        with patch.object(store, "commit", listening):
            await stage.ensemble.stop(1)
        assert [Delete(paths.broker(1), version=1)] in written
        assert [Check(paths.CONTROLLER_EPOCH, epoch), Delete(paths.CONTROLLER)] in written

    play(story, tmp_path)


@pytest.mark.server
def test_nothing_is_left_of_a_process_that_was_told_to_stop(tmp_path: Path) -> None:
    # So long that no timeout can have done it.
    properties = {"zookeeper.session.timeout.ms": "18000"}
    with (
        running_cluster("zbroker", tmp_path, brokers=1, properties=properties) as cluster,
        watching(cluster.zookeeper_connect) as watch,
    ):
        assert watch.controller() == 1
        cluster.brokers[1].stop()
        assert watch.client.get_children(paths.BROKER_IDS) == []
        assert watch.client.exists(paths.CONTROLLER) is None
