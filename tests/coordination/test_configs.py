"""Configs in ZooKeeper and the news of their changes."""

import json

import pytest
import trio
import trio.testing

from coordination.configs import (
    NOTIFICATION_LIFE_MS,
    ConfigChanges,
    read_config,
    read_configs,
    write_config,
)
from coordination.memory_store import MemoryStore
from coordination.registration import create_persistent_paths
from coordination.store import Session
from coordination.znodes import paths
from tests.coordination.trace import Trace
from tests.coordination.worlds import PATIENCE_S, World


async def test_written_as_kafka_writes_it(world: World) -> None:
    session = await world.open_session()
    await create_persistent_paths(session)
    await write_config(session, "topics/orders", {"cleanup.policy": "compact"})
    await write_config(session, "topics/orders", {"retention.ms": "1000000"})
    await write_config(session, "brokers/<default>", {"log.retention.ms": "99999999"})

    node = await session.get("/config/topics/orders")
    assert json.loads(node.data) == {"version": 1, "config": {"retention.ms": "1000000"}}
    assert sorted(await session.children("/config/changes")) == [
        "config_change_0000000000",
        "config_change_0000000001",
        "config_change_0000000002",
    ]
    change = await session.get("/config/changes/config_change_0000000002")
    assert json.loads(change.data) == {"version": 2, "entity_path": "brokers/<default>"}

    assert await read_configs(session, ["brokers/<default>", "topics/none", "topics/orders"]) == [
        {"log.retention.ms": "99999999"},
        {},
        {"retention.ms": "1000000"},
    ]


@pytest.mark.parametrize("applied", [True, False])
async def test_a_lost_reply_does_not_lose_the_change(applied: bool) -> None:
    store = MemoryStore()
    session = await store.open_session()
    await create_persistent_paths(session)
    await write_config(session, "topics/orders", {"a": "1"})
    session.lose_next_write(applied=applied)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(write_config, session, "topics/orders", {"a": "2"})
        await trio.testing.wait_all_tasks_blocked()
        session.reconnect()
    assert await read_config(session, "topics/orders") == {"a": "2"}
    assert len(await session.children(paths.CONFIG_CHANGES)) == (3 if applied else 2)


async def test_every_change_is_told_even_one_made_before(world: World) -> None:
    writer, reader = await world.open_session(), await world.open_session()
    await create_persistent_paths(writer)
    await write_config(writer, "topics/before", {})
    changes = ConfigChanges(Trace(), clock_ms=lambda: 0)
    send, receive = trio.open_memory_channel[str](0)
    with trio.fail_after(PATIENCE_S):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(changes.follow, reader, send)
            assert await receive.receive() == "topics/before"
            for topic in "abc":
                await write_config(writer, f"topics/{topic}", {})
            told = [await receive.receive() for _ in range(3)]
            assert told == ["topics/a", "topics/b", "topics/c"]
            nursery.cancel_scope.cancel()


async def followed(changes: ConfigChanges, session: Session) -> list[str]:
    """What `follow` tells until it has nothing more to tell."""
    send, receive = trio.open_memory_channel[str](100)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(changes.follow, session, send)
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    send.close()
    return [change async for change in receive]


async def test_the_next_session_goes_on_where_the_last_one_ended() -> None:
    store = MemoryStore()
    session = await store.open_session()
    await create_persistent_paths(session)
    changes = ConfigChanges(Trace(), clock_ms=lambda: 0)
    await write_config(session, "topics/a", {})
    assert await followed(changes, session) == ["topics/a"]
    await write_config(session, "topics/b", {})
    assert await followed(changes, await store.open_session()) == ["topics/b"]


async def test_a_change_while_disconnected_is_found_afterwards() -> None:
    store = MemoryStore()
    writer, reader = await store.open_session(), await store.open_session()
    await create_persistent_paths(writer)
    changes = ConfigChanges(Trace(), clock_ms=lambda: 0)
    send, receive = trio.open_memory_channel[str](100)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(changes.follow, reader, send)
        await trio.testing.wait_all_tasks_blocked()
        reader.suspend()
        await write_config(writer, "topics/a", {})
        reader.reconnect()
        assert await receive.receive() == "topics/a"
        nursery.cancel_scope.cancel()


async def test_old_notifications_are_purged_and_garbage_is_reported() -> None:
    now_ms = 0
    store, trace = MemoryStore(lambda: now_ms), Trace()
    session = await store.open_session()
    await create_persistent_paths(session)
    await write_config(session, "topics/old", {})
    await session.create(paths.CONFIG_CHANGE_PREFIX, b"garbage", sequence=True)
    now_ms = NOTIFICATION_LIFE_MS
    await write_config(session, "topics/new", {})
    now_ms += 1

    told = await followed(ConfigChanges(trace, clock_ms=lambda: now_ms), session)
    assert told == ["topics/old", "topics/new"]
    assert await session.children(paths.CONFIG_CHANGES) == ["config_change_0000000002"]
    [event] = trace.of_kind("config.change_unreadable")
    assert event.facts["path"] == "/config/changes/config_change_0000000001"


async def test_a_notification_made_by_hand_hides_none_after_it() -> None:
    session = await MemoryStore().open_session()
    await create_persistent_paths(session)
    changes = ConfigChanges(Trace(), clock_ms=lambda: 0)
    by_hand = b'{"version":2,"entity_path":"topics/by-hand"}'
    await session.create(f"{paths.CONFIG_CHANGES}/config_change_9999999999", by_hand)
    await session.create(f"{paths.CONFIG_CHANGES}/note-to-self", by_hand)
    assert await followed(changes, session) == ["topics/by-hand", "topics/by-hand"]
    await write_config(session, "topics/new", {})
    assert await followed(changes, session) == ["topics/new"]
