"""Row 19, the controller's half: an offline replica shrinks the ISR.

A broker that loses a log directory goes on living. If its replicas there were still leaders, or
still counted in sync, then either the partition stood still or the broker, whose log is gone, would
as leader throw the healthy followers out of the ISR. Source: KAFKA-7837
(https://github.com/apache/kafka/pull/6202).

Provoked by a directory's failure with the controller gone at each step that it takes about it: the
next one has to find out by itself.
"""

import pytest

from coordination.values import LeaderAndIsr, TopicPartition
from coordination.znodes import decode_partition_state, paths
from tests.failures.interrupted import Gone, InterruptedWorld, three_brokers

ORDERS = [TopicPartition("orders", number) for number in range(3)]
THEN = ("log-dir-fails 1", "answer-leader-and-isr 1 orders-0=56 orders-1=56")


def begin() -> InterruptedWorld:
    return three_brokers(
        "topic orders 0=1,2,3 1=2,1,3 2=1,2", "controller 3", "answer-leader-and-isr 1"
    )


def steps() -> int:
    world = begin()
    world.script(*THEN)
    return world.steps


def check(world: InterruptedWorld) -> None:
    """The lost replicas lead nothing and are in no ISR, what is healthy is as it was."""
    for partition in ORDERS[:2]:
        found = state(world, partition)
        assert found.leader == 2
        assert found.isr == (2, 3)
    assert state(world, ORDERS[2]).leader == 1
    assert world.active is not None
    context = world.controllers[world.active].context
    assert context.replicas_on_offline_dirs == {1: set(ORDERS[:2])}


def state(world: InterruptedWorld, partition: TopicPartition) -> LeaderAndIsr:
    return decode_partition_state(partition, world.tree.node(paths.partition_state(partition)))


def test_leaders_move_away_and_the_isr_is_without_it() -> None:
    world = begin()
    world.script(*THEN)
    check(world)
    world.script("elect-preferred orders-0")
    assert state(world, ORDERS[0]).leader == 2


@pytest.mark.parametrize("heard", [True, False])
def test_the_next_controller_finds_out(heard: bool) -> None:
    assert steps() > 5
    for n in range(steps()):
        world = begin()
        world.die_at, world.heard = n, heard
        try:
            world.script(*THEN)
        except Gone:
            # It asks every broker at its beginning; this one has not more to say than before.
            world.replaced_by(2)
            world.script(THEN[1])
        check(world)
