"""Failures that controllers of this design have met, provoked at every single write.

The pure step on a tree in memory: between any two writes another controller takes over, or this one
is gone. Each test is named after its row in the list of such failures.
"""

import attrs
import pytest

from coordination.controller.commands import CommandAnswered
from coordination.controller.step import Controller
from coordination.store import Op, Set, Stat, StoreError
from coordination.values import TopicPartition
from coordination.znodes import paths
from tests.golden.controller_world import ControllerWorld
from tests.golden.script import Command


class GoneError(Exception):
    """The controller's process has died."""


@attrs.define
class World(ControllerWorld):
    """Counts writes, and lets something happen just before one of them."""

    writes: int = 0
    take_over_before: int | None = None
    die_before: int | None = None
    zxid_at_take_over: int | None = None

    def persist(self, multi: tuple[Op, ...]) -> list[str | Stat | None] | StoreError:
        if self.writes == self.take_over_before:
            epoch = int(self.tree.node(paths.CONTROLLER_EPOCH).data)
            self.change(Set(paths.CONTROLLER_EPOCH, str(epoch + 1).encode()))
            self.zxid_at_take_over = self.tree.zxid
        if self.writes == self.die_before:
            raise GoneError
        self.writes += 1
        return super().persist(multi)

    def script(self, *lines: str) -> None:
        for line in lines:
            self.run(Command.parse(line))


STORIES = {
    "failover": (["topic orders 0=1,2,3 1=2,3,9"], ["controller 1"]),
    "broker dies": (["topic orders 0=1,2,3 1=2,3,1 2=1", "controller 2"], ["broker-dies 1"]),
    "topics": (["controller 1"], ["topic orders 0=1,2 1=2,1", "topic-without-id old 0=1"]),
    "deletion": (
        ["topic orders 0=1,2 1=2", "config orders a=b", "controller 1"],
        ["delete-topic orders", "answer 1", "answer 2"],
    ),
    "controlled shutdown": (["topic orders 0=1,2,3 1=2,1", "controller 2"], ["shutdown 1"]),
    "ISR": (["topic orders 0=1,2,3", "controller 1"], ["alter-partition orders-0 broker=1 isr=1"]),
    "producer ids": (["controller 1"], ["producer-ids 2"]),
    "preferred leaders": (
        ["topic orders 0=1,2,3 1=1,2", "controller 2", "broker-dies 1", "broker 1"],
        [
            "alter-partition orders-0 broker=2 isr=2,1",
            'write /admin/preferred_replica_election \'{"version":1,"partitions":'
            '[{"topic":"orders","partition":0}]}\'',
            "alter-partition orders-1 broker=2 isr=2,1",
            "leader-balance-due",
        ],
    ),
    "unclean election": (
        ["topic orders 0=1,2", "controller 2", "alter-partition orders-0 broker=1 isr=1"],
        ["broker-dies 1", "alter-config topics/orders unclean.leader.election.enable=true"],
    ),
    "log directory": (
        ["topic orders 0=1,2,3 1=2,1", "controller 3", "answer-leader-and-isr 1"],
        ["log-dir-fails 1", "answer-leader-and-isr 1 orders-0=56"],
    ),
}


def begin(before: list[str]) -> World:
    world = World()
    world.script("broker 1", "broker 2", "broker 3", *before)
    world.writes = 0
    return world


def writes_of(story: str) -> int:
    before, then = STORIES[story]
    world = begin(before)
    world.script(*then)
    return world.writes


@pytest.mark.parametrize("story", STORIES)
def test_row_1_a_zombie_writes_nothing_whenever_it_was_replaced(story: str) -> None:
    """KAFKA-6082: paused at any write point beyond its session, it wakes after the next's election.

    A take-over before write n must leave ZooKeeper as it was then, but for what the scenario's
    other actors do, who are stopped too.
    """
    before, then = STORIES[story]
    assert writes_of(story) > 0
    for n in range(writes_of(story)):
        world = begin(before)
        world.take_over_before = n
        for line in then:
            if world.active is None and world.zxid_at_take_over is not None:
                break
            world.script(line)
        assert world.tree.zxid == world.zxid_at_take_over, f"wrote after write point {n}"
        assert world.active is None


@pytest.mark.parametrize("story", STORIES)
def test_a_controller_that_dies_at_any_write_leaves_nothing_undone(story: str) -> None:
    """Its successor brings the cluster to where an undisturbed controller brings it, but for the
    epochs: every partition with a live replica of its ISR is led by one."""
    before, then = STORIES[story]
    for n in range(writes_of(story)):
        world = begin(before)
        world.die_before = n
        for line in then:
            try:
                world.script(line)
            except GoneError:
                world.active = None
                world.die_before = None
                world.script("controller 3")
        context = world.controllers[3].context
        for partition in context.partitions_with_leaders():
            state = context.leadership[partition]
            if set(state.isr) & set(context.brokers) - context.shutting_down:
                assert state.leader in context.brokers, f"{partition} after write point {n}"
        for topic in world.tree.children(paths.TOPICS):
            for number in context.topics[topic]:
                partition = TopicPartition(topic, number)
                if context.is_to_be_deleted(partition):
                    continue
                if set(context.assignment(partition).replicas) & set(context.brokers):
                    assert partition in context.leadership


def test_row_23_a_deletion_interrupted_at_any_write_is_finished() -> None:
    """KAFKA-6650: the controller is gone before any write of the deletion, the next one resumes."""
    before, then = STORIES["deletion"]
    for n in range(writes_of("deletion")):
        world = begin(before)
        world.die_before = n
        for line in then:
            try:
                world.script(line)
            except GoneError:
                world.active = None
                world.die_before = None
                world.script("controller 2", "answer 1", "answer 2", "answer 3")
        for parent in (paths.TOPICS, paths.DELETE_TOPICS, "/config/topics"):
            assert world.tree.children(parent) == [], f"left after write point {n}"


def test_row_23_an_undisturbed_deletion_has_several_writes() -> None:
    """So that the loops above are about something."""
    assert writes_of("deletion") > 8


def test_row_10_a_stop_replica_of_an_earlier_life_deletes_nothing_now() -> None:
    """KIP-380: the answer to a StopReplica for a broker's earlier life comes late."""
    world = begin(["topic orders 0=1,2", "controller 1"])
    world.script("delete-topic orders")
    late = world.stop_replicas[2][-1]
    world.script("bounce 2")
    world.tell(CommandAnswered(2, late, 0, dict.fromkeys(late.partitions, 0)))
    world.script("answer 1")
    assert world.tree.children(paths.TOPICS) == ["orders"]
    world.script("answer 2")
    assert world.tree.children(paths.TOPICS) == []


def test_row_22_create_and_delete_in_a_tight_loop() -> None:
    world = begin(["controller 1"])
    for _ in range(20):
        world.script("topic orders 0=1,2 1=2", "delete-topic orders", "answer 1", "answer 2")
        assert world.tree.children(paths.TOPICS) == []
    controller: Controller = world.controllers[1]
    assert controller.context.topics == {}
    assert controller.context.leadership == {}
