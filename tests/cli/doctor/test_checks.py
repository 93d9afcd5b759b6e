"""Each check on golden facts: a healthy ensemble of three, and one damage a row."""

from uuid import UUID

import attrs
import pytest

from cli.client.hanging import OpenTransaction
from cli.client.producers import ProducerState
from cli.doctor.checks.table import CHECKS
from cli.doctor.facts import Controller, Facts, Piece, Replica, Sample
from cli.doctor.verdict import examine
from coordination.values import PartitionAssignment, TopicAssignment, TopicPartition
from tests.cli.doctor.golden import (
    CACHED,
    HEALTHY,
    IDS,
    LOGS,
    OFFSETS,
    ORDERS,
    PIECES,
    STATE,
    Damage,
    alive,
    cache,
    cached,
    logs,
    pieces,
    replica,
    state,
    was,
    znodes,
)

FORMER = attrs.evolve(STATE, leader_epoch=6)
HANGING = OpenTransaction(ORDERS, ProducerState(77, 0, 3, 1000, 0, 42))

DAMAGES: list[tuple[str, str, str, Damage]] = [
    # the check, the subject, words of the finding, the damage
    (
        "znodes",
        "/brokers/topics/x",
        "not JSON",
        znodes(unreadable={"/brokers/topics/x": "not JSON"}),
    ),
    ("cluster-id", "/cluster/id", "is missing", znodes(cluster_id=None)),
    ("cluster-id", "broker 2", "is of cluster there, ZooKeeper's is h", cache(cluster_id="there")),
    (
        "brokers",
        "broker 3",
        "doesn't answer us",
        lambda facts: attrs.evolve(facts, silent={3: "no answer within 5 s"}),
    ),
    ("brokers", "broker 2", "says that brokers 1,2 are", cache(broker_ids=frozenset({1, 2}))),
    ("brokers", "/brokers/ids", "no broker is registered", znodes(brokers={})),
    (
        "controller",
        "/controller",
        "at broker-1:9404, broker-2:9404 act",
        lambda facts: attrs.evolve(facts, acting=dict.fromkeys(facts.acting, True)),
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
    ("leader-epochs", "orders-0", "log has no epoch 5, which", logs(latest_epoch=4)),
    ("leader-epochs", "orders-0", "broker 2 was told leader epoch 6", replica(leader_epoch=6)),
    ("leader-epochs", "orders-0", "broker 2 was told leader epoch 4", replica(leader_epoch=4)),
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
        "records",
        "orders-0",
        "on broker 2 what is at offset 95 is corrupt",
        replica(sample=Sample(90, 95, PIECES[:1], corrupt=95)),
    ),
    (
        "transactions",
        "orders-0",
        "producer 77 at offset 42 hangs",
        lambda facts: attrs.evolve(facts, hanging=(HANGING,)),
    ),
    ("history", "/controller_epoch", "back from 4 to 3", was(znodes(controller_epoch=4))),
    (
        "history",
        "orders-0",
        "leader epoch has gone back from 6 to 5",
        was(znodes(states={ORDERS: FORMER})),
    ),
    ("history", "orders-0", "high watermark has gone back", was(logs(high_watermark=101))),
    (
        "history",
        "orders-0",
        "on broker 2 what was committed at offset 95 has changed",
        was(pieces(PIECES[0], Piece(95, 100, 4, 22))),
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
    "a partition is offline while its ISR is dead": lambda facts: alive(1, 2)(
        state(leader=-1, isr=(3,))(attrs.evolve(facts, logs={}))
    ),
    "out of the ISR a replica may be behind": logs(
        replicas={**LOGS.replicas, 3: Replica(0, 5, None, "nothing committed")}
    ),
    "a new leader may know of less": was(
        znodes(states={ORDERS: attrs.evolve(STATE, leader_epoch=4)}), logs(high_watermark=101)
    ),
    "a topic may be made again": was(
        znodes(
            states={ORDERS: attrs.evolve(STATE, leader_epoch=9)},
            topics={
                "orders": TopicAssignment("orders", UUID(int=9), {0: PartitionAssignment((1,))})
            },
        )
    ),
    "the log may have grown": was(
        replica(sample=Sample(85, 95, (Piece(85, 90, 4, 1), *PIECES[:1])))
    ),
    "there may be no look before": lambda facts: attrs.evolve(facts, before=None),
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


def test_words_do_not_depend_on_who_answered_first() -> None:
    ill = attrs.evolve(LOGS.replicas[2], sample=Sample(90, 100, PIECES[1:]))
    replicas = {**LOGS.replicas, 2: ill}
    backwards = dict(reversed(replicas.items()))
    found = broken(logs(replicas=replicas)(HEALTHY))
    assert found["records"]
    assert broken(logs(replicas=backwards)(HEALTHY)) == found


def test_of_a_topic_that_is_being_deleted_nothing_is_promised() -> None:
    damaged = pieces(PIECES[1])(state(isr=(7,))(cached(leader=3)(HEALTHY)))
    gone = {TopicPartition("orders", 0): attrs.evolve(CACHED, leader=-2)}
    deleting = znodes(deleting=frozenset({"orders"}))(
        cache(partitions={**gone, OFFSETS: CACHED})(damaged)
    )
    assert broken(deleting) == {}
