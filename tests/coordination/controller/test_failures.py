"""The controller is gone before any single write of its stories, or hears of what is long over.

The failures that have a number in the list of those that such brokers have met are in
tests/failures.
"""

import pytest

from coordination.controller.commands import CommandAnswered
from coordination.values import TopicPartition
from coordination.znodes import paths
from tests.failures.interrupted import Gone, three_brokers

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


def steps_of(story: str) -> int:
    before, then = STORIES[story]
    world = three_brokers(*before)
    world.script(*then)
    return world.steps


@pytest.mark.parametrize("story", STORIES)
def test_a_controller_that_dies_at_any_step_leaves_nothing_undone(story: str) -> None:
    """Its successor brings the cluster to where an undisturbed controller brings it, but for the
    epochs: every partition with a live replica of its ISR is led by one."""
    before, then = STORIES[story]
    for n in range(steps_of(story)):
        world = three_brokers(*before)
        world.die_at = n
        for line in then:
            try:
                world.script(line)
            except Gone:
                world.replaced_by(3)
        context = world.controllers[3].context
        for partition in context.partitions_with_leaders():
            state = context.leadership[partition]
            if set(state.isr) & set(context.brokers) - context.shutting_down:
                assert state.leader in context.brokers, f"{partition} after step {n}"
        for topic in world.tree.children(paths.TOPICS):
            for number in context.topics[topic]:
                partition = TopicPartition(topic, number)
                if context.is_to_be_deleted(partition):
                    continue
                if set(context.assignment(partition).replicas) & set(context.brokers):
                    assert partition in context.leadership


def test_row_10_a_stop_replica_of_an_earlier_life_deletes_nothing_now() -> None:
    """KIP-380: the answer to a StopReplica for a broker's earlier life comes late."""
    world = three_brokers("topic orders 0=1,2", "controller 1")
    world.script("delete-topic orders")
    late = world.stop_replicas[2][-1]
    world.script("bounce 2")
    world.tell(CommandAnswered(2, late, 0, dict.fromkeys(late.partitions, 0)))
    world.script("answer 1")
    assert world.tree.children(paths.TOPICS) == ["orders"]
    world.script("answer 2")
    assert world.tree.children(paths.TOPICS) == []
