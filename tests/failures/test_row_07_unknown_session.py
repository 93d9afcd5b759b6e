"""Row 7: a node in the way belongs to a session that the broker has never learnt of.

Source: KAFKA-14845, ZOOKEEPER-2985: ZooKeeper makes the session, its ConnectResponse is lost, and
what is done in it outlives the attempt. Stock Kafka fails to register and needs a restart.

Provoked by a proxy that throws the ConnectResponse away, and by a node of an unknown session that
stands for ten minutes. The broker tries until it is registered.
"""

import pytest
import trio

from coordination.kazoo_store import KazooStore
from coordination.memory_store import MemorySession, MemoryStore
from coordination.registration import Registrar, create_persistent_paths
from coordination.session import keep_session
from coordination.store import Session
from coordination.values import BrokerRegistration
from tests.coordination.trace import Trace
from tests.coordination.worlds import PATIENCE_S
from tests.support.tcp_proxy import TcpProxy


async def test_a_registered_broker_retries_until_it_holds(
    autojump_clock: trio.abc.Clock,
) -> None:
    """KAFKA-14845: a node of a session that nobody knows is in the way, for a long time."""
    store, trace = MemoryStore(session_timeout_ms=6000), Trace()
    unknown = await store.open_session()
    await create_persistent_paths(unknown)
    broker = Registrar(BrokerRegistration(1, ()), trace, clock_ms=lambda: 0)
    lives = []

    async def inside(session: Session, cause: str) -> None:
        assert isinstance(session, MemorySession)
        lives.append(await broker.register(session, cause))
        if len(lives) == 1:
            session.expire()
            await unknown.create("/brokers/ids/1", b"from nowhere", ephemeral=True)
            await trio.sleep_forever()
        nursery.cancel_scope.cancel()

    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def keep() -> None:
            await keep_session(store, inside, recorder=trace)

        await trio.sleep(600)
        assert len(lives) == 1
        unknown.expire()
        await trio.sleep_forever()
    assert len(lives) == 2
    waits = trace.of_kind("broker.registration_waits")
    assert [event.facts["owner_session_id"] for event in waits] == [unknown.session_id]


@pytest.mark.server
async def test_a_session_that_nobody_learnt_of(zookeeper: str, proxy: TcpProxy) -> None:
    """KAFKA-14845: ZooKeeper made a session, but its answer got lost; a broker must register."""
    chroot = zookeeper.partition("/")[2]
    store = KazooStore(f"127.0.0.1:{proxy.port}/{chroot}", session_timeout_ms=3000)
    trace = Trace()
    registrar = Registrar(BrokerRegistration(1, ()), trace, clock_ms=lambda: 0)

    async def inside(session: Session, cause: str) -> None:
        await create_persistent_paths(session)
        await registrar.register(session, cause)

    proxy.swallow()
    with trio.fail_after(PATIENCE_S):
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def keep() -> None:
                await keep_session(store, inside, recorder=trace)

            await trio.sleep(1)
            assert trace.kinds() == []
            proxy.cut()
            proxy.mend()
    assert trace.kinds() == ["session.connected", "broker.registered"]
