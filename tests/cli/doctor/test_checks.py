"""Each check on golden facts: a healthy ensemble of three, and one damage a row."""

from collections.abc import Callable
from uuid import UUID

import attrs
import pytest
import trio
from trio.testing import MockClock

from cli.client.hanging import OpenTransaction
from cli.client.producers import ProducerState
from cli.doctor.checks import CHECKS
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
from cli.doctor.verdict import BETWEEN_LOOKS_SECONDS, MAX_LOOKS, diagnose, examine
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
        controller=Controller(1, 0x11),
        controller_epoch=3,
        brokers={1: 0x11, 2: 0x12, 3: 0x13},
        topics={
            name: TopicAssignment(name, IDS[name], {0: PartitionAssignment((1, 2, 3))})
            for name in IDS
        },
        states={ORDERS: STATE, OFFSETS: STATE},
    ),
    caches={broker_id: Cache(1, IDS, {ORDERS: CACHED, OFFSETS: CACHED}) for broker_id in (1, 2, 3)},
    silent={},
    logs={ORDERS: LOGS},
)

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


HANGING = OpenTransaction(ORDERS, ProducerState(77, 0, 3, 1000, 0, 42))

DAMAGES: list[tuple[str, str, str, Damage]] = [
    # the check, the subject, words of the finding, the damage
    (
        "znodes",
        "/brokers/topics/x",
        "not JSON",
        znodes(unreadable={"/brokers/topics/x": "not JSON"}),
    ),
    ("controller", "/controller", "no controller is elected", znodes(controller=None)),
    ("controller", "/controller", "not in /brokers/ids", znodes(controller=Controller(4, 0x14))),
    ("controller", "broker 2", "takes broker 3 for", cache(controller_id=3)),
    ("controller", "broker 2", "takes nobody for", cache(controller_id=-1)),
    ("controller-epoch", "/controller_epoch", "is missing", znodes(controller_epoch=None)),
    ("controller-epoch", "orders-0", "of controller epoch 3", znodes(controller_epoch=2)),
    ("ephemerals", "/brokers/ids/3", "not ephemeral", znodes(brokers={1: 17, 2: 18, 3: 0})),
    ("ephemerals", "/brokers/ids/3", "owns brokers [2]", znodes(brokers={1: 17, 2: 18, 3: 18})),
    ("ephemerals", "/controller", "another session", znodes(controller=Controller(1, 0x99))),
    ("isr", "orders-0", "ISR 1,4 is not within", state(isr=(1, 4))),
    ("isr", "orders-0", "leader 1 is not in the ISR 2,3", state(isr=(2, 3))),
    ("isr", "orders-0", "the ISR is empty", state(leader=-1, isr=())),
    ("isr", "orders-0", "has no state", znodes(states={OFFSETS: STATE})),
    ("leaders", "orders-0", "leader 1 is not in", znodes(brokers={2: 0x12, 3: 0x13})),
    ("leaders", "orders-0", "though 1,2 of its ISR are alive", state(leader=-1)),
    ("internal-topics", str(OFFSETS), "has no leader", state(OFFSETS, leader=-1)),
    (
        "internal-topics",
        OFFSETS.topic,
        "are 0,2, not one after",
        lambda facts: znodes(
            topics={
                **facts.znodes.topics,
                OFFSETS.topic: TopicAssignment(
                    OFFSETS.topic,
                    IDS[OFFSETS.topic],
                    {0: PartitionAssignment((1,)), 2: PartitionAssignment((1,))},
                ),
            }
        )(facts),
    ),
    ("caches", "orders-0", "broker 2 says leader 3, ZooKeeper 1", cached(leader=3)),
    ("caches", "orders-0", "says leader epoch 4, ZooKeeper 5", cached(leader_epoch=4)),
    ("caches", "orders-0", "says ISR 1,2,3, ZooKeeper 1,2", cached(isr=(3, 2, 1))),
    ("caches", "orders-0", "says replicas 1,2, ZooKeeper 1,2,3", cached(replicas=(1, 2))),
    ("caches", "orders-0", "broker 2 doesn't know of it", cache(partitions={OFFSETS: CACHED})),
    (
        "caches",
        "gone-0",
        "broker 2 knows of it, ZooKeeper doesn't",
        cache(partitions={ORDERS: CACHED, OFFSETS: CACHED, TopicPartition("gone", 0): CACHED}),
    ),
    ("topic-ids", "orders", "broker 2 says topic id", cache(topic_ids={"orders": UUID(int=9)})),
    (
        "topic-ids",
        "orders",
        "the same topic id as __consumer_offsets",
        lambda facts: znodes(
            topics={
                name: attrs.evolve(each, topic_id=UUID(int=8))
                for name, each in facts.znodes.topics.items()
            }
        )(facts),
    ),
    ("leader-epochs", "orders-0", "log knows epoch 4 at most", logs(latest_epoch=4)),
    ("leader-epochs", "orders-0", "broker 2 was told leader epoch 6", replica(leader_epoch=6)),
    (
        "leader-epochs",
        "orders-0",
        "epoch 4 at offset 95 follows epoch 5",
        pieces(Piece(90, 95, 5, 11), Piece(95, 100, 4, 22)),
    ),
    (
        "leader-epochs",
        "orders-0",
        "offset 95 is of epoch 6",
        pieces(PIECES[0], Piece(95, 100, 6, 22)),
    ),
    ("high-watermark", "orders-0", "broker 2 is in the ISR", replica(log_end_offset=99)),
    (
        "records",
        "orders-0",
        "1 and 2 differ at offset 95",
        pieces(PIECES[0], Piece(95, 100, 5, 23)),
    ),
    ("records", "orders-0", "1 and 2 differ at offset 90", pieces(PIECES[1])),
    (
        "records",
        "orders-0",
        "1 and 2 differ at offset 95",
        pieces(PIECES[0], Piece(95, 98, 5, 22), Piece(98, 100, 5, 3)),
    ),
    (
        "transactions",
        "orders-0",
        "producer 77 at offset 42 hangs",
        lambda facts: attrs.evolve(facts, hanging=(HANGING,)),
    ),
]


def broken(facts: Facts) -> dict[str, list[tuple[str, str]]]:
    return {
        each.check.name: [(found.subject, found.what) for found in each.broken]
        for each in examine(facts)
        if each.broken
    }


def test_a_healthy_ensemble() -> None:
    assert broken(HEALTHY) == {}
    assert {each.result for each in examine(HEALTHY)} == {"ok"}


@pytest.mark.parametrize(
    ("check", "subject", "words", "damage"),
    DAMAGES,
    ids=[f"{each[0]}: {each[2]}" for each in DAMAGES],
)
def test_a_damage_is_found(check: str, subject: str, words: str, damage: Damage) -> None:
    found = broken(damage(HEALTHY))[check]
    assert any(where == subject and words in what for where, what in found), found


def test_every_check_has_a_damage() -> None:
    assert {each[0] for each in DAMAGES} == {each.name for each in CHECKS}


AS_PROMISED: dict[str, Damage] = {
    "a partition is offline while its ISR is dead": lambda facts: znodes(
        brokers={1: 0x11, 2: 0x12}
    )(state(leader=-1, isr=(3,))(attrs.evolve(facts, logs={}))),
    "out of the ISR a replica may be behind": logs(
        replicas={**LOGS.replicas, 3: Replica(0, 5, None, "nothing committed")}
    ),
    "a follower's sample may end earlier": replica(sample=Sample(90, 95, PIECES[:1])),
    "a follower's log may begin later": replica(sample=Sample(95, 100, PIECES[1:])),
    "a batch may begin before the sample": logs(
        replicas={
            1: Replica(100, 5, Sample(92, 100, PIECES)),
            2: Replica(100, 5, Sample(93, 100, PIECES)),
        }
    ),
    "a compacted record may be gone from one replica": logs(
        is_compacted=True,
        replicas={**LOGS.replicas, 2: Replica(100, 5, Sample(90, 100, PIECES[1:]))},
    ),
}


@pytest.mark.parametrize("name", AS_PROMISED)
def test_what_is_as_promised(name: str) -> None:
    assert broken(AS_PROMISED[name](HEALTHY)) == {}


def test_a_compacted_record_that_both_have_is_compared() -> None:
    other = (Piece(95, 100, 5, 23),)
    replicas = {**LOGS.replicas, 2: Replica(100, 5, Sample(90, 100, other))}
    found = broken(logs(is_compacted=True, replicas=replicas)(HEALTHY))
    assert [subject for subject, _ in found["records"]] == ["orders-0"] * len(found["records"])
    assert found["records"]


def test_of_a_topic_that_is_being_deleted_nothing_is_promised() -> None:
    damaged = pieces(PIECES[1])(state(isr=(7,))(cached(leader=3)(HEALTHY)))
    gone = {TopicPartition("orders", 0): attrs.evolve(CACHED, leader=-2)}
    deleting = znodes(deleting=frozenset({"orders"}))(
        cache(partitions={**gone, OFFSETS: CACHED})(damaged)
    )
    assert broken(deleting) == {}


def test_what_could_not_be_seen_is_not_ok() -> None:
    blind = attrs.evolve(HEALTHY, hanging=None, why_no_hanging="no coordinator", logs={})
    results = {each.check.name: each for each in examine(blind)}
    assert results["transactions"].result == "not looked at"
    assert results["transactions"].unseen == ("no coordinator",)
    assert results["records"].result == "not looked at"
    assert results["high-watermark"].result == "not looked at"


def test_a_silent_broker_is_named() -> None:
    silent = attrs.evolve(HEALTHY, silent={3: "connection refused"})
    named = {
        each.check.name for each in examine(silent) if "broker 3: connection refused" in each.unseen
    }
    assert named == {
        "controller",
        "caches",
        "topic-ids",
        "leader-epochs",
        "high-watermark",
        "records",
    }


class Looks:
    """Gives one look after the other, the last one again and again."""

    def __init__(self, *facts: Facts) -> None:
        self._facts = list(facts)
        self.taken = 0

    async def gather(self) -> Facts:
        facts = self._facts[min(self.taken, len(self._facts) - 1)]
        self.taken += 1
        return facts


@pytest.mark.parametrize(
    ("looks", "taken"),
    [
        pytest.param([HEALTHY], 1, id="healthy at once"),
        pytest.param([cached(leader=3)(HEALTHY), HEALTHY], 2, id="a change that arrives"),
        pytest.param(
            [cached(leader=3)(HEALTHY), cached(leader_epoch=4)(HEALTHY)], 2, id="changes in a row"
        ),
    ],
)
async def test_what_passes_is_not_broken(
    looks: list[Facts], taken: int, autojump_clock: MockClock
) -> None:
    seen = Looks(*looks)
    verdicts = await diagnose(seen.gather)
    assert {each.result for each in verdicts} == {"ok"}
    assert seen.taken == taken
    assert trio.current_time() == (taken - 1) * BETWEEN_LOOKS_SECONDS


async def test_what_stays_is_broken(autojump_clock: MockClock) -> None:
    """Offsets move between the looks: they are values, and the last ones are told."""
    seen = Looks(*(replica(log_end_offset=each)(HEALTHY) for each in (97, 98, 99)))
    verdicts = {each.check.name: each for each in await diagnose(seen.gather)}
    assert seen.taken == MAX_LOOKS
    assert verdicts["high-watermark"].result == "broken"
    assert [dict(each.values) for each in verdicts["high-watermark"].broken] == [
        {"log_end_offset": 99, "high_watermark": 100}
    ]
    assert {each.result for name, each in verdicts.items() if name != "high-watermark"} == {"ok"}
