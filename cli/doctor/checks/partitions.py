"""Partitions: their states, their assignments, and what each broker was told of them."""

from itertools import pairwise

from cli.doctor.checks.looking import Look, assigned, ids, is_unreadable, silent, states_of
from cli.doctor.facts import Cache, Facts
from coordination.values import LeaderAndIsr, PartitionAssignment, TopicPartition

INTERNAL_TOPICS = ("__consumer_offsets", "__transaction_state")


def states_fit_assignments(facts: Facts, look: Look) -> None:
    for partition, state, assignment in states_of(facts):
        outside = set(state.isr) - set(assignment.replicas)
        look.at(
            partition,
            not outside,
            f"ISR {ids(state.isr)} is not within the replicas {ids(assignment.replicas)}",
        )
        look.at(
            partition,
            state.leader < 0 or state.leader in state.isr,
            f"leader {state.leader} is not in the ISR {ids(state.isr)}",
        )
        look.at(partition, bool(state.isr), "the ISR is empty")
    for partition in assigned(facts):
        if partition not in facts.znodes.states and not is_unreadable(facts, partition):
            look.at(partition, False, "is assigned, and has no state")


def leaders_are_alive(facts: Facts, look: Look) -> None:
    """A partition without a leader whose ISR is dead is offline, and still as promised."""
    alive = facts.znodes.brokers
    for partition, state, _ in states_of(facts):
        is_alive = state.leader < 0 or state.leader in alive
        look.at(partition, is_alive, f"leader {state.leader} is not in /brokers/ids")
        could_lead = [each for each in state.isr if each in alive]
        look.at(
            partition,
            state.leader >= 0 or not could_lead,
            f"has no leader, though {ids(could_lead)} of its ISR are alive",
        )


def internal_topics_have_leaders(facts: Facts, look: Look) -> None:
    for topic in INTERNAL_TOPICS:
        if topic not in facts.znodes.topics:
            continue
        numbers = sorted(facts.znodes.topics[topic].partitions)
        is_whole = numbers == list(range(len(numbers)))
        look.at(topic, is_whole, f"its partitions are {ids(numbers)}, not one after another")
    for partition, state, _ in states_of(facts):
        if partition.topic in INTERNAL_TOPICS:
            look.at(partition, state.leader >= 0, "has no leader: what it coordinates stands still")


def caches_equal_znodes(facts: Facts, look: Look) -> None:
    for broker_id, cache in facts.caches.items():
        for partition, state, assignment in states_of(facts):
            _compare(facts, look, broker_id, cache, partition, state, assignment)
        for partition in cache.partitions:
            topic = facts.znodes.topics.get(partition.topic)
            look.at(
                partition,
                (topic is None and is_unreadable(facts, partition))
                or partition.topic in facts.znodes.deleting
                or (topic is not None and partition.partition in topic.partitions),
                f"broker {broker_id} knows of it, ZooKeeper doesn't",
            )
    look.unseen += silent(facts)


def _compare(
    facts: Facts,
    look: Look,
    broker_id: int,
    cache: Cache,
    partition: TopicPartition,
    state: LeaderAndIsr,
    assignment: PartitionAssignment,
) -> None:
    cached = cache.partitions.get(partition)
    look.at(partition, cached is not None, f"broker {broker_id} doesn't know of it")
    if cached is None:
        return
    # A leader that isn't alive is told to nobody.
    leader = state.leader if state.leader in facts.znodes.brokers else -1
    for name, told, written in (
        ("leader", cached.leader, leader),
        ("leader epoch", cached.leader_epoch, state.leader_epoch),
        ("ISR", ids(sorted(cached.isr)), ids(sorted(state.isr))),
        ("replicas", ids(cached.replicas), ids(assignment.replicas)),
    ):
        look.at(
            partition,
            told == written,
            f"broker {broker_id} says {name} {told}, ZooKeeper {written}",
        )


def topic_ids_agree(facts: Facts, look: Look) -> None:
    for topic, its in facts.znodes.topics.items():
        if its.topic_id is None or topic in facts.znodes.deleting:
            continue
        for broker_id, cache in facts.caches.items():
            told = cache.topic_ids.get(topic)
            if told is not None:  # `caches_equal_znodes` says who doesn't know of a topic
                look.at(
                    topic,
                    told == its.topic_id,
                    f"broker {broker_id} says topic id {told}, ZooKeeper {its.topic_id}",
                )
    topic_ids = [
        (each.topic_id, topic) for topic, each in facts.znodes.topics.items() if each.topic_id
    ]
    for (one, topic), (other, next_topic) in pairwise(sorted(topic_ids)):
        look.at(next_topic, one != other, f"has the same topic id as {topic}: {one}")
    look.unseen += silent(facts)
