"""How much came in and went out, by topic: plain numbers that only grow, for who measures.

An append or an answered fetch adds to the numbers of its partition's topic; nothing else is done
for it while records flow. (A batch that is sent again has come in again, as in Kafka.)

They belong to the topic and not to the replica, since a replica that moves to another broker must
not take what was counted with it: a sum that shrinks reads like a broker that was started anew.
When the last replica of a topic goes, its numbers are kept in the sum over all topics.

Kafka: BrokerTopicStats, BrokerTopicMetrics.
"""

from collections.abc import Collection
from operator import attrgetter

import attrs


@attrs.define(eq=False)
class Traffic:
    """Of one topic, since this broker has had a replica of it."""

    messages_in: int = 0
    bytes_in: int = 0
    bytes_rejected: int = 0  # of batches that were too large
    bytes_out: int = 0  # to consumers
    replication_bytes_in: int = 0
    replication_bytes_out: int = 0
    # Those of them that brought a replica which a reassignment adds.
    reassignment_bytes_in: int = 0
    reassignment_bytes_out: int = 0
    produce_requests: int = 0  # one for each partition that a request names
    failed_produce_requests: int = 0
    fetch_requests: int = 0  # one for each partition that a fetch has read from


@attrs.define(eq=False)
class TrafficByTopic:
    """Of each topic that has replicas here."""

    by_topic: dict[str, Traffic] = attrs.field(factory=dict, init=False)
    _replicas: dict[str, int] = attrs.field(factory=dict, init=False)
    _gone: Traffic = attrs.field(factory=Traffic, init=False)

    def joined(self, topic: str) -> Traffic:
        """There's one more replica of the topic; the numbers that it adds to."""
        self._replicas[topic] = self._replicas.get(topic, 0) + 1
        return self.by_topic.setdefault(topic, Traffic())

    def left(self, topic: str) -> None:
        """There's one less."""
        self._replicas[topic] -= 1
        if not self._replicas[topic]:
            del self._replicas[topic]
            self._gone = _sum([self._gone, self.by_topic.pop(topic)])

    def of_all(self) -> Traffic:
        """The sum, with the topics that are gone."""
        return _sum([self._gone, *self.by_topic.values()])


def _sum(parts: Collection[Traffic]) -> Traffic:
    names = [field.name for field in attrs.fields(Traffic)]
    return Traffic(**{name: sum(map(attrgetter(name), parts)) for name in names})
