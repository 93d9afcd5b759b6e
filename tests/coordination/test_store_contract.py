"""What `coordination.store` promises, on the memory store and on a real ZooKeeper alike."""

import pytest
import trio
import trio.testing

from coordination.store import (
    MAX_REQUEST_BYTES,
    BadVersion,
    Check,
    ConnectionLoss,
    Create,
    Delete,
    Lost,
    MultiFailed,
    NoChildrenForEphemerals,
    Node,
    NodeExists,
    NoNode,
    NotEmpty,
    Reconnected,
    RequestTooLarge,
    Session,
    SessionLost,
    Set,
    Stat,
    Suspended,
    WatchEvent,
)
from tests.coordination.worlds import PATIENCE_S, World, events_so_far, next_event


async def until_exists(session: Session, path: str) -> None:
    with session.subscribe() as events, trio.fail_after(PATIENCE_S):
        if await session.exists(path, watch=True) is None:
            await events.receive()


# Nodes


async def test_a_node_keeps_its_data_and_counts_its_changes(world: World) -> None:
    session = await world.open_session()
    created = await session.create("/node", b"one")
    assert created.path == "/node"
    assert created.stat.version == 0
    assert created.stat.czxid == created.stat.mzxid > 0
    assert created.stat.ephemeral_owner == 0

    changed = await session.set("/node", b"other")
    assert changed.version == 1
    assert changed.czxid == created.stat.czxid
    assert changed.mzxid > created.stat.mzxid
    assert changed.data_size_bytes == 5
    assert await session.get("/node") == Node(b"other", changed)
    assert await session.exists("/node") == changed

    await session.delete("/node")
    assert await session.exists("/node") is None


async def test_no_data_reads_as_empty(world: World) -> None:
    session = await world.open_session()
    await session.create("/node")
    assert (await session.get("/node")).data == b""
    await session.set("/node", b"something")
    await session.set("/node", b"")
    assert (await session.get("/node")).data == b""


async def test_transactions_are_numbered_across_sessions(world: World) -> None:
    one, two = await world.open_session(), await world.open_session()
    zxids = [
        (await one.create("/a")).stat.czxid,
        (await two.create("/b")).stat.czxid,
        (await one.set("/b", b"x")).mzxid,
    ]
    assert zxids == sorted(set(zxids))


async def test_what_is_not_there(world: World) -> None:
    session = await world.open_session()
    for call in (
        session.get("/none"),
        session.children("/none"),
        session.set("/none", b""),
        session.delete("/none"),
        session.create("/none/child"),
    ):
        with pytest.raises(NoNode):
            await call


async def test_what_is_in_the_way(world: World) -> None:
    session = await world.open_session()
    await session.create("/parent", b"")
    await session.create("/parent/child", b"")
    await session.create("/ephemeral", ephemeral=True)
    with pytest.raises(NodeExists, match="/parent"):
        await session.create("/parent")
    with pytest.raises(NotEmpty):
        await session.delete("/parent")
    with pytest.raises(NoChildrenForEphemerals):
        await session.create("/ephemeral/child")


async def test_conditional_changes(world: World) -> None:
    session = await world.open_session()
    await session.create("/node")
    assert (await session.set("/node", b"1", version=0)).version == 1
    with pytest.raises(BadVersion, match="/node"):
        await session.set("/node", b"2", version=0)
    with pytest.raises(BadVersion):
        await session.delete("/node", version=0)
    assert (await session.get("/node")).data == b"1"
    await session.delete("/node", version=1)


async def test_a_parent_counts_its_children(world: World) -> None:
    session = await world.open_session()
    await session.create("/parent")
    for name in "abc":
        await session.create(f"/parent/{name}")
    await session.delete("/parent/b")
    assert sorted(await session.children("/parent")) == ["a", "c"]
    stat = await session.exists("/parent")
    assert stat is not None
    assert (stat.num_children, stat.cversion, stat.version) == (2, 4, 0)
    assert stat.mzxid == stat.czxid


async def test_sequential_names_count_all_children_ever_created(world: World) -> None:
    session = await world.open_session()
    await session.create("/p")
    assert (await session.create("/p/s_", sequence=True)).path == "/p/s_0000000000"
    await session.create("/p/plain")
    await session.delete("/p/plain")
    assert (await session.create("/p/t_", sequence=True)).path == "/p/t_0000000002"
    assert await session.multi(
        [Create("/p/s_", sequence=True), Create("/p/s_", sequence=True)]
    ) == ["/p/s_0000000003", "/p/s_0000000004"]


async def test_children_of_the_root(world: World) -> None:
    session = await world.open_session()
    await session.create("/one")
    assert await session.children("/") == ["one"]
    assert await session.exists("/") is not None


# Many at once


async def test_get_many_keeps_the_order(world: World) -> None:
    session = await world.open_session()
    paths = [f"/n{number}" for number in range(150)]
    await session.multi_many([[Create(path, path.encode())] for path in paths[::2]])
    nodes = await session.get_many(paths)
    assert [node and node.data for node in nodes] == [
        path.encode() if number % 2 == 0 else None for number, path in enumerate(paths)
    ]
    assert await session.get_many([]) == []


async def test_a_multi_is_one_transaction(world: World) -> None:
    session = await world.open_session()
    await session.create("/old", b"")
    await session.create("/checked", b"")
    results = await session.multi(
        [
            Check("/checked", 0),
            Create("/new"),
            Set("/new", b"data", version=0),
            Create("/new/child"),
            Delete("/old", version=0),
        ]
    )
    assert [type(each) for each in results] == [type(None), str, Stat, str, type(None)]
    assert results[1] == "/new"
    assert results[3] == "/new/child"
    node = await session.get("/new")
    assert node.data == b"data"
    assert (node.stat.version, node.stat.num_children) == (1, 1)
    assert node.stat.czxid == node.stat.mzxid
    assert await session.exists("/old") is None
    assert await session.multi([]) == []


async def test_a_multi_may_undo_and_redo(world: World) -> None:
    old, new = await world.open_session(), await world.open_session()
    await old.create("/taken", b"old", ephemeral=True)
    await old.multi([Create("/p"), Create("/p/c"), Delete("/p/c"), Delete("/p")])
    await old.multi([Create("/q"), Create("/q/c")])
    await new.multi([Delete("/taken"), Create("/taken", b"new", ephemeral=True)])
    await new.multi([Delete("/q/c"), Delete("/q"), Create("/q")])
    assert await new.children("/q") == []
    await old.aclose()
    assert sorted(await new.children("/")) == ["q", "taken"]
    assert (await new.get("/taken")).data == b"new"
    await new.delete("/q")
    await new.aclose()
    last = await world.open_session()
    assert await last.children("/") == []


@pytest.mark.parametrize(
    ("culprit", "error"),
    [
        (Check("/there", 7), BadVersion),
        (Set("/there", b"x", 7), BadVersion),
        (Delete("/none"), NoNode),
        (Create("/there"), NodeExists),
        (Check("/none", 0), NoNode),
    ],
)
async def test_a_failed_multi_changes_nothing(
    world: World, culprit: Check | Set | Delete | Create, error: type[Exception]
) -> None:
    session = await world.open_session()
    before = await session.create("/there", b"before")
    with pytest.raises(MultiFailed) as caught:
        await session.multi([Set("/there", b"after"), Create("/new"), culprit, Delete("/there")])
    assert caught.value.index == 2
    assert type(caught.value.error) is error
    assert await session.get("/there") == Node(b"before", before.stat)
    assert await session.exists("/new") is None


async def test_each_of_many_multis_stands_alone(world: World) -> None:
    session = await world.open_session()
    await session.create("/epoch")
    results = await session.multi_many(
        [
            [Check("/epoch", 0), Create("/a")],
            [Check("/epoch", 1), Create("/b")],
            [],
            [Create("/c", b"x" * (MAX_REQUEST_BYTES + 1))],
            [Check("/epoch", 0), Create("/d")],
        ]
    )
    assert results[0] == [None, "/a"]
    assert isinstance(results[1], MultiFailed)
    assert (results[1].index, type(results[1].error)) == (0, BadVersion)
    assert results[2] == []
    assert isinstance(results[3], RequestTooLarge)
    assert results[4] == [None, "/d"]
    assert sorted(await session.children("/")) == ["a", "d", "epoch"]


async def test_too_large_a_request_is_not_sent(world: World) -> None:
    session = await world.open_session()
    data = b"x" * (MAX_REQUEST_BYTES - 1000)
    await session.create("/large", data)
    assert len((await session.get("/large")).data) == len(data)
    with pytest.raises(RequestTooLarge):
        await session.create("/larger", b"x" * MAX_REQUEST_BYTES)
    with pytest.raises(RequestTooLarge):
        await session.multi([Set("/large", data), Set("/large", data)])
    assert await session.children("/") == ["large"]


# Watches


async def test_a_watch_fires_once_for_its_kind(world: World) -> None:
    watcher, actor = await world.open_session(), await world.open_session()
    await watcher.create("/node", b"")
    with watcher.subscribe() as events:
        await watcher.get("/node", watch=True)
        await actor.create("/node/child")
        await actor.set("/node", b"1")
        await actor.set("/node", b"2")
        assert await next_event(events) == WatchEvent("data", "/node")

        await watcher.children("/node", watch=True)
        await actor.set("/node", b"3")
        await actor.delete("/node/child")
        await actor.create("/node/child")
        assert await next_event(events) == WatchEvent("children", "/node")

        await watcher.exists("/other", watch=True)
        await actor.create("/other", b"")
        assert await next_event(events) == WatchEvent("created", "/other")
        await watcher.exists("/other", watch=True)
        await actor.set("/other", b"x")
        assert await next_event(events) == WatchEvent("data", "/other")

        await watcher.get("/other", watch=True)
        await actor.delete("/other")
        assert await next_event(events) == WatchEvent("deleted", "/other")

        assert await watcher.exists("/other") is None
        assert events_so_far(events) == []


async def test_a_deletion_is_told_once_whoever_watched_for_what(world: World) -> None:
    watcher, actor = await world.open_session(), await world.open_session()
    await watcher.create("/node", b"")
    with watcher.subscribe() as events:
        await watcher.get("/node", watch=True)
        await watcher.exists("/node", watch=True)
        await watcher.children("/node", watch=True)
        await watcher.children("/", watch=True)
        await actor.delete("/node")
        assert await next_event(events) == WatchEvent("deleted", "/node")
        assert await next_event(events) == WatchEvent("children", "/")
        await watcher.children("/")
        assert events_so_far(events) == []


async def test_after_a_sync_nothing_is_old(world: World) -> None:
    one, two = await world.open_session(), await world.open_session()
    for number in range(20):
        await one.create(f"/node-{number}")
        await two.sync()
        assert await two.exists(f"/node-{number}") is not None


async def test_a_read_that_finds_nothing_sets_no_watch_but_exists_does(world: World) -> None:
    watcher, actor = await world.open_session(), await world.open_session()
    with watcher.subscribe() as events:
        for call in (watcher.get("/node", watch=True), watcher.children("/node", watch=True)):
            with pytest.raises(NoNode):
                await call
        await actor.create("/node")
        await watcher.get("/node")
        assert events_so_far(events) == []


async def test_get_many_can_watch(world: World) -> None:
    watcher, actor = await world.open_session(), await world.open_session()
    for name in "ab":
        await watcher.create(f"/{name}")
    with watcher.subscribe() as events:
        await watcher.get_many(["/a", "/none", "/b"], watch=True)
        await actor.set("/b", b"x")
        await actor.set("/a", b"x")
        assert await next_event(events) == WatchEvent("data", "/b")
        assert await next_event(events) == WatchEvent("data", "/a")


async def test_an_event_is_seen_before_its_change(world: World) -> None:
    watcher, actor = await world.open_session(), await world.open_session()
    await watcher.create("/node", b"0")
    with watcher.subscribe() as events:
        for number in range(1, 30):
            old = await watcher.get("/node", watch=True)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(actor.set, "/node", str(number).encode())
                while await watcher.get("/node") == old:
                    assert True  # not changed yet: nothing can be said of events
                assert events_so_far(events) == [WatchEvent("data", "/node")]


async def test_events_come_in_the_order_of_the_changes(world: World) -> None:
    watcher, actor = await world.open_session(), await world.open_session()
    paths = [f"/n{number}" for number in range(100)]
    await actor.multi([Create(path) for path in paths])
    with watcher.subscribe() as events, watcher.subscribe() as same_events:
        await watcher.get_many(paths, watch=True)
        changed = paths[::-1]
        await actor.multi_many([[Set(path, b"x")] for path in changed])
        expected = [WatchEvent("data", path) for path in changed]
        assert [await next_event(events) for _ in paths] == expected
        assert [await next_event(same_events) for _ in paths] == expected


# Sessions


async def test_ephemerals_belong_to_their_session(world: World) -> None:
    owner, other = await world.open_session(), await world.open_session()
    assert owner.session_id != other.session_id
    assert owner.negotiated_timeout_ms == 6000
    created = await owner.create("/mine", b"", ephemeral=True)
    assert created.stat.ephemeral_owner == owner.session_id
    await owner.multi([Create("/also-mine", ephemeral=True), Create("/kept")])
    with other.subscribe() as events:
        await other.exists("/mine", watch=True)
        await owner.aclose()
        assert await next_event(events) == WatchEvent("deleted", "/mine")
    assert await other.children("/") == ["kept"]
    assert owner.lost


async def test_a_closed_session_does_nothing_more(world: World) -> None:
    session = await world.open_session()
    with session.subscribe() as events:
        await session.aclose()
        await session.aclose()
        for call in (session.get("/"), session.create("/node"), session.multi([Create("/node")])):
            with pytest.raises(SessionLost):
                await call
        with pytest.raises(trio.EndOfChannel):
            await events.receive()
    with session.subscribe() as late, pytest.raises(trio.EndOfChannel):
        await late.receive()


async def test_an_expired_session_is_lost_for_good(world: World) -> None:
    session, other = await world.open_session(), await world.open_session()
    await session.create("/mine", ephemeral=True)
    with session.subscribe() as events:
        await world.expire(session)
        seen = [await next_event(events)]
        while seen[-1] != Lost():
            seen.append(await next_event(events))
        with pytest.raises(trio.EndOfChannel):
            await events.receive()
    # The real one may notice a broken connection first
    assert [each for each in seen if not isinstance(each, Suspended | Reconnected)] == [Lost()]
    assert session.lost
    with pytest.raises(SessionLost):
        await session.create("/ghost", ephemeral=True)
    assert await other.children("/") == []


async def test_a_broken_connection_loses_watches_but_not_the_session(world: World) -> None:
    session, other = await world.open_session(), await world.open_session()
    await session.create("/node")
    await session.create("/mine", ephemeral=True)
    with session.subscribe() as events:
        await session.get("/node", watch=True)
        await session.children("/", watch=True)
        world.cut(session)
        assert isinstance(await next_event(events), Suspended)
        await other.set("/node", b"unseen")
        await other.create("/unseen")
        world.mend(session)
        assert await next_event(events) == Reconnected()
        node = await session.get("/node", watch=True)
        assert node.data == b"unseen"
        await other.set("/node", b"seen")
        assert await next_event(events) == WatchEvent("data", "/node")
        assert events_so_far(events) == []
    assert (await session.get("/mine")).stat.ephemeral_owner == session.session_id


async def test_calls_wait_for_the_connection(world: World) -> None:
    session = await world.open_session()
    await session.create("/node")
    done = []

    async def call_three_times() -> None:
        done.append((await session.get("/node")).data)
        await session.set("/node", b"x")
        done.append((await session.get_many(["/node"]))[0])

    with session.subscribe() as events:
        world.cut(session)
        assert isinstance(await next_event(events), Suspended)
        with trio.fail_after(PATIENCE_S):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(call_three_times)
                await trio.testing.wait_all_tasks_blocked(0.05)
                assert done == []
                world.mend(session)
    assert done == [b"", await session.get("/node")]


async def test_a_lost_reply_leaves_the_outcome_open(world: World) -> None:
    session, other = await world.open_session(), await world.open_session()
    with session.subscribe() as events, trio.fail_after(PATIENCE_S):
        world.lose_next_reply(session)
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def write() -> None:
                with pytest.raises(ConnectionLoss):
                    await session.create("/node", b"", ephemeral=True)

            await until_exists(other, "/node")
            world.cut(session)
        assert isinstance(await next_event(events), Suspended)
        world.mend(session)
        assert (await session.get("/node")).stat.ephemeral_owner == session.session_id


async def test_waiting_calls_end_with_the_session(world: World) -> None:
    session = await world.open_session()
    with session.subscribe() as events:
        world.cut(session)
        assert isinstance(await next_event(events), Suspended)
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def read() -> None:
                with pytest.raises(SessionLost):
                    await session.get("/")

            await trio.testing.wait_all_tasks_blocked(0.05)
            await session.aclose()


async def test_a_session_that_expired_while_cut_off_learns_it_when_it_is_back(
    world: World,
) -> None:
    session, other = await world.open_session(), await world.open_session()
    await session.create("/mine", ephemeral=True)
    with session.subscribe() as events, other.subscribe() as seen_by_other:
        await other.exists("/mine", watch=True)
        world.cut(session)
        assert isinstance(await next_event(events), Suspended)
        await world.expire(session)
        assert await next_event(seen_by_other) == WatchEvent("deleted", "/mine")
        assert not session.lost
        world.mend(session)
        assert await next_event(events) == Lost()


async def test_a_cancelled_write_may_still_happen(world: World) -> None:
    session, other = await world.open_session(), await world.open_session()
    with trio.move_on_after(0) as scope:
        await session.create("/node")
    assert scope.cancelled_caught
    await until_exists(other, "/node")
