"""A healthy ensemble of three brokers as facts, and ways to damage it.

Each way makes a function of facts, so that they can be put one upon the other.
"""

from collections.abc import Callable
from uuid import UUID

import attrs

from cli.doctor.facts import (
    Cache,
    CachedPartition,
    Controller,
    Facts,
    Logs,
    Piece,
    Replica,
    Sample,
    Znodes,
)
from coordination.values import LeaderAndIsr, PartitionAssignment, TopicAssignment, TopicPartition

ORDERS, OFFSETS = TopicPartition("orders", 0), TopicPartition("__consumer_offsets", 0)
IDS = {"orders": UUID(int=7), "__consumer_offsets": UUID(int=8)}
STATE = LeaderAndIsr(leader=1, leader_epoch=5, isr=(1, 2), controller_epoch=3, partition_epoch=9)
CACHED = CachedPartition(leader=1, leader_epoch=5, replicas=(1, 2, 3), isr=(2, 1))
PIECES = (Piece(90, 95, 4, 11), Piece(95, 100, 5, 22))
LOGS = Logs(
    high_watermark=100,
    latest_epoch=5,
    is_compacted=False,
    replicas={
        1: Replica(103, 5, Sample(90, 100, PIECES)),
        2: Replica(100, 5, Sample(90, 100, PIECES)),
        3: Replica(95, 5, Sample(90, 95, PIECES[:1])),  # out of the ISR
    },
)
HEALTHY = Facts(
    znodes=Znodes(
        cluster_id="here",
        controller=Controller(1, 0x11),
        controller_epoch=3,
        brokers={1: 0x11, 2: 0x12, 3: 0x13},
        topics={
            name: TopicAssignment(name, IDS[name], {0: PartitionAssignment((1, 2, 3))})
            for name in IDS
        },
        states={ORDERS: STATE, OFFSETS: STATE},
    ),
    caches={
        broker_id: Cache("here", 1, frozenset({1, 2, 3}), IDS, {ORDERS: CACHED, OFFSETS: CACHED})
        for broker_id in (1, 2, 3)
    },
    silent={},
    logs={ORDERS: LOGS},
    acting={"broker-1:9404": True, "broker-2:9404": False},
)
HEALTHY = attrs.evolve(HEALTHY, before=HEALTHY)

Damage = Callable[[Facts], Facts]


def znodes(**changes: object) -> Damage:
    return lambda facts: attrs.evolve(facts, znodes=attrs.evolve(facts.znodes, **changes))


def state(partition: TopicPartition = ORDERS, **changes: object) -> Damage:
    """The state changes, and every cache with it."""
    new = attrs.evolve(STATE, **changes)
    cached = attrs.evolve(CACHED, leader=new.leader, leader_epoch=new.leader_epoch, isr=new.isr)

    def damage(facts: Facts) -> Facts:
        caches = {
            broker_id: attrs.evolve(each, partitions={**each.partitions, partition: cached})
            for broker_id, each in facts.caches.items()
        }
        states = {**facts.znodes.states, partition: new}
        return attrs.evolve(facts, znodes=attrs.evolve(facts.znodes, states=states), caches=caches)

    return damage


def cache(**changes: object) -> Damage:
    """Broker 2 alone says something else."""
    return lambda facts: attrs.evolve(
        facts, caches={**facts.caches, 2: attrs.evolve(facts.caches[2], **changes)}
    )


def cached(**changes: object) -> Damage:
    return cache(partitions={ORDERS: attrs.evolve(CACHED, **changes), OFFSETS: CACHED})


def logs(**changes: object) -> Damage:
    return lambda facts: attrs.evolve(facts, logs={ORDERS: attrs.evolve(LOGS, **changes)})


def replica(**changes: object) -> Damage:
    """Of broker 2."""
    return logs(replicas={**LOGS.replicas, 2: attrs.evolve(LOGS.replicas[2], **changes)})


def pieces(*found: Piece) -> Damage:
    return replica(sample=Sample(90, 100, found))


def was(*damages: Damage) -> Damage:
    """The look before saw something else."""

    def damage(facts: Facts) -> Facts:
        before = facts
        for each in damages:
            before = each(before)
        return attrs.evolve(facts, before=before)

    return damage


def alive(*broker_ids: int) -> Damage:
    """The others have died, and everybody knows."""
    living = frozenset(broker_ids)

    def damage(facts: Facts) -> Facts:
        owners = {each: its for each, its in facts.znodes.brokers.items() if each in living}
        caches = {
            each: attrs.evolve(its, broker_ids=living)
            for each, its in facts.caches.items()
            if each in living
        }
        return znodes(brokers=owners)(attrs.evolve(facts, caches=caches))

    return damage
