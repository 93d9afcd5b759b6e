"""What is told of requests that can't be answered yet, and of what clients needn't say again.

Nothing is counted as it happens: who waits has registered with the partitions for which it waits
(`broker.waiting`), most often with several of them, and a scrape goes through these and counts each
once.

    committed  ──► events   Produce         a coordinator's appends are among them, as in Kafka; and
                                            consumers of old formats, which are few, in Kafka aren't
    moved      ──► events   DeleteRecords
    either     ──► dues     Fetch           consumers by what is committed, followers by what moved

Source: kafka.server.DelayedOperationPurgatory (PurgatorySize), FetchSessionCache.
"""

from collections.abc import Iterator

from broker.broker import Broker
from broker.monitoring.mbeans import gauge, meter
from broker.monitoring.text_format import Family, Sample
from broker.replica.fetch_sessions import FetchSessions
from broker.replica.manager import ReplicaManager


def waiting_families(broker: Broker) -> Iterator[Family]:
    counts = _waiting(broker.replicas)
    yield gauge(
        "kafka.server:type=DelayedOperationPurgatory,name=PurgatorySize",
        "Requests that wait: for replicas (Produce), for records (Fetch), for followers to move "
        "their log start (DeleteRecords).",
        [Sample(count, {"delayedoperation": name}) for name, count in counts.items()],
    )


def _waiting(replicas: ReplicaManager) -> dict[str, int]:
    partitions = list(replicas.partitions.values())
    watchers = {
        due
        for partition in partitions
        for movement in (partition.committed, partition.moved)
        for due in movement.watchers()
    }
    return {
        "Produce": len({event for each in partitions for event in each.committed.waits}),
        "Fetch": sum(due.is_awaited for due in watchers),
        "DeleteRecords": len({event for each in partitions for event in each.moved.waits}),
    }


def fetch_session_families(sessions: FetchSessions) -> Iterator[Family]:
    of_cache = "kafka.server:type=FetchSessionCache,name="
    yield gauge(
        of_cache + "NumIncrementalFetchSessions",
        "Fetch sessions that are open.",
        len(sessions.sessions),
    )
    yield gauge(
        of_cache + "NumIncrementalFetchPartitionsCached",
        "Partitions in them, when they were last used.",
        sum(session.size for session in sessions.sessions.values()),
    )
    yield meter(
        of_cache + "IncrementalFetchSessionEvictionsPerSec",
        "Fetch sessions that had to make room for others: if there are many, "
        "max.incremental.fetch.session.cache.slots is too small.",
        sessions.evictions,
    )
