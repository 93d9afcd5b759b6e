"""Row 23: the controller is gone in the middle of a deletion, and something is left for ever.

Source: KAFKA-10548 (https://github.com/linkedin/kafka/pull/337), KAFKA-6650
(https://github.com/apache/kafka/pull/4825), and a deletion that a stopped controller interrupted
(https://github.com/linkedin/kafka/pull/596).

Provoked after every single step of a deletion: the controller's process ends before it asks
ZooKeeper the next thing, or when ZooKeeper has done it and nobody has heard. What brokers answer
the dead controller is lost. The next one, a broker that may know of nothing, completes the
deletion: no topic, no request, no config is left, neither in ZooKeeper nor in its memory.
"""

import itertools

import pytest

from coordination.znodes import paths
from tests.failures.interrupted import Gone, InterruptedWorld, three_brokers

# What there is, and what happens; `answer N`: broker N has done what it was told.
STORIES = {
    "plain": (
        ["topic orders 0=1,2 1=2", "config orders a=b", "controller 1"],
        ["delete-topic orders", "answer 1", "answer 2"],
    ),
    "two at once": (
        ["topic orders 0=1,2", "topic old 0=2,3 1=3,1", "config old a=b", "controller 1"],
        ["hold delete-topic orders", "delete-topic old", "answer 1", "answer 2", "answer 3"],
    ),
    "a replica is dead, and comes back": (
        ["topic orders 0=1,2,3 1=3", "config orders a=b", "controller 1", "broker-dies 3"],
        ["delete-topic orders", "answer 1", "answer 2", "broker 3", "answer 3"],
    ),
    "a broker dies meanwhile": (
        ["topic orders 0=1,2,3 1=3", "controller 1"],
        ["delete-topic orders", "answer 1", "bounce 3", "answer 2", "answer 3"],
    ),
    "a broker can't delete at first": (
        ["topic orders 0=1,2", "controller 1"],
        ["delete-topic orders", "answer 1", "answer 2 error=56", "bounce 2", "answer 2"],
    ),
}


def steps_of(story: str) -> int:
    before, then = STORIES[story]
    world = three_brokers(*before)
    world.script(*then)
    assert_nothing_is_left(world, "undisturbed")
    return world.steps


def assert_nothing_is_left(world: InterruptedWorld, when: str) -> None:
    for parent in (paths.TOPICS, paths.DELETE_TOPICS, "/config/topics"):
        assert world.tree.children(parent) == [], f"left in {parent}: {when}"
    assert world.active is not None
    context = world.controllers[world.active].context
    assert context.topics == {}, when
    assert context.leadership == {}, when
    assert context.topics_to_be_deleted == set(), when
    assert context.topics_ineligible_for_deletion == set(), when


def tell(world: InterruptedWorld, then: list[str], successor: int) -> None:
    """Go on to the end, with another controller when this one is gone."""
    for line in then:
        try:
            world.script(line)
        except Gone:
            world.replaced_by(successor)
    # The brokers obey the new controller as well.
    world.script("answer 1", "answer 2", "answer 3")


@pytest.mark.long
@pytest.mark.parametrize("heard", [True, False], ids=["before a step", "after it, unheard"])
@pytest.mark.parametrize("story", STORIES)
def test_the_next_controller_completes_it(story: str, heard: bool) -> None:
    before, then = STORIES[story]
    for step in range(steps_of(story)):
        world = three_brokers(*before)
        world.die_at, world.heard = step, heard
        tell(world, then, successor=2)
        assert_nothing_is_left(world, f"{story}, step {step}")


def test_successor_after_successor_dies_each_a_step_later() -> None:
    """Until one lives long enough to complete it: what the others did is not undone."""
    world = three_brokers(*STORIES["plain"][0])
    world.script("hold delete-topic orders")
    for term in itertools.count():
        world.stop_replicas.clear()
        world.steps, world.die_at = 0, term
        try:
            world.script(f"controller {term % 3 + 1}", "answer 1", "answer 2")
        except Gone:
            continue
        break
    assert term > 10
    assert_nothing_is_left(world, f"after {term} terms")


def test_a_deletion_has_many_steps() -> None:
    """So that the loops above are about something."""
    assert steps_of("plain") > 10
