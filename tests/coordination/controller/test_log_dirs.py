"""A replica that was offline, by its broker's own word, has a log directory again."""

from coordination.controller.commands import CommandAnswered, LeaderAndIsrCommand
from coordination.controller.context import Replica
from coordination.controller.replica_states import ReplicaState
from coordination.values import NO_LEADER, TopicPartition
from tests.failures.interrupted import InterruptedWorld, three_brokers

ORDERS = TopicPartition("orders", 0)


def told(world: InterruptedWorld, error: int) -> None:
    """Broker 2 answers to the last LeaderAndIsr that it was sent."""
    world.tell(CommandAnswered(2, world.leader_and_isrs[2][-1], 0, {ORDERS: error}))


def test_who_alone_could_lead_and_can_again_is_elected() -> None:
    """At once, and not only when a broker comes or goes."""
    world = three_brokers("topic orders 0=2,1", "controller 3")
    world.script("alter-partition orders-0 broker=2 isr=2")
    context = world.controllers[3].context
    asked = world.leader_and_isrs[2][-1]
    told(world, 56)
    assert context.leadership[ORDERS].leader == NO_LEADER
    told(world, 0)
    assert context.leadership[ORDERS].leader == 2
    assert context.replica_state(Replica(ORDERS, 2)) is ReplicaState.ONLINE
    [*_, last] = world.leader_and_isrs[2]
    assert isinstance(last, LeaderAndIsrCommand)
    assert last is not asked
    assert last.partitions[ORDERS].leader_and_isr.leader == 2
    sent = len(world.leader_and_isrs[2])
    told(world, 0)
    assert len(world.leader_and_isrs[2]) == sent, "that it runs is no news any more"


def test_a_follower_that_is_back_is_told_whom_to_follow() -> None:
    world = three_brokers("topic orders 0=1,2", "controller 3")
    told(world, 56)
    told(world, 0)
    state = world.controllers[3].context.leadership[ORDERS]
    last = world.leader_and_isrs[2][-1].partitions[ORDERS].leader_and_isr
    assert (last.leader, last.leader_epoch) == (1, state.leader_epoch)


def test_a_deletion_that_waited_for_the_directory_goes_on() -> None:
    world = three_brokers("topic orders 0=2,1", "controller 3")
    told(world, 56)
    world.script("delete-topic orders", "answer 1")
    assert world.tree.children("/brokers/topics") == ["orders"]
    told(world, 0)
    world.script("answer 2")
    assert world.tree.children("/brokers/topics") == []
