"""Row 19, the controller's half: an offline replica shrinks the ISR.

A broker that loses a log directory goes on living. If its replicas there were still leaders, or
still counted in sync, then either the partition stood still or the broker, whose log is gone, would
as leader throw the healthy followers out of the ISR. Source: KAFKA-7837. Provoked at every write
that the controller makes about it: the controller is gone there, and the next one has to find out
by itself.
"""

import pytest

from coordination.values import LeaderAndIsr, TopicPartition
from coordination.znodes import decode_partition_state, paths
from tests.coordination.controller.test_failures import GoneError, World

ORDERS = [TopicPartition("orders", number) for number in range(3)]


def begin() -> World:
    world = World()
    world.script("broker 1", "broker 2", "broker 3", "topic orders 0=1,2,3 1=2,1,3 2=1,2")
    world.script("controller 3", "answer-leader-and-isr 1")
    world.writes = 0
    return world


def state(world: World, partition: TopicPartition) -> LeaderAndIsr:
    return decode_partition_state(partition, world.tree.node(paths.partition_state(partition)))


WRITES = 3  # a leader, an ISR, and the notification's end
THEN = ("log-dir-fails 1", "answer-leader-and-isr 1 orders-0=56 orders-1=56")


def check(world: World) -> None:
    """The lost replicas lead nothing and are in no ISR, what is healthy is as it was."""
    for partition, others in zip(ORDERS[:2], [(2, 3), (2, 3)], strict=True):
        found = state(world, partition)
        assert found.leader == 2
        assert found.isr == others
    assert state(world, ORDERS[2]).leader == 1
    context = world.controllers[world.active or 0].context
    assert context.replicas_on_offline_dirs == {1: set(ORDERS[:2])}


def test_row_19_leaders_move_away_and_the_isr_is_without_it() -> None:
    world = begin()
    world.script(*THEN)
    check(world)
    assert world.writes == WRITES
    world.script("elect-preferred orders-0")
    assert state(world, ORDERS[0]).leader == 2


@pytest.mark.parametrize("write", range(WRITES))
def test_row_19_the_next_controller_finds_out(write: int) -> None:
    world = begin()
    world.die_before = write
    for line in THEN:
        try:
            world.script(line)
        except GoneError:
            world.active = world.die_before = None
            # It asks every broker at its beginning; this one has not more to say than before.
            world.script("controller 2", THEN[1])
    check(world)
