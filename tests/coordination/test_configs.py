"""Configs in ZooKeeper and the news of their changes."""

import json
from collections.abc import Mapping, Sequence
from typing import cast

import pytest
import trio
import trio.testing

from coordination.configs import (
    NOTIFICATION_LIFE_MS,
    ConfigChanges,
    change_config,
    read_config,
    read_configs,
)
from coordination.memory_store import MemoryStore
from coordination.registration import create_persistent_paths
from coordination.store import Op, OpResult, Session
from coordination.znodes import paths
from tests.coordination.trace import Trace
from tests.coordination.worlds import PATIENCE_S, World


async def put(session: Session, entity: str, config: Mapping[str, str]) -> None:
    await change_config(session, entity, lambda _before: config)


async def test_written_as_kafka_writes_it(world: World) -> None:
    session = await world.open_session()
    await create_persistent_paths(session)
    await put(session, "topics/orders", {"cleanup.policy": "compact"})
    await put(session, "topics/orders", {"retention.ms": "1000000"})
    await put(session, "brokers/<default>", {"log.retention.ms": "99999999"})

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
    await put(session, "topics/orders", {"a": "1"})
    session.lose_next_write(applied=applied)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(put, session, "topics/orders", {"a": "2"})
        await trio.testing.wait_all_tasks_blocked()
        session.reconnect()
    assert await read_config(session, "topics/orders") == {"a": "2"}
    assert len(await session.children(paths.CONFIG_CHANGES)) == 2


@pytest.mark.parametrize("applied", [True, False])
async def test_a_change_that_cannot_be_made_twice_is_made_once(applied: bool) -> None:
    """Its reply is lost: a user's credential is deleted, and is not found to be missing then."""
    session = await MemoryStore().open_session()
    await create_persistent_paths(session)
    await put(session, "users/alice", {"a": "1", "b": "2"})

    def without_a(before: Mapping[str, str]) -> Mapping[str, str]:
        return {name: before[name] for name in before.keys() - {"a"} if before["a"]}

    session.lose_next_write(applied=applied)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(change_config, session, "users/alice", without_a)
        await trio.testing.wait_all_tasks_blocked()
        session.reconnect()
    assert await read_config(session, "users/alice") == {"b": "2"}


async def test_a_change_begins_with_what_is_there_and_overwrites_nobodys(world: World) -> None:
    session = await world.open_session()
    await create_persistent_paths(session)
    await put(session, "topics/orders", {"a": "1"})
    seen: list[Mapping[str, str]] = []

    def change(before: Mapping[str, str]) -> Mapping[str, str]:
        seen.append(before)
        return {**before, "c": "3"}

    class Interrupted:
        """The session, with somebody else's write between our read and our write."""

        def __getattr__(self, name: str) -> object:
            return getattr(session, name)

        async def multi(self, ops: Sequence[Op]) -> list[OpResult]:
            if len(seen) == 1:
                await put(session, "topics/orders", {"a": "1", "b": "2"})
            return await session.multi(ops)

    await change_config(cast(Session, Interrupted()), "topics/orders", change)
    assert seen == [{"a": "1"}, {"a": "1", "b": "2"}]
    assert await read_config(session, "topics/orders") == {"a": "1", "b": "2", "c": "3"}
    assert len(await session.children(paths.CONFIG_CHANGES)) == 3


async def test_quotas_leave_nothing_behind(world: World) -> None:
    session = await world.open_session()
    await create_persistent_paths(session)
    both, other = "users/alice/clients/app", "users/alice/clients/other"
    for entity in (both, other, "clients/app"):
        await put(session, entity, {"producer_byte_rate": "1"})
    await put(session, "users/alice", {"consumer_byte_rate": "2"})

    await put(session, "clients/app", {})
    assert await session.children("/config/clients") == []
    await put(session, other, {})
    assert await session.children("/config/users/alice/clients") == ["app"]
    await put(session, both, {})  # the user has quotas of its own
    assert await session.children("/config/users/alice") == []
    await put(session, both, {"producer_byte_rate": "1"})
    await put(session, "users/alice", {})  # the node is needed: it is only emptied
    assert await read_config(session, "users/alice") == {}
    assert await session.children("/config/users/alice/clients") == ["app"]
    await put(session, both, {})
    assert await session.children("/config/users") == []
    await put(session, "users/nobody", {})
    assert await session.children("/config/users") == []
    # ... while a topic or broker keeps its node
    await put(session, "brokers/1", {})
    assert await session.children("/config/brokers") == ["1"]


async def test_every_change_is_told_even_one_made_before(world: World) -> None:
    writer, reader = await world.open_session(), await world.open_session()
    await create_persistent_paths(writer)
    await put(writer, "topics/before", {})
    changes = ConfigChanges(Trace(), clock_ms=lambda: 0)
    send, receive = trio.open_memory_channel[str](0)
    with trio.fail_after(PATIENCE_S):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(changes.follow, reader, send)
            assert await receive.receive() == "topics/before"
            for topic in "abc":
                await put(writer, f"topics/{topic}", {})
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
    await put(session, "topics/a", {})
    assert await followed(changes, session) == ["topics/a"]
    await put(session, "topics/b", {})
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
        await put(writer, "topics/a", {})
        reader.reconnect()
        assert await receive.receive() == "topics/a"
        nursery.cancel_scope.cancel()


async def test_old_notifications_are_purged_and_garbage_is_reported() -> None:
    now_ms = 0
    store, trace = MemoryStore(lambda: now_ms), Trace()
    session = await store.open_session()
    await create_persistent_paths(session)
    await put(session, "topics/old", {})
    await session.create(paths.CONFIG_CHANGE_PREFIX, b"garbage", sequence=True)
    now_ms = NOTIFICATION_LIFE_MS
    await put(session, "topics/new", {})
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
    await put(session, "topics/new", {})
    assert await followed(changes, session) == ["topics/new"]
