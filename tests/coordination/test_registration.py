"""A broker's arrival in ZooKeeper, its stay, and its leave; with somebody in its place, too."""

import json

import pytest
import trio
import trio.testing

from coordination import znodes
from coordination.memory_store import MemorySession, MemoryStore
from coordination.registration import (
    BrokerIdInUse,
    Registrar,
    cluster_id,
    create_persistent_paths,
    generate_broker_id,
)
from coordination.session import keep_session
from coordination.store import Session
from coordination.values import BrokerRegistration, Endpoint
from coordination.znodes import paths
from tests.coordination.trace import Trace
from tests.coordination.worlds import World

BROKER = BrokerRegistration(1, (Endpoint("PLAINTEXT", "PLAINTEXT", "127.0.0.1", 29091),), rack="r1")


def registrar(trace: Trace | None = None, broker: BrokerRegistration = BROKER) -> Registrar:
    return Registrar(broker, trace or Trace(), lambda: 1795332306538)


async def prepared(store: MemoryStore) -> MemorySession:
    session = await store.open_session()
    await create_persistent_paths(session)
    return session


async def test_the_persistent_paths_are_those_of_kafka(world: World) -> None:
    session = await world.open_session()
    await create_persistent_paths(session)
    await create_persistent_paths(session)  # the second broker finds them

    found = []

    async def walk(path: str) -> None:
        for name in await session.children(path):
            child = f"{path.rstrip('/')}/{name}"
            found.append(child)
            await walk(child)

    await walk("/")
    # As seen on a real 3.9.1, which also has /cluster and what its controller writes
    assert sorted(found) == [
        "/admin",
        "/admin/delete_topics",
        "/brokers",
        "/brokers/ids",
        "/brokers/seqid",
        "/brokers/topics",
        "/config",
        "/config/brokers",
        "/config/changes",
        "/config/clients",
        "/config/ips",
        "/config/topics",
        "/config/users",
        "/consumers",
        "/isr_change_notification",
        "/latest_producer_id_block",
        "/log_dir_event_notification",
    ]


async def test_the_first_broker_names_the_cluster(world: World) -> None:
    one, two = await world.open_session(), await world.open_session()
    assert await cluster_id(one, lambda: "TWGlyXDDRxCWNF1TU93F7w") == "TWGlyXDDRxCWNF1TU93F7w"
    assert await cluster_id(two, lambda: "another") == "TWGlyXDDRxCWNF1TU93F7w"
    node = await two.get(paths.CLUSTER_ID)
    assert json.loads(node.data) == {"version": "1", "id": "TWGlyXDDRxCWNF1TU93F7w"}


async def test_generated_ids_begin_above_the_reserved_ones(world: World) -> None:
    session = await world.open_session()
    await create_persistent_paths(session)
    ids = [await generate_broker_id(session, reserved_max_id=1000) for _ in range(3)]
    assert ids == [1001, 1002, 1003]


async def test_a_registration_looks_like_kafkas(world: World) -> None:
    trace = Trace()
    session = await world.open_session()
    await create_persistent_paths(session)
    registered = await registrar(trace).register(session)

    node = await session.get("/brokers/ids/1")
    assert json.loads(node.data) == {
        "features": {},
        "listener_security_protocol_map": {"PLAINTEXT": "PLAINTEXT"},
        "endpoints": ["PLAINTEXT://127.0.0.1:29091"],
        "rack": "r1",
        "jmx_port": -1,
        "port": 29091,
        "host": "127.0.0.1",
        "version": 5,
        "timestamp": "1795332306538",
    }
    assert (node.stat.version, node.stat.ephemeral_owner) == (1, session.session_id)
    assert node.stat.czxid == node.stat.mzxid == registered.epoch
    assert znodes.decode_broker(1, node) == registered
    [event] = trace.events
    assert (event.kind, event.facts["broker_epoch"]) == ("broker.registered", registered.epoch)


@pytest.mark.parametrize("applied", [True, False])
async def test_a_lost_reply_is_read_back(applied: bool) -> None:
    store = MemoryStore()
    session = await prepared(store)
    session.lose_next_write(applied=applied)
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def register() -> None:
            registered = await registrar().register(session)
            assert registered.epoch == store.tree.node("/brokers/ids/1").stat.czxid

        await trio.testing.wait_all_tasks_blocked()
        session.reconnect()


async def test_row_06_the_own_old_node_does_not_block(world: World) -> None:
    """KAFKA-7165: back before the old session expired, its ephemeral is still there."""
    trace = Trace()
    broker = registrar(trace)
    old_session, session = await world.open_session(), await world.open_session()
    await create_persistent_paths(session)
    old = await broker.register(old_session)
    new = await broker.register(session)
    assert new.epoch > old.epoch
    await old_session.aclose()
    node = await session.get("/brokers/ids/1")
    assert (node.stat.ephemeral_owner, node.stat.czxid) == (session.session_id, new.epoch)
    assert trace.kinds() == ["broker.registered"] * 2  # nothing was waited for


async def test_after_a_kill_the_own_node_is_waited_out(autojump_clock: trio.abc.Clock) -> None:
    """A new process knows nothing of its last life's session, and leaves its node alone."""
    store, trace = MemoryStore(session_timeout_ms=6000), Trace()
    last_life = await prepared(store)
    await registrar().register(last_life)
    session = await store.open_session()
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def register() -> None:
            registered = await registrar(trace).register(session)
            assert trio.current_time() == 5
            assert registered.epoch == store.tree.node("/brokers/ids/1").stat.czxid

        await trio.sleep(5)
        last_life.expire()
    assert trace.kinds() == ["broker.registration_waits", "broker.registered"]


async def test_another_broker_with_the_same_id_is_an_error(
    autojump_clock: trio.abc.Clock,
) -> None:
    store = MemoryStore(session_timeout_ms=6000)
    other = await prepared(store)
    endpoint = Endpoint("PLAINTEXT", "PLAINTEXT", "elsewhere", 9092)
    theirs = await registrar(broker=BrokerRegistration(1, (endpoint,))).register(other)
    session = await store.open_session()
    with pytest.raises(BrokerIdInUse) as caught:
        await registrar().register(session)
    assert trio.current_time() == 9  # 1.5 session timeouts
    assert "already registered on the path /brokers/ids/1" in str(caught.value)
    assert "PLAINTEXT://elsewhere:9092" in str(caught.value)
    assert store.tree.node("/brokers/ids/1").stat.czxid == theirs.epoch


async def test_row_07_a_registered_broker_retries_until_it_holds(
    autojump_clock: trio.abc.Clock,
) -> None:
    """KAFKA-14845: a node of a session that nobody knows is in the way, for a long time."""
    store, trace = MemoryStore(session_timeout_ms=6000), Trace()
    unknown = await prepared(store)
    broker = registrar(trace)
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


async def test_row_08_leaving_deletes_the_node(world: World) -> None:
    """KAFKA-9358: nobody shall wait for the session's timeout."""
    session, other = await world.open_session(), await world.open_session()
    await create_persistent_paths(session)
    broker = registrar()
    await broker.register(session)
    await broker.unregister(session)
    assert await other.exists("/brokers/ids/1") is None
    await broker.unregister(session)


async def test_row_08_leaving_deletes_nobody_elses_node() -> None:
    store = MemoryStore()
    session, other = await prepared(store), await store.open_session()
    broker = registrar()
    await broker.register(session)
    await other.delete("/brokers/ids/1")
    await registrar().register(other)
    await broker.unregister(session)
    assert store.tree.node("/brokers/ids/1").stat.ephemeral_owner == other.session_id


async def test_row_04_a_session_may_end_in_any_step_of_registering(
    autojump_clock: trio.abc.Clock,
) -> None:
    """KAFKA-8532: expiry during registration must neither hang nor leave a node behind."""
    for step in range(12):
        store, trace = MemoryStore(), Trace()
        broker = registrar(trace)

        async def inside(session: Session, cause: str, broker: Registrar = broker) -> None:
            await create_persistent_paths(session)
            await broker.register(session, cause)
            await trio.sleep_forever()

        with trio.fail_after(60):
            async with trio.open_nursery() as nursery:

                @nursery.start_soon
                async def keep(store: MemoryStore = store, trace: Trace = trace) -> None:
                    await keep_session(store, inside, recorder=trace)

                for _ in range(step):
                    await trio.lowlevel.checkpoint()
                for session in tuple(store.sessions.values()):
                    session.expire()
                await trio.testing.wait_all_tasks_blocked()
                [session] = store.sessions.values()
                owner = store.tree.node("/brokers/ids/1").stat.ephemeral_owner
                assert owner == session.session_id
                nursery.cancel_scope.cancel()
        assert store.tree.children("/brokers/ids") == []
