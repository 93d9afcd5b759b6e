"""Topics as admins change them, on both ZooKeepers; and the checks, in Kafka's words."""

import uuid

import pytest

from coordination.assignment import AdminError, BrokerRack
from coordination.memory_store import MemorySession
from coordination.store import NodeExists, Session
from coordination.topic_checks import (
    check_topic_assignment,
    check_topic_name,
    new_partitions_assignment,
)
from coordination.topics import (
    create_partitions,
    create_topic,
    delete_topic,
    live_partitions,
)
from coordination.values import PartitionAssignment, TopicAssignment
from coordination.znodes import BadZnode, decode_config, decode_topic, paths
from tests.coordination.controller.support import reconnecting
from tests.coordination.worlds import World

ID = uuid.UUID(int=7)
BROKERS = [BrokerRack(1), BrokerRack(2), BrokerRack(3)]


@pytest.fixture
async def session(world: World) -> Session:
    session = await world.open_session()
    for path in paths.PERSISTENT:
        parts = path.split("/")
        for depth in range(2, len(parts) + 1):
            if await session.exists("/".join(parts[:depth])) is None:
                await session.create("/".join(parts[:depth]))
    return session


# Names


@pytest.mark.parametrize("name", ["a", "a.b_c-D9", "x" * 249, "..."])
def test_good_names(name: str) -> None:
    check_topic_name(name)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "the empty string is not allowed"),
        (".", "'.' is not allowed"),
        ("..", "'..' is not allowed"),
        (
            "x" * 250,
            f"the length of '{'x' * 250}' is longer than the max allowed length 249",
        ),
        (
            "a b",
            "'a b' contains one or more characters other than ASCII alphanumerics, "
            "'.', '_' and '-'",
        ),
        (
            "ä",
            "'ä' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'",
        ),
        (
            "a\n",
            "'a\n' contains one or more characters other than ASCII alphanumerics, "
            "'.', '_' and '-'",
        ),
    ],
)
def test_bad_names(name: str, why: str) -> None:
    with pytest.raises(AdminError) as refused:
        check_topic_name(name)
    assert refused.value.error == "INVALID_TOPIC_EXCEPTION"
    assert str(refused.value) == f"Topic name is invalid: {why}"


# Assignments


@pytest.mark.parametrize(
    ("assignment", "why"),
    [
        ({}, "All partitions should have the same number of replicas"),
        ({0: [1], 1: [1, 2]}, "All partitions should have the same number of replicas"),
        ({0: [1, 1]}, "Duplicate replica assignment found"),
        ({0: [1], 2: [1]}, "partitions should be a consecutive 0-based integer sequence"),
        ({1: [1]}, "partitions should be a consecutive 0-based integer sequence"),
    ],
)
def test_bad_assignments(assignment: dict[int, list[int]], why: str) -> None:
    with pytest.raises(AdminError, match=why) as refused:
        check_topic_assignment(assignment)
    assert refused.value.error == "INVALID_REPLICA_ASSIGNMENT"


def topic(*replicas: tuple[int, ...]) -> TopicAssignment:
    return TopicAssignment(
        "orders", ID, {number: PartitionAssignment(each) for number, each in enumerate(replicas)}
    )


def test_further_partitions_begin_behind_the_first_leader() -> None:
    added = new_partitions_assignment(topic((2, 3), (3, 1)), 4, BROKERS)
    assert added == {2: (1, 3), 3: (2, 3)}


@pytest.mark.parametrize(
    ("count", "assignments", "error", "why"),
    [
        (
            1,
            None,
            "INVALID_PARTITIONS",
            "Topic currently has 2 partitions, which is higher than the requested 1.",
        ),
        (2, None, "INVALID_PARTITIONS", "Topic already has 2 partitions."),
        (
            3,
            [[1, 8], [9, 1]],
            "INVALID_REPLICA_ASSIGNMENT",
            "Unknown broker(s) in replica assignment: 8, 9.",
        ),
        (
            4,
            [[1, 2]],
            "INVALID_REPLICA_ASSIGNMENT",
            "Increasing the number of partitions by 2 but 1 assignments provided.",
        ),
        (
            3,
            [[]],
            "INVALID_REPLICA_ASSIGNMENT",
            "Cannot have replication factor of 0 for partition id 2.",
        ),
        (
            3,
            [[1, 1]],
            "INVALID_REPLICA_ASSIGNMENT",
            "Duplicate brokers not allowed in replica assignment: 1, 1 for partition id 2.",
        ),
        (
            4,
            [[1, 2], [3]],
            "INVALID_REPLICA_ASSIGNMENT",
            "Inconsistent replication factor between partitions, partition 0 has 2 while "
            "partitions [3] have replication factors [1], respectively.",
        ),
    ],
)
def test_refused_partitions(
    count: int, assignments: list[list[int]] | None, error: str, why: str
) -> None:
    with pytest.raises(AdminError) as refused:
        new_partitions_assignment(topic((1, 2), (2, 3)), count, BROKERS, assignments)
    assert (refused.value.error, str(refused.value)) == (error, why)


def test_no_partitions_during_a_reassignment() -> None:
    moving = TopicAssignment("orders", ID, {0: PartitionAssignment((1, 2), adding=(2,))})
    with pytest.raises(AdminError, match="A partition reassignment is in progress"):
        new_partitions_assignment(moving, 2, BROKERS)


# Changes


async def test_create(session: Session) -> None:
    await create_topic(
        session, "orders", {1: [2, 1], 0: [1, 2]}, {"retention.ms": "5"}, topic_id=ID
    )
    found = decode_topic("orders", await session.get("/brokers/topics/orders"))
    assert found == topic((1, 2), (2, 1))
    config = decode_config("topics/orders", await session.get("/config/topics/orders"))
    assert config == {"retention.ms": "5"}


async def test_a_config_left_behind_is_replaced(session: Session) -> None:
    await session.create("/config/topics/orders", b'{"version":1,"config":{"a":"b"}}')
    await create_topic(session, "orders", {0: [1]}, {}, topic_id=ID)
    assert decode_config("topics/orders", await session.get("/config/topics/orders")) == {}


async def test_validate_only_writes_nothing(session: Session) -> None:
    await create_topic(session, "orders", {0: [1]}, {}, topic_id=ID, validate_only=True)
    assert await session.children("/brokers/topics") == []
    assert await session.children("/config/topics") == []


async def test_it_exists(session: Session) -> None:
    await create_topic(session, "orders", {0: [1]}, {"a": "b"}, topic_id=ID)
    with pytest.raises(AdminError) as refused:
        await create_topic(session, "orders", {0: [1]}, {}, topic_id=uuid.uuid4())
    assert refused.value.error == "TOPIC_ALREADY_EXISTS"
    assert str(refused.value) == "Topic 'orders' already exists."


async def test_names_that_collide(session: Session) -> None:
    await create_topic(session, "a.b", {0: [1]}, {}, topic_id=ID)
    with pytest.raises(AdminError) as refused:
        await create_topic(session, "a_b", {0: [1]}, {}, topic_id=ID)
    assert refused.value.error == "INVALID_TOPIC_EXCEPTION"
    assert str(refused.value) == "Topic 'a_b' collides with existing topics: a.b"


async def test_add_partitions(session: Session) -> None:
    await create_topic(session, "orders", {0: [1, 2]}, {}, topic_id=ID)
    added = await create_partitions(session, "orders", 3, BROKERS)
    found = decode_topic("orders", await session.get("/brokers/topics/orders"))
    assert found == topic((1, 2), added[1], added[2])


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../controller", "a\0b"])
async def test_what_is_no_name_becomes_no_path(session: Session, name: str) -> None:
    for change in (create_partitions(session, name, 2, BROKERS), delete_topic(session, name)):
        with pytest.raises(AdminError) as refused:
            await change
        assert refused.value.error == "UNKNOWN_TOPIC_OR_PARTITION"
    assert await session.children(paths.DELETE_TOPICS) == []


async def test_add_partitions_to_nothing(session: Session) -> None:
    with pytest.raises(AdminError, match=r"The topic 'orders' does not exist\.") as refused:
        await create_partitions(session, "orders", 3, BROKERS)
    assert refused.value.error == "UNKNOWN_TOPIC_OR_PARTITION"


async def test_delete(session: Session) -> None:
    await create_topic(session, "orders", {0: [1]}, {}, topic_id=ID)
    await delete_topic(session, "orders")
    await delete_topic(session, "orders")
    assert await session.children("/admin/delete_topics") == ["orders"]
    with pytest.raises(AdminError) as refused:
        await create_topic(session, "orders", {0: [1]}, {}, topic_id=ID)
    assert refused.value.error == "TOPIC_ALREADY_EXISTS"
    assert str(refused.value) == "Topic 'orders' is marked for deletion."
    with pytest.raises(AdminError, match=r"queued for deletion"):
        await create_partitions(session, "orders", 2, BROKERS)


async def test_which_partitions_there_are(session: Session) -> None:
    for name in ("orders", "payments"):
        await create_topic(session, name, {0: (1,), 1: (1,)}, {}, topic_id=ID)
    await delete_topic(session, "payments")
    await session.create("/brokers/topics/damaged", b"{")
    live = await live_partitions(session, {"orders", "payments", "nothing", "damaged"})
    assert isinstance(live.pop("damaged"), BadZnode), "and the others are known nevertheless"
    assert live == {"orders": {0, 1}}


async def test_delete_nothing(session: Session) -> None:
    with pytest.raises(AdminError) as refused:
        await delete_topic(session, "orders")
    assert refused.value.error == "UNKNOWN_TOPIC_OR_PARTITION"


@pytest.mark.parametrize("connect", [None], ids=["memory"])  # it alone loses exactly one answer
@pytest.mark.parametrize("applied", [True, False])
async def test_a_lost_answer_is_looked_after(session: Session, applied: bool) -> None:
    assert isinstance(session, MemorySession)

    def lose() -> None:
        session.lose_next_write(applied=applied)

    async with reconnecting(session):
        lose()
        await create_topic(session, "orders", {0: [1, 2]}, {}, topic_id=ID)
        lose()
        await create_partitions(session, "orders", 2, BROKERS, [[2, 3]])
        lose()
        await delete_topic(session, "orders")
    found = decode_topic("orders", await session.get("/brokers/topics/orders"))
    assert found == topic((1, 2), (2, 3))
    with pytest.raises(NodeExists):
        await session.create("/admin/delete_topics/orders")
