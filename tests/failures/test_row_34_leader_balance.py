"""Row 34: the automatic balance of leaders comes as a storm, or not at all.

After a rolling restart a thousand leaders want to go back to where they are preferred. One
LeaderAndIsr for each of them floods the brokers (KAFKA-7299); and while any partition was being
reassigned, which may take days, Kafka did not balance at all (KAFKA-10149). Provoked with 1,000
partitions that all lost their preferred leader, and a reassignment that does not come to its end,
in the controller's world in memory.
"""

from uuid import UUID

import pytest

from coordination.controller import commands as cmd
from coordination.controller import effects as eff
from coordination.controller.events import (
    Answer,
)
from coordination.store import Create, Set
from coordination.values import LeaderAndIsr, PartitionAssignment, TopicAssignment, TopicPartition
from coordination.znodes import encode_partition_state, encode_topic, paths
from tests.failures.interrupted import InterruptedWorld

PARTITIONS = 1000
MOVED = TopicPartition("moved", 0)


class CountingWorld(InterruptedWorld):
    """Counts what the brokers are sent."""

    sent: dict[tuple[int, type], int]

    def carry_out(self, effect: eff.Effect) -> Answer:
        if isinstance(effect, eff.Send):
            key = effect.broker_id, type(effect.command)
            self.sent[key] = self.sent.get(key, 0) + 1
        return super().carry_out(effect)


def begin() -> CountingWorld:
    """Broker 1 is preferred by all, leads none, and is in sync again."""
    world = CountingWorld()
    world.sent = {}
    numbers = " ".join(f"{number}=1,2" for number in range(PARTITIONS))
    world.script("broker 1", "broker 2", "broker 3", f"topic orders {numbers}", "topic moved 0=1,2")
    led_by_2 = encode_partition_state(LeaderAndIsr(2, 0, (2, 1), 0, 0))
    for topic in ("orders", "moved"):
        world.change(Create(paths.partitions(topic)))
    for partition in [*(TopicPartition("orders", number) for number in range(PARTITIONS)), MOVED]:
        world.change(Create(paths.partition(partition)))
        world.change(Create(paths.partition_state(partition), led_by_2))
    return world


@pytest.mark.long
def test_a_thousand_leaders_go_back_in_one_command_a_broker() -> None:
    world = begin()
    world.script("controller 3")
    world.sent.clear()
    world.script("leader-balance-due")
    led = world.controllers[3].context.leadership
    assert {state.leader for state in led.values()} == {1}
    assert world.sent == {
        (1, cmd.LeaderAndIsrCommand): 1,
        (2, cmd.LeaderAndIsrCommand): 1,
        (1, cmd.UpdateMetadataCommand): 1,
        (2, cmd.UpdateMetadataCommand): 1,
        (3, cmd.UpdateMetadataCommand): 1,
    }
    world.sent.clear()
    world.script("leader-balance-due")
    assert world.sent == {}, "balanced is balanced"


@pytest.mark.long
def test_a_reassignment_neither_stops_it_nor_is_disturbed() -> None:
    world = begin()
    # 3 is to replace 1 in moved-0, and is far from in sync.
    reassigned = PartitionAssignment((3, 2, 1), adding=(3,), removing=(1,))
    topic = TopicAssignment("moved", UUID(int=2), {0: reassigned})
    world.change(Set(paths.topic("moved"), encode_topic(topic)))
    world.script("controller 3")
    world.script("leader-balance-due")
    led = world.controllers[3].context.leadership
    assert {led[p].leader for p in led if p != MOVED} == {1}
    assert led[MOVED].leader == 2, "3 is preferred, but not in sync; 1 is on its way out"
    world.script("alter-partition moved-0 broker=2 isr=2,1,3")
    world.script("leader-balance-due")
    assert world.controllers[3].context.leadership[MOVED].leader == 3
