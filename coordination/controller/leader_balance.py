"""Leaders go back to where they are preferred (auto.leader.rebalance.enable).

A broker that was away has lost its leaderships to others, and keeps none when it is back: one
restart after the other would leave all leaders on a few brokers. So every now and then the
controller looks at each broker's share of the partitions that prefer it, which is those whose
assignment it begins, and how many of them are led by another:

    broker 1: preferred by 100 partitions, 30 led elsewhere  ->  30 % > 10 %: elect their preferred
    broker 2: preferred by 100 partitions,  5 led elsewhere  ->   5 %: let them be

Only those are moved whose preferred leader is live and in sync, all together: 1,000 of them are
1,000 small writes, pipelined, and then one LeaderAndIsr and one UpdateMetadata a broker
(KAFKA-7299). A reassignment neither holds this up nor is disturbed by it (KAFKA-10149): while it
lasts, its first new replica is the preferred one, and may lead as soon as it is in sync.

Source: kafka.controller.KafkaController.checkAndTriggerAutoLeaderRebalance.
"""

from collections.abc import Iterator

from coordination.controller import partition_changes
from coordination.controller.context import ControllerContext
from coordination.controller.leader_election import Strategy, elect
from coordination.controller.story import Story, headline
from coordination.values import TopicPartition

__all__ = ["FIRST_CHECK_S", "balance_leaders"]

FIRST_CHECK_S = 5
"""After a term has begun, as in Kafka; the next follow at the interval configured."""


def balance_leaders(context: ControllerContext) -> Story[None]:
    elsewhere: dict[int, list[TopicPartition]] = {}
    for broker_id, preferring in sorted(_by_preferred_leader(context).items()):
        led_by_others = [p for p in preferring if context.leadership[p].leader != broker_id]
        allowed = len(preferring) * context.settings.leader_imbalance_per_broker_percentage / 100
        if len(led_by_others) > allowed:
            movable = [p for p in led_by_others if _may_move(context, p)]
            if movable:
                elsewhere[broker_id] = movable
    if elsewhere:
        yield from headline(
            "leaders.imbalanced",
            partitions={broker_id: len(movable) for broker_id, movable in elsewhere.items()},
        )
        partitions = [partition for movable in elsewhere.values() for partition in movable]
        yield from partition_changes.bring_online(context, partitions, Strategy.PREFERRED)


def _by_preferred_leader(context: ControllerContext) -> dict[int, list[TopicPartition]]:
    found: dict[int, list[TopicPartition]] = {}
    for broker_id, partition in _preferences(context):
        found.setdefault(broker_id, []).append(partition)
    return found


def _preferences(context: ControllerContext) -> Iterator[tuple[int, TopicPartition]]:
    for partition in context.partitions_with_leaders():
        for preferred in context.assignment(partition).replicas[:1]:
            yield preferred, partition


def _may_move(context: ControllerContext, partition: TopicPartition) -> bool:
    state = context.leadership[partition]
    candidates = partition_changes.candidates_of(context, partition)
    return elect(Strategy.PREFERRED, state, candidates) is not None
