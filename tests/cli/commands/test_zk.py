"""`zk tree` over the store in memory, with documents as Kafka 3.9 writes them."""

import click
import pytest

from cli.commands.zk.ls import paths_below
from cli.commands.zk.reading import Znode, brokers_of_sessions, read_tree
from cli.commands.zk.tree import People, tree_lines
from cli.commands.zk.watch import Seen, changes_of
from cli.commands.znode_text import words_of
from coordination.memory_store import MemoryStore
from coordination.store import Node, Session, SessionLost, Stat

DOCUMENTS = {
    "/brokers/ids/1": '{"features":{},"listener_security_protocol_map":{"PLAINTEXT":"PLAINTEXT"},'
    '"endpoints":["PLAINTEXT://127.0.0.1:9092"],"rack":"r1","jmx_port":-1,"port":9092,'
    '"host":"127.0.0.1","version":5,"timestamp":"1795332306538"}',
    "/brokers/topics/t": '{"partitions":{"0":[2,3,1],"1":[3,1]},"topic_id":"ew3DRA8aSpqj2ZcRtOzxyQ"'
    ',"adding_replicas":{"0":[1]},"removing_replicas":{"0":[2]},"version":3}',
    "/brokers/topics/t/partitions/0/state": '{"controller_epoch":1,"leader":-1,"version":1,'
    '"leader_epoch":4,"isr":[2,3]}',
    "/controller": '{"version":2,"brokerid":1,"timestamp":"1795332305804",'
    '"kraftControllerEpoch":-1}',
    "/controller_epoch": "7",
    "/cluster/id": '{"version":"1","id":"TWGlyXDDRxCWNF1TU93F7w"}',
    "/config/topics/t": '{"version":1,"config":{"retention.ms":"5","cleanup.policy":"compact"}}',
    "/config/users/alice": '{"version":1,"config":{"SCRAM-SHA-256":"salt=bnJ5"}}',
    "/config/changes/config_change_0000000000": '{"version":2,"entity_path":"topics/t"}',
    "/latest_producer_id_block": '{"version":1,"broker":1,"block_start":"1000","block_end":"1999"}',
    "/elsewhere": '{"any": "thing"}',
}
EPHEMERAL = {"/brokers/ids/1", "/controller"}


def node(text: str) -> Node:
    return Node(text.encode(), Stat(1, 1, 0, 0, 0, 0, len(text), 0, 0))


def test_each_document_in_words() -> None:
    said = {path: words_of(path, node(text)) for path, text in DOCUMENTS.items()}
    assert said == {
        "/brokers/ids/1": "PLAINTEXT://127.0.0.1:9092, rack r1, since 2026-11-22T07:25:06Z",
        "/brokers/topics/t": "id ew3DRA8aSpqj2ZcRtOzxyQ, "
        "replicas 0: 2,3,1 adding 1 removing 2; 1: 3,1",
        "/brokers/topics/t/partitions/0/state": "no leader, leader epoch 4, ISR 2,3, "
        "controller epoch 1",
        "/controller": "broker 1, since 2026-11-22T07:25:05Z",
        "/controller_epoch": "7",
        "/cluster/id": "TWGlyXDDRxCWNF1TU93F7w",
        "/config/topics/t": "cleanup.policy=compact, retention.ms=5",
        "/config/users/alice": "SCRAM-SHA-256=[hidden]",
        "/config/changes/config_change_0000000000": "topics/t",
        "/latest_producer_id_block": "1000 to 1999, given to broker 1",
        "/elsewhere": '{"any":"thing"}',
    }


def test_a_broken_document_says_what_is_wrong() -> None:
    assert words_of("/controller", node("{")).startswith("unreadable (")
    assert words_of("/elsewhere", node("{")) == "{"
    assert words_of("/controller", node("")) == ""


async def filled(session: Session, chroot: str) -> None:
    for path, text in DOCUMENTS.items():
        parts = (chroot + path).split("/")[1:]
        for depth in range(1, len(parts)):
            parent = "/" + "/".join(parts[:depth])
            if await session.exists(parent) is None:
                await session.create(parent)
        if await session.exists(chroot + path) is None:
            await session.create(chroot + path, text.encode(), ephemeral=path in EPHEMERAL)


async def tree_of(chroot: str, path: str) -> Znode | None:
    session = await MemoryStore().open_session()
    await filled(session, chroot)
    tree = await read_tree(session, chroot, path)
    await session.aclose()
    return tree


async def test_the_tree_names_the_owner_of_an_ephemeral() -> None:
    session = await MemoryStore().open_session()
    await filled(session, "/kafka/a")
    tree = await read_tree(session, "/kafka/a", "/")
    brokers = await brokers_of_sessions(session, "/kafka/a")
    assert brokers == {session.session_id: 1}
    assert tree is not None
    lines = tree_lines(tree, People(brokers), raw=False)
    assert lines[0] == "/"
    assert lines[1:5] == [
        "├─ brokers",
        "│  ├─ ids",
        "│  │  └─ 1 [ephemeral, broker 1] = PLAINTEXT://127.0.0.1:9092, rack r1, "
        "since 2026-11-22T07:25:06Z",
        "│  └─ topics",
    ]
    assert "├─ controller [ephemeral, broker 1] = broker 1, since 2026-11-22T07:25:05Z" in lines
    assert lines[-1].startswith("└─ latest_producer_id_block = 1000")
    watchers = {"/controller": [session.session_id, 0xAB], "/nowhere": [1]}
    lines = tree_lines(tree, People(brokers, watchers), raw=True)
    (line,) = [each for each in lines if each.startswith("├─ controller [")]
    assert line.endswith(" (watched by broker 1, session 0xab)")


async def test_a_part_of_the_tree_as_it_stands() -> None:
    tree = await tree_of("", "/cluster")
    assert tree is not None
    assert tree_lines(tree, People({}), raw=True) == [
        "cluster",
        '└─ id = {"version":"1","id":"TWGlyXDDRxCWNF1TU93F7w"}',
    ]


async def test_there_is_no_such_node() -> None:
    assert await tree_of("/kafka", "/nope") is None


async def test_paths() -> None:
    session = await MemoryStore().open_session()
    await filled(session, "/kafka")
    assert await paths_below(session, "/kafka", "/brokers", recursive=False) == [
        "/brokers/ids",
        "/brokers/topics",
    ]
    below = await paths_below(session, "/kafka", "/brokers/topics/t", recursive=True)
    assert below is not None
    assert (below[0], below[-1]) == (
        "/brokers/topics/t",
        "/brokers/topics/t/partitions/0/state",
    )
    assert await paths_below(session, "/kafka", "/nope", recursive=True) is None


async def test_a_node_that_comes_changes_and_goes() -> None:
    store = MemoryStore()
    reader, writer = await store.open_session(), await store.open_session()
    changes = changes_of(reader, "/a")

    async def then() -> tuple[bytes | None, tuple[str, ...]]:
        seen = await anext(changes)
        assert isinstance(seen, Seen)
        return (None if seen.node is None else seen.node.data), seen.children

    assert await then() == (None, ())
    await writer.create("/a", b"1")
    assert await then() == (b"1", ())
    await writer.set("/a", b"2")
    assert await then() == (b"2", ())
    await writer.create("/a/child")
    assert (await then())[1] == ("child",)
    await writer.delete("/a/child")
    await writer.delete("/a")
    assert await then() == (None, ())
    reader.expire()
    with pytest.raises((click.ClickException, SessionLost), match="is over"):
        await then()
    await changes.aclose()
