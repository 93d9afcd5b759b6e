"""Holding back the copying of a reassignment, as kafka-reassign-partitions.sh does (KIP-73).

Two kinds of settings work together: which replicas are held back stands with the topic, how many
bytes a second a broker may spend on them with the broker.

    topic   leader.replication.throttled.replicas      partition:broker of those that send
            follower.replication.throttled.replicas    partition:broker of those that fetch
    broker  leader|follower.replication.throttled.rate

They stay until somebody takes them away: an end of the reassignment does not.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import attrs

from cli.client.cluster import Cluster
from cli.client.configs import Change, Operation, Resource, ResourceType, alter_configs
from cli.client.outcome import Outcome
from coordination.values import TopicPartition

LEADER_REPLICAS = "leader.replication.throttled.replicas"
FOLLOWER_REPLICAS = "follower.replication.throttled.replicas"
RATES = ("leader.replication.throttled.rate", "follower.replication.throttled.rate")
LOG_DIR_RATE = "replica.alter.log.dirs.io.max.bytes.per.second"


@attrs.frozen
class Move:
    """Brokers that have a partition's records, and those that are to get them."""

    sources: frozenset[int]
    destinations: frozenset[int]


async def throttle_moves(
    cluster: Cluster, moves: Mapping[TopicPartition, Move], rate: int, live: Iterable[int]
) -> list[Outcome[Resource]]:
    """Hold these moves back to `rate` bytes a second on each live broker in one of them."""
    senders: dict[str, list[str]] = defaultdict(list)
    fetchers: dict[str, list[str]] = defaultdict(list)
    for partition, move in sorted(moves.items(), key=lambda item: str(item[0])):
        senders[partition.topic] += [
            f"{partition.partition}:{each}" for each in sorted(move.sources)
        ]
        fetchers[partition.topic] += [
            f"{partition.partition}:{each}" for each in sorted(move.destinations - move.sources)
        ]
    changes = {
        Resource(ResourceType.TOPIC, topic): [
            _set(LEADER_REPLICAS, ",".join(senders[topic])),
            _set(FOLLOWER_REPLICAS, ",".join(fetchers[topic])),
        ]
        for topic in senders
    }
    brokers = {each for move in moves.values() for each in move.sources | move.destinations}
    for broker_id in sorted(brokers & set(live)):
        resource = Resource(ResourceType.BROKER, str(broker_id))
        changes[resource] = [_set(name, str(rate)) for name in RATES]
    return await alter_configs(cluster, changes)


async def throttle_log_dirs(
    cluster: Cluster, brokers: Iterable[int], rate: int
) -> list[Outcome[Resource]]:
    """Hold back moves between log directories on these brokers."""
    return await alter_configs(
        cluster,
        {
            Resource(ResourceType.BROKER, str(broker_id)): [_set(LOG_DIR_RATE, str(rate))]
            for broker_id in sorted(set(brokers))
        },
    )


async def clear_throttles(
    cluster: Cluster, brokers: Iterable[int], topics: Iterable[str]
) -> list[Outcome[Resource]]:
    """Take all of this away; where nothing is set, nothing changes."""
    changes = {
        Resource(ResourceType.BROKER, str(broker_id)): [
            Change(name, Operation.DELETE) for name in (*RATES, LOG_DIR_RATE)
        ]
        for broker_id in sorted(set(brokers))
    }
    for topic in sorted(set(topics)):
        changes[Resource(ResourceType.TOPIC, topic)] = [
            Change(name, Operation.DELETE) for name in (LEADER_REPLICAS, FOLLOWER_REPLICAS)
        ]
    return await alter_configs(cluster, changes)


def _set(name: str, value: str) -> Change:
    return Change(name, Operation.SET, value)
