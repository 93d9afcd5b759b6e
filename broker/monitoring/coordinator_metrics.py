"""What coordinators are measured by: the controller, where this broker is it, and its groups.

Only the controller's broker has the cluster's numbers; the others tell 0 for each, as in Kafka: so
the sum over all brokers is the cluster's, and of `ActiveControllerCount` it must be 1.

Source: kafka.controller.KafkaController, kafka.coordinator.group.GroupMetadataManager.
"""

from collections import Counter
from collections.abc import Iterator

import attrs

from broker.broker import Broker
from broker.events import Event
from broker.groups.group_states import GroupState
from broker.monitoring.mbeans import gauge, meter
from broker.monitoring.text_format import Family, MetricType, Sample
from coordination.controller.context import ControllerContext
from coordination.controller.partition_states import PartitionState
from coordination.values import TopicPartition


def controller_families(broker: Broker) -> Iterator[Family]:
    active = broker.controller.active
    context = None if active is None else active.context
    partitions = [] if context is None else context.all_partitions()
    for name, meaning, count in (
        ("ActiveControllerCount", "1 on the broker that is the controller.", int(bool(active))),
        ("ActiveBrokerCount", "Brokers that live.", len(context.brokers) if context else 0),
        ("GlobalTopicCount", "Topics of the cluster.", len(context.topics) if context else 0),
        ("GlobalPartitionCount", "Partitions of the cluster.", len(partitions)),
        (
            "OfflinePartitionsCount",
            "Partitions without a leader: nobody can write to them or read from them.",
            _offline(context) if context else 0,
        ),
        (
            "PreferredReplicaImbalanceCount",
            "Partitions that another replica leads than their first.",
            sum(_is_led_by_another(context, each) for each in partitions) if context else 0,
        ),
        (
            "TopicsToDeleteCount",
            "Topics whose deletion is under way.",
            len(context.topics_to_be_deleted) if context else 0,
        ),
        (
            "TopicsIneligibleToDeleteCount",
            "Those of them that wait for a broker, or for a reassignment.",
            len(context.topics_ineligible_for_deletion) if context else 0,
        ),
    ):
        yield gauge(f"kafka.controller:type=KafkaController,name={name}", meaning, count)
    yield gauge(
        "kafka.controller:type=ControllerEventManager,name=EventQueueSize",
        "Hints, answers and requests that wait for the controller.",
        active.waiting if active else 0,
    )


def _offline(context: ControllerContext) -> int:
    offline = context.partitions_in(PartitionState.OFFLINE)
    return sum(not context.is_to_be_deleted(partition) for partition in offline)


def _is_led_by_another(context: ControllerContext, partition: TopicPartition) -> bool:
    state = context.leadership.get(partition)
    preferred = context.assignment(partition).replicas[:1]
    return (
        state is not None
        and not context.is_to_be_deleted(partition)
        and preferred != (state.leader,)
    )


@attrs.define(eq=False)
class ElectionCount:
    """How the leaders were elected while this broker was the controller: it reads the trace."""

    _by_election: Counter[str] = attrs.field(factory=Counter, init=False)

    def tell(self, event: Event) -> None:
        if event.kind == "partition.leader_elected":
            self._by_election[str(event.facts.get("election"))] += 1

    def families(self) -> Iterator[Family]:
        yield meter(
            "kafka.controller:type=ControllerStats,name=UncleanLeaderElectionsPerSec",
            "Leaders elected from outside the ISR: acknowledged records may be gone.",
            self._by_election["unclean"],
        )
        yield Family(
            "zbroker_leader_elections_total",
            MetricType.COUNTER,
            "Leaders elected by this controller, by the kind of election.",
            [Sample(count, {"election": kind}) for kind, count in self._by_election.items()],
        )


# Kafka's name, and what it counts.
_STATES = {
    "NumGroupsPreparingRebalance": GroupState.PREPARING_REBALANCE,
    "NumGroupsCompletingRebalance": GroupState.COMPLETING_REBALANCE,
    "NumGroupsStable": GroupState.STABLE,
    "NumGroupsEmpty": GroupState.EMPTY,
    "NumGroupsDead": GroupState.DEAD,
}


def group_families(broker: Broker) -> Iterator[Family]:
    """Of the groups that this broker coordinates."""
    counts = broker.groups.counts()
    mbean = "kafka.coordinator.group:type=GroupMetadataManager,name="
    yield gauge(f"{mbean}NumGroups", "Groups.", sum(counts.by_state.values()))
    yield gauge(f"{mbean}NumOffsets", "Offsets that groups have committed.", counts.offsets)
    for name, state in _STATES.items():
        yield gauge(
            f"{mbean}{name}", f"Groups that are {state.value}.", counts.by_state.get(state, 0)
        )
