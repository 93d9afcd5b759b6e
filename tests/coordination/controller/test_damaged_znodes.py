"""Anybody can write to ZooKeeper: what is damaged is named, left alone, and disturbs nobody else.

Every znode that a controller reads, with every kind of damage, put there before a controller is
elected and beneath one that rules. Then the cluster's life goes on in all else: topics are made, a
broker dies and returns, leaders are elected, a topic is deleted, and another controller follows.
What brokers read besides (cluster id, controller, config changes) is in tests/coordination and
tests/interop/test_bad_starts.
"""

import json

import pytest

from coordination.store import Create, Op, Set, Stat, StoreError
from coordination.values import TopicPartition
from coordination.znodes import decode_partition_state, paths
from tests.golden.controller_world import ControllerWorld
from tests.golden.script import Command

HEALTHY = TopicPartition("healthy", 0)
STATE = "/brokers/topics/damaged/partitions/0/state"

GOOD = {
    "topic": (paths.topic("damaged"), {"version": 3, "partitions": {"0": [1, 2]}}),
    "state": (
        STATE,
        {"version": 1, "leader": 1, "leader_epoch": 0, "isr": [1, 2], "controller_epoch": 1},
    ),
    "broker": (
        paths.broker(4),
        {
            "version": 5,
            "endpoints": ["PLAINTEXT://localhost:9094"],
            "listener_security_protocol_map": {"PLAINTEXT": "PLAINTEXT"},
        },
    ),
    "preferred election": (
        paths.PREFERRED_REPLICA_ELECTION,
        {"version": 1, "partitions": [{"topic": "healthy", "partition": 0}]},
    ),
    "reassignment": (
        paths.REASSIGN_PARTITIONS,
        {"version": 1, "partitions": [{"topic": "healthy", "partition": 0, "replicas": [1, 3]}]},
    ),
    "feature": (paths.FEATURE, {"version": 2, "status": 1, "features": {}}),
    "producer id block": (
        paths.PRODUCER_ID_BLOCK,
        {"version": 1, "broker": 1, "block_start": "0", "block_end": "999"},
    ),
    "topic config": (
        paths.config("topics/helpless"),
        {"version": 1, "config": {"unclean.leader.election.enable": "true"}},
    ),
    "brokers' config": (
        paths.config("brokers/<default>"),
        {"version": 1, "config": {"unclean.leader.election.enable": "true"}},
    ),
}
# These are read once, named, and deleted as all of their kind are.
READ_AND_DELETED = {
    "ISR change": (
        f"{paths.ISR_CHANGE_PREFIX}0000000000",
        {"version": 1, "partitions": [{"topic": "healthy", "partition": 0}]},
    ),
    "log directory event": (
        f"{paths.LOG_DIR_EVENT_PREFIX}0000000000",
        {"version": 1, "broker": 1, "event": 1},
    ),
}
ALWAYS_TESTED = ("torn", "unknown version")  # the others in the matrix
UNVERSIONED = {"topic", "state", "preferred election", "reassignment", "producer id block"}


def damages(kind: str, document: dict[str, object]) -> dict[str, bytes]:
    """The document; no JSON; without each field that it needs; with a wrong type in each."""
    found = {"torn": json.dumps(document)[:-2].encode(), "no JSON": b"\xff\x00garbage"}
    if kind not in ("topic config", "brokers' config", "producer id block"):
        found["empty"] = b""
    for field in document:
        if field == "version" and kind in UNVERSIONED | {"topic config", "brokers' config"}:
            continue  # Kafka does not look at it either
        less = {name: value for name, value in document.items() if name != field}
        found[f"without {field}"] = json.dumps(less).encode()
        found[f"{field} of another type"] = json.dumps(less | {field: True}).encode()
    if kind in ("broker", "feature"):
        found["unknown version"] = json.dumps(document | {"version": -7}).encode()
    return found


CASES = [
    pytest.param(
        kind,
        path,
        data,
        id=f"{kind}: {what}",
        marks=[pytest.mark.matrix] * (what not in ALWAYS_TESTED),
    )
    for kind, (path, document) in GOOD.items()
    for what, data in damages(kind, document).items()
]
FLEETING = [
    pytest.param(
        path,
        data,
        id=f"{kind}: {what}",
        marks=[pytest.mark.matrix] * (what not in ALWAYS_TESTED),
    )
    for kind, (path, document) in READ_AND_DELETED.items()
    for what, data in damages(kind, document).items()
    if "version" not in what
]


# Well-formed, and yet it cannot be meant.
NONSENSE = {
    "two topics of one id": (
        paths.topic("zcopy"),
        {"version": 3, "partitions": {"0": [1]}, "topic_id": "AAAAAAAAAAAAAAAAAAAAAQ"},
    ),
    "a broker twice": (paths.topic("damaged"), {"version": 3, "partitions": {"0": [1, 1]}}),
    "a broker below zero": (paths.topic("damaged"), {"version": 3, "partitions": {"0": [-1, 1]}}),
    "a stranger that is added": (
        paths.topic("damaged"),
        {"version": 3, "partitions": {"0": [1, 2]}, "adding_replicas": {"0": [3]}},
    ),
    "nobody who stays": (
        paths.topic("damaged"),
        {"version": 3, "partitions": {"0": [1, 2]}, "removing_replicas": {"0": [1, 2]}},
    ),
    "the last epoch": (STATE, GOOD["state"][1] | {"leader_epoch": (1 << 31) - 1}),
    "a leader that fits nowhere": (STATE, GOOD["state"][1] | {"leader": 1 << 31}),
    "a protocol that is none": (
        paths.broker(4),
        GOOD["broker"][1] | {"listener_security_protocol_map": {"PLAINTEXT": "CARRIER_PIGEON"}},
    ),
    "a port that is none": (
        paths.broker(4),
        GOOD["broker"][1] | {"endpoints": ["PLAINTEXT://localhost:70000"]},
    ),
    "ids below zero": (
        paths.PRODUCER_ID_BLOCK,
        {"version": 1, "broker": 1, "block_start": "-9", "block_end": "-1"},
    ),
}
CASES += [
    pytest.param(what, path, json.dumps(document).encode(), id=what)
    for what, (path, document) in NONSENSE.items()
]


class World(ControllerWorld):
    def script(self, *lines: str) -> list[str]:
        return [line for each in lines for line in self.run(Command.parse(each))]

    def damage(self, path: str, data: bytes) -> None:
        if self.tree.stat(path) is None:
            self.change(Create(path, data))
        else:
            self.change(Set(path, data))
        self.settle()

    def leader(self, partition: TopicPartition) -> int:
        node = self.tree.node(paths.partition_state(partition))
        return decode_partition_state(partition, node).leader


def begin() -> World:
    """Three brokers, and of each kind of topic one."""
    world = World()
    world.script(
        "broker 1", "broker 2", "broker 3",
        "topic healthy 0=1,2", "topic damaged 0=1,2", "topic helpless 0=3,1",
    )  # fmt: skip
    return world


def live_on(world: World) -> list[str]:
    """All that a cluster does besides, held to its outcome."""
    said = world.script("topic new 0=2,3", "broker-dies 2", "broker 2")
    assert world.leader(TopicPartition("new", 0)) == 3
    said += world.script("alter-partition healthy-0 broker=1 isr=1,2", "shutdown 1")
    assert world.leader(HEALTHY) == 2
    said += world.script("broker-dies 1", "broker 1", "delete-topic new", "answer 2", "answer 3")
    assert "new" not in world.tree.children(paths.TOPICS)
    said += world.script(
        # helpless-0 has an ISR of one, which dies
        "alter-partition helpless-0 broker=3 isr=3", "broker-dies 3", "producer-ids 2",
        "log-dir-fails 1", "leader-balance-due", "controller 2",
    )  # fmt: skip
    assert world.active == 2
    return said


@pytest.mark.parametrize(("kind", "path", "data"), CASES)
@pytest.mark.parametrize("when", ["before the controller", "beneath the controller"])
def test_named_left_alone_and_harmless(kind: str, path: str, data: bytes, when: str) -> None:
    world = begin()
    said: list[str] = []
    if when == "beneath the controller":
        said += world.script("controller 1")
    elif path == STATE:
        for part in ("", "/0"):
            world.damage(f"/brokers/topics/damaged/partitions{part}", b"")
    world.damage(path, data)
    said += world.output
    if when == "before the controller":
        said += world.script("controller 1")
    said += live_on(world)
    lines = [line for line in said if "znode.unreadable" in line]
    assert lines, "nothing was said"
    assert all(f"path={path} " in line for line in lines), lines
    assert world.tree.node(path).data == data
    if kind in ("topic config", "brokers' config"):
        assert world.leader(TopicPartition("helpless", 0)) == -1, "it allowed an unclean election"


@pytest.mark.parametrize(("path", "data"), FLEETING)
def test_a_damaged_notification_is_named_and_deleted(path: str, data: bytes) -> None:
    world = begin()
    world.script("controller 1")
    world.damage(path, data)
    said = [line for line in world.output if "znode.unreadable" in line]
    assert [line for line in said if f"path={path} " in line]
    assert world.tree.stat(path) is None
    live_on(world)


def test_a_partition_state_of_a_topic_that_is_gone() -> None:
    """The topic's znode was emptied by hand, its states were not."""
    world = begin()
    world.script("controller 1")
    world.damage(paths.topic("damaged"), b"")
    said = world.script("controller 2")
    assert any("path=/brokers/topics/damaged " in line for line in said)
    left = world.tree.node(STATE).data
    live_on(world)
    assert world.tree.node(STATE).data == left


@pytest.mark.parametrize("name", ["by-hand", "config_change_9999999999"])
@pytest.mark.parametrize(
    "parent",
    [
        paths.BROKER_IDS,
        paths.CONFIG_CHANGES,
        paths.ISR_CHANGE_NOTIFICATION,
        paths.LOG_DIR_EVENT_NOTIFICATION,
        paths.DELETE_TOPICS,
    ],
)
def test_a_child_that_nobody_expects(parent: str, name: str) -> None:
    world = begin()
    world.script("controller 1")
    world.damage(f"{parent}/{name}", b"?")
    live_on(world)


@pytest.mark.parametrize("name", ["3000000000", "01", "9" * 5000])
def test_a_broker_whose_id_no_request_can_carry(name: str) -> None:
    world = begin()
    path = f"{paths.BROKER_IDS}/{name}"
    registration = json.dumps(GOOD["broker"][1]).encode()
    world.damage(path, registration)
    world.script("controller 1")
    world.damage(path, registration)
    live_on(world)
    assert world.controllers[2].context.brokers.keys() == {1, 2}


class Spoiled(World):
    """Damages the state of damaged-0 between the two writes that one story makes to it."""

    spoil = False

    def persist(self, multi: tuple[Op, ...]) -> list[str | Stat | None] | StoreError:
        answer = super().persist(multi)
        if self.spoil and any(op.path == STATE for op in multi):
            self.spoil = False
            self.change(Set(STATE, b"?"))
        return answer


def test_a_state_that_is_damaged_while_its_followers_leave_the_isr() -> None:
    world = Spoiled()
    world.script("broker 1", "broker 2", "broker 3", "broker 4", "topic damaged 0=1,2,3")
    world.script("controller 4", "hold broker-dies 2")
    world.spoil = True
    said = world.script("broker-dies 3")
    assert any("removed=2" in line for line in said)
    assert any(f"znode.unreadable path={STATE} " in line for line in said)
    assert [line for line in said if "UpdateMetadata" in line][-1].endswith("live=[1,4]")
