"""Topics by way of ZooKeeper: defaults, refusals, and waiting for the outcome."""

import json
import random
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from broker.admin.topics import NewTopic
from broker.broker import Broker
from broker.wire.errors import ErrorCode, KafkaError
from coordination.memory_store import MemorySession
from coordination.znodes import decode_topic, paths
from tests.broker.support import know, open_broker, tp

THROTTLED = "leader.replication.throttled.replicas"


async def assignment(broker: Broker, name: str) -> dict[int, tuple[int, ...]]:
    session = await broker.topic_admin.zookeeper.session()
    found = decode_topic(name, await session.get(paths.topic(name)))
    return {index: each.replicas for index, each in found.partitions.items()}


async def refusal(broker: Broker, topic: NewTopic) -> ErrorCode:
    with pytest.raises(KafkaError) as refused:
        await broker.topic_admin.create(topic)
    return refused.value.code


async def test_the_brokers_defaults(tmp_path: Path) -> None:
    properties = {"num_partitions": "4", "default_replication_factor": "2"}
    async with open_broker(tmp_path, **properties) as broker:
        await know(broker)
        created = await broker.topic_admin.create(NewTopic("t"))
        assert (created.partition_count, created.replication_factor) == (4, 2)
        found = await assignment(broker, "t")
        assert [len(set(replicas)) for replicas in found.values()] == [2, 2, 2, 2]
        assert {replicas[0] for replicas in found.values()} == {1, 2, 3}


async def test_chance_decides_only_where_it_begins(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await know(broker)
        for name in ("a", "b"):
            broker.topic_admin.randomness = random.Random(5)
            await broker.topic_admin.create(NewTopic(name, 6, 3))
        assert await assignment(broker, "a") == await assignment(broker, "b")


async def test_an_assignment_of_the_clients_own(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await know(broker)
        await broker.topic_admin.create(NewTopic("t", assignment={0: (3, 1), 1: (2, 3)}))
        assert await assignment(broker, "t") == {0: (3, 1), 1: (2, 3)}


@pytest.mark.parametrize(
    ("topic", "code"),
    [
        (NewTopic("t", 1, 4), ErrorCode.INVALID_REPLICATION_FACTOR),
        (NewTopic("t", 0, 1), ErrorCode.INVALID_PARTITIONS),
        (NewTopic("a/b", 1, 1), ErrorCode.INVALID_TOPIC_EXCEPTION),
        (NewTopic("t", 1, 1, {0: (1,)}), ErrorCode.INVALID_REQUEST),
        (NewTopic("t", configs={"retention.ms": None}), ErrorCode.INVALID_CONFIG),
        (NewTopic("t", configs={"retention.ms": "soon"}), ErrorCode.INVALID_CONFIG),
        (NewTopic("taken", 1, 1), ErrorCode.TOPIC_ALREADY_EXISTS),
        # more than ZooKeeper takes
        (
            NewTopic("t", 1, 1, configs={THROTTLED: ",".join(["0:1"] * 300_000)}),
            ErrorCode.INVALID_REQUEST,
        ),
    ],
)
async def test_refusals(tmp_path: Path, topic: NewTopic, code: ErrorCode) -> None:
    async with open_broker(tmp_path) as broker:
        await know(broker)
        await broker.topic_admin.create(NewTopic("taken", 1, 1))
        assert await refusal(broker, topic) is code
        session = await broker.topic_admin.zookeeper.session()
        assert not await session.exists(paths.topic("t"))


async def test_that_a_topic_exists_is_said_first_even_while_a_broker_is_away(
    tmp_path: Path,
) -> None:
    """A client that makes sure of its topics at each start must come up without that broker."""
    async with open_broker(tmp_path) as broker:
        await know(broker, [1, 2], partitions=[("t-0", 1, (1, 2, 3))])
        assert await refusal(broker, NewTopic("t", 1, 3)) is ErrorCode.TOPIC_ALREADY_EXISTS
        no_value = NewTopic("t", configs={"retention.ms": None})
        assert await refusal(broker, no_value) is ErrorCode.TOPIC_ALREADY_EXISTS


async def test_validating_only_writes_nothing(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await know(broker)
        await broker.topic_admin.create(NewTopic("t", 1, 1), validate_only=True)
        session = await broker.topic_admin.zookeeper.session()
        assert not await session.exists(paths.topic("t"))


async def test_two_brokers_make_one_topic_automatically(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await know(broker)
        await broker.topic_admin.create_automatically("t")
        before = await assignment(broker, "t")
        await broker.topic_admin.create_automatically("t")
        assert await assignment(broker, "t") == before


@pytest.mark.parametrize(
    ("name", "properties", "configs"),
    [
        (
            "__consumer_offsets",
            {"offsets_topic_num_partitions": "3", "offsets_topic_segment_bytes": "1048576"},
            {"cleanup.policy": "compact", "compression.type": "producer"},
        ),
        (
            "__transaction_state",
            {
                "transaction_state_log_num_partitions": "3",
                "transaction_state_log_segment_bytes": "1048576",
            },
            {
                "cleanup.policy": "compact",
                "compression.type": "uncompressed",
                "min.insync.replicas": "2",
                "unclean.leader.election.enable": "false",
            },
        ),
    ],
)
async def test_internal_topics_have_settings_of_their_own(
    tmp_path: Path, name: str, properties: dict[str, str], configs: dict[str, str]
) -> None:
    async with open_broker(tmp_path, **properties) as broker:
        await know(broker)
        await broker.topic_admin.create_automatically(name)
        assert [len(replicas) for replicas in (await assignment(broker, name)).values()] == [3] * 3
        session = await broker.topic_admin.zookeeper.session()
        stored = json.loads((await session.get(f"/config/topics/{name}")).data)["config"]
        assert stored == {"segment.bytes": "1048576", **configs}


async def test_waiting_for_leaders_of_all_partitions(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with open_broker(tmp_path) as broker:
        admin = broker.topic_admin
        done: list[set[str]] = []

        async def wait() -> None:
            done.append(await admin.wait_for_leaders({"t"}, trio.current_time() + 10, {"t": 2}))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            for partitions in ([("t-0", 1, (1,))], [("t-1", -1, (1,))]):
                await know(broker, partitions=partitions)
                await wait_all_tasks_blocked()
                assert not done
            await know(broker, partitions=[("t-1", 1, (1,))])
        assert done == [set()]
        assert await admin.wait_for_leaders({"u"}, trio.current_time() + 10) == {"u"}


async def test_without_a_session_it_says_so_in_time(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with open_broker(tmp_path, request_timeout_ms="3000") as broker:
        await know(broker)
        session = await broker.topic_admin.zookeeper.session()
        broker.topic_admin.zookeeper.closed()
        began_s = trio.current_time()
        assert await refusal(broker, NewTopic("t", 1, 1)) is ErrorCode.REQUEST_TIMED_OUT
        assert trio.current_time() == began_s + 3
        assert isinstance(session, MemorySession)
        broker.topic_admin.zookeeper.opened(session)
        session.expire()
        assert await refusal(broker, NewTopic("t", 1, 1)) is ErrorCode.REQUEST_TIMED_OUT


async def test_which_partitions_are_gone(tmp_path: Path) -> None:
    """A damaged topic, of which nobody knows, keeps no other from being found gone."""
    async with open_broker(tmp_path) as broker:
        await know(broker)
        for name in ("here", "asked", "damaged"):
            await broker.topic_admin.create(NewTopic(name, 1, 1))
        await broker.topic_admin.delete("asked")
        session = await broker.topic_admin.zookeeper.session()
        await session.set(paths.topic("damaged"), b"{")
        asked = [tp("here-0"), tp("here-1"), tp("asked-0"), tp("damaged-0"), tp("never-0")]
        gone = await broker.topic_admin.gone(asked)
        assert gone == {tp("here-1"), tp("asked-0"), tp("never-0")}
