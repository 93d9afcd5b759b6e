"""Row 1: a controller that lost its session while it was paused writes over its successor's work.

Source: KAFKA-6082 (https://github.com/apache/kafka/pull/5101: the version of /controller_epoch is
checked in every multi).

Provoked at each single write of every story that is told as a golden script: just before it the
controller is paused, another one is elected, and then it wakes up and goes on. Nothing that it
still writes may get through, and it must notice and resign.

And once with processes: the controller is frozen (SIGSTOP) past its session while topics are made,
and wakes up with writes that it had begun.
"""

import copy
import json
from pathlib import Path

import attrs
import pytest
from confluent_kafka.admin import AdminClient, NewTopic
from kazoo.client import KazooClient

from coordination.controller.effects import Effect
from coordination.controller.events import (
    Answer,
)
from coordination.store import MultiFailed, Op, Set, Stat, StoreError
from coordination.znodes import paths
from tests.failures.interrupted import three_brokers
from tests.golden.controller_world import ControllerWorld
from tests.golden.script import Command, commands_of
from tests.interop.faults.watch import watching
from tests.support.cluster import running_cluster
from tests.support.waiting import wait_until

SCRIPTS = sorted((Path(__file__).parents[1] / "golden" / "controller").glob("*.golden"))
QUICK = {"leader_dies", "alter_partition", "controlled_shutdown", "deletion", "preferred_election"}


@attrs.define
class OvertakenWorld(ControllerWorld):
    """Another controller is elected just before write number `pause_before`."""

    writes: int = 0
    pause_before: int | None = None
    zxid_of_successor: int | None = None

    def persist(self, multi: tuple[Op, ...]) -> list[str | Stat | None] | StoreError:
        if self.writes == self.pause_before:
            epoch = int(self.tree.node(paths.CONTROLLER_EPOCH).data)
            self.change(Set(paths.CONTROLLER_EPOCH, str(epoch + 1).encode()))
            self.interference.clear()
            self.lose_answer = False
            self.zxid_of_successor = self.tree.zxid
        self.writes += 1
        outcome = super().persist(multi)
        if self.zxid_of_successor is not None:
            assert isinstance(outcome, MultiFailed)
            assert outcome.index == 0
            assert self.tree.zxid == self.zxid_of_successor
        return outcome

    def carry_out(self, effect: Effect) -> Answer:
        if self.zxid_of_successor is not None:
            assert self.active is not None
        return super().carry_out(effect)


def copy_of(world: OvertakenWorld) -> OvertakenWorld:
    """Between two commands no story is told; that of a controller that was moved has ended."""
    for controller in world.controllers.values():
        controller._story = None
    return copy.deepcopy(world)


def writes_of(world: OvertakenWorld, command: Command) -> int:
    before = world.writes
    world.run(Command.parse(command.line))
    return world.writes - before


@pytest.mark.long
@pytest.mark.parametrize(
    "script",
    [
        pytest.param(
            script, id=script.stem, marks=[] if script.stem in QUICK else [pytest.mark.matrix]
        )
        for script in SCRIPTS
    ],
)
def test_replaced_before_any_write_it_writes_no_more_and_resigns(script: Path) -> None:
    world = OvertakenWorld()
    paused = 0
    for command in commands_of(script.read_text()):
        before = copy_of(world)
        for write in range(writes_of(world, command)):
            zombie = copy_of(before)
            zombie.pause_before = before.writes + write
            zombie.run(Command.parse(command.line))
            assert zombie.zxid_of_successor is not None
            assert zombie.active is None, f"goes on after {command.line!r}, write {write}"
            paused += 1
    assert paused >= 1


def test_the_stories_have_writes_to_be_paused_at() -> None:
    """So that the loop above is about something: a failover of one topic has three of them."""
    world = three_brokers("topic orders 0=1,2,3")
    world.script("controller 1")
    assert world.writes == 3


@pytest.mark.server
@pytest.mark.matrix
def test_frozen_while_topics_are_made(tmp_path: Path) -> None:
    with (
        running_cluster("zbroker", tmp_path) as cluster,
        watching(cluster.zookeeper_connect) as watch,
    ):
        for term in range(3):
            zombie = watch.controller()
            gone = watch.vanishing(f"/brokers/ids/{zombie}")
            others = [cluster.address(each) for each in cluster.brokers if each != zombie]
            admin = AdminClient({"bootstrap.servers": ",".join(others), "log_level": 0})
            asked = admin.create_topics([NewTopic(f"t{term}-{n}", 5, 3) for n in range(20)])
            wait_until("it has begun", lambda: written(watch.client, f"t{term}-"))  # noqa: B023
            cluster.pause(zombie)
            gone.wait()
            wait_until("a successor", lambda: watch.controller() != zombie)  # noqa: B023
            cluster.resume(zombie)
            wait_until("all answers", lambda: all(each.done() for each in asked.values()))  # noqa: B023
            cluster.wait_ready()
            assert_no_zombie_wrote(watch.client)


def written(client: KazooClient, prefix: str) -> bool:
    """Whether some partition of the topics has a state."""
    return any(
        client.exists(f"/brokers/topics/{topic}/partitions/0/state")
        for topic in client.get_children("/brokers/topics")
        if topic.startswith(prefix)
    )


def assert_no_zombie_wrote(client: KazooClient) -> None:
    """Whatever was written since the last election was written in its epoch."""
    epoch, elected = client.get(paths.CONTROLLER_EPOCH)
    late = 0
    for topic in client.get_children(paths.TOPICS):
        for number in client.get_children(paths.partitions(topic)):
            data, stat = client.get(f"{paths.partitions(topic)}/{number}/state")
            if stat.mzxid > elected.mzxid:
                late += 1
                assert json.loads(data)["controller_epoch"] == int(epoch), f"{topic}-{number}"
    assert late > 0, "nothing was written since"
