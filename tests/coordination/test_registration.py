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
