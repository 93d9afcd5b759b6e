"""The znodes as facts, out of a store in memory."""

from uuid import UUID

import pytest

from cli.doctor.facts import Controller, Znodes
from cli.doctor.tree import read_znodes
from coordination import znodes
from coordination.memory_store import MemoryStore
from coordination.store import NoNode, Session
from coordination.values import (
    BrokerRegistration,
    Endpoint,
    LeaderAndIsr,
    PartitionAssignment,
    TopicAssignment,
    TopicPartition,
)
from coordination.znodes import paths

CHROOT = "/kafka"
ORDERS = TopicPartition("orders", 0)
STATE = LeaderAndIsr(leader=1, leader_epoch=5, isr=(1,), controller_epoch=3, partition_epoch=0)
ASSIGNED = TopicAssignment("orders", UUID(int=7), {0: PartitionAssignment((1, 2))})
BROKER = BrokerRegistration(
    broker_id=1,
    endpoints=(Endpoint("PLAINTEXT", "PLAINTEXT", "127.0.0.1", 9092),),
    rack=None,
    features={},
    timestamp_ms=1,
)
DOCUMENTS = {
    paths.CLUSTER_ID: znodes.encode_cluster_id("here"),
    paths.CONTROLLER: znodes.encode_controller(znodes.Controller(1, 1, -1)),
    paths.CONTROLLER_EPOCH: znodes.encode_controller_epoch(3),
    paths.broker(1): znodes.encode_broker(BROKER),
    paths.topic("orders"): znodes.encode_topic(ASSIGNED),
    paths.partition_state(ORDERS): znodes.encode_partition_state(STATE),
    paths.delete_topic("old"): b"",
}
EPHEMERAL = (paths.CONTROLLER, paths.broker(1))


async def store_of(session: Session, documents: dict[str, bytes], chroot: str = CHROOT) -> None:
    for path, data in documents.items():
        parts = (chroot + path).split("/")[1:]
        for depth in range(1, len(parts)):
            parent = "/" + "/".join(parts[:depth])
            if await session.exists(parent) is None:
                await session.create(parent)
        await session.create(chroot + path, data, ephemeral=path in EPHEMERAL)


async def test_all_that_is_written() -> None:
    session = await MemoryStore().open_session()
    await store_of(session, DOCUMENTS)
    assert await read_znodes(session, CHROOT) == Znodes(
        cluster_id="here",
        controller=Controller(1, session.session_id),
        controller_epoch=3,
        brokers={1: session.session_id},
        topics={"orders": ASSIGNED},
        states={ORDERS: STATE},
        deleting=frozenset({"old"}),
    )


async def test_what_is_missing_is_missing() -> None:
    session = await MemoryStore().open_session()
    await store_of(
        session,
        {path: DOCUMENTS[path] for path in (paths.broker(1), paths.topic("orders"))},
    )
    found = await read_znodes(session, CHROOT)
    assert (found.cluster_id, found.controller, found.controller_epoch) == (None, None, None)
    assert (found.topics, found.states, found.unreadable) == ({"orders": ASSIGNED}, {}, {})


async def test_what_cannot_be_read_is_told_by_its_path() -> None:
    session = await MemoryStore().open_session()
    await store_of(
        session,
        {
            **DOCUMENTS,
            paths.CONTROLLER_EPOCH: b"many",
            paths.partition_state(ORDERS): b"{",
            paths.topic("t"): b"[]",
            paths.broker(1): b"",
            f"{paths.BROKER_IDS}/one": b"",
        },
    )
    found = await read_znodes(session, CHROOT)
    assert found.unreadable.keys() == {
        paths.CONTROLLER_EPOCH,
        paths.partition_state(ORDERS),
        paths.topic("t"),
        paths.broker(1),
        f"{paths.BROKER_IDS}/one",
    }
    assert found.unreadable[paths.partition_state(ORDERS)].startswith("not JSON")
    assert found.brokers == {1: session.session_id}  # it lives, whatever it wrote
    assert found.controller_epoch is None


async def test_no_cluster_was_ever_there() -> None:
    session = await MemoryStore().open_session()
    with pytest.raises(NoNode, match="/kafka/brokers/ids"):
        await read_znodes(session, CHROOT)
