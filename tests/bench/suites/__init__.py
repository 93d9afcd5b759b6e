"""What the clusters are put to: workloads, in suites.

A workload is a function that does something to a cluster and gives figures of it. A suite is a
list of workloads that one fresh cluster of each kind goes through in each round, in this order:
`life` is a cluster's whole life, from its start to its controller's failover. Each workload makes
the topics that it needs, so any of them may also be run alone.

The names w1 to w11 are those of the goals (`goals`).
"""

from collections.abc import Callable, Iterator

import attrs

from tests.bench.contenders import Contender
from tests.bench.figures import Figure
from tests.bench.size import Size
from tests.bench.suites import (
    beside,
    compaction,
    connections,
    consume,
    groups,
    latency,
    leader,
    limit,
    partitions,
    produce,
    recovery,
    start,
)


@attrs.frozen
class Workload:
    """`run` does it; its figures carry `name`, and `about` is the line above them in the report."""

    name: str
    about: str
    run: Callable[[Contender, Size], Iterator[Figure]]


LIFE = (
    Workload("w11-start", "from exec to Metadata and one acks=all record", start.start_up),
    Workload("w1", "produce 1,000 B, acks=1, RF 1, 128 KiB batches", produce.leader_only),
    Workload("w2", "the same with acks=all, RF 3", produce.replicated),
    Workload("w3", "produce 100 B, acks=all, RF 3, linger 0", produce.small),
    Workload("w4", "2,000 records/s, acks=all, RF 3", latency.at_fixed_rate),
    Workload("w5", "consume what is in the page cache", consume.cached),
    Workload("limit", "fetch and discard, beside a plain sendfile loop", limit.fetch_and_discard),
    Workload("w6", "consume what is not, producers beside", consume.cold),
    Workload("w7", "idle and busy connections, 12 partitions each", connections.connections),
    Workload("w8-lz4", "w2, compressed with lz4", produce.lz4),
    Workload("w8-zstd", "w2, compressed with zstd", produce.zstd),
    Workload("w9", "transactions of 100 ms", produce.transactions),
    Workload("w10", "2,000 partitions, light traffic on each", partitions.many_partitions),
    Workload("w11-memory", "memory after all that", start.memory),
    Workload("w11-controller", "the controller dies", partitions.controller_failover),
)

SUITES: dict[str, tuple[Workload, ...]] = {
    "life": LIFE,
    "leader": (Workload("w11-leader", "a leader dies, median of 5", leader.leader_deaths),),
    "beside": (Workload("beside", "whom a disturbance disturbs", beside.disturbances),),
    "recovery": (Workload("recovery", "kill -9 with 1,000 segments", recovery.recovery),),
    "compaction": (Workload("compaction", "a topic of 1 GB", compaction.compaction),),
    "groups": (Workload("groups", "a group of 100 rebalances", groups.rebalances),),
}
WORKLOADS = {workload.name: workload for suite in SUITES.values() for workload in suite}


def chosen(names: tuple[str, ...]) -> dict[str, tuple[Workload, ...]]:
    """Of each suite the workloads that are named, alone or by their suite; all if none is."""
    if not names:
        return SUITES
    wanted = {
        name: tuple(each for each in suite if name in names or each.name in names)
        for name, suite in SUITES.items()
    }
    return {name: suite for name, suite in wanted.items() if suite}
