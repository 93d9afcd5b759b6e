"""One partition that a fetch asks for: what it was told, what wakes it, whose follower asks.

What it watches depends on who asks: an append wakes a follower, a high watermark a consumer. All
those of a fetch or of a session are `broker.replica.interests`.

Kafka: CachedPartition.
"""

from collections.abc import Set
from uuid import UUID

import attrs

from broker.replica.follower_progress import Contact, FollowerProgress
from broker.replica.partition import Partition
from broker.replica.partition_read import PartitionFetch
from broker.waiting import Due, Movement
from coordination.values import ZERO_UUID, TopicPartition

# A topic's id, or its name where the request has none, and the partition.
Key = tuple[UUID | str, int]


@attrs.define(eq=False)
class Interest:
    """One partition that is asked for. `topic` is None as long as nobody knows the topic id."""

    topic: str | None
    topic_id: UUID
    partition: int
    asked: PartitionFetch
    told_high_watermark: int = -1
    told_log_start_offset: int = -1
    _topic_partition: TopicPartition | None = attrs.field(default=None, init=False)
    _watched: Set[Movement] = attrs.field(default=frozenset(), init=False)
    _progress: FollowerProgress | None = attrs.field(default=None, init=False)

    @property
    def key(self) -> Key:
        return key_of(self.topic, self.topic_id, self.partition)

    @property
    def topic_partition(self) -> TopicPartition:
        if self._topic_partition is None:
            assert self.topic is not None, "a topic that nobody knows is answered with an error"
            self._topic_partition = TopicPartition(self.topic, self.partition)
        return self._topic_partition

    def watch(self, partition: Partition, due: "Due[Interest]", from_follower: bool) -> None:
        movements = {
            partition.log.start_moved: False,
            partition.committed: not from_follower,
        }
        if from_follower:
            movements[partition.moved] = True
        if movements.keys() != self._watched:
            self.unwatch(due)
            for movement, rings in movements.items():
                movement.watch(due, self, rings=rings)
            self._watched = movements.keys()

    def unwatch(self, due: "Due[Interest]") -> None:
        for movement in self._watched:
            movement.unwatch(due)
        self._watched = frozenset()

    def in_contact(self, progress: FollowerProgress, contact: Contact) -> None:
        """A follower asks for it: while it's idle, each fetch of the session says so again."""
        self._progress = progress
        progress.asked_for_by(contact)

    def lost_contact(self, contact: Contact) -> None:
        """The session's fetches say nothing of it: it's refused, or the follower left it out.

        Perhaps it's asked for by another session of the follower meanwhile, which speaks for it.
        """
        if self._progress is not None and self._progress.contact is contact:
            self._progress.asked_for_by(None)
        self._progress = None


def key_of(topic: str | None, topic_id: UUID, partition: int) -> Key:
    """An id of zeros is none; asked for by it, it's one that nobody knows."""
    if topic is None or topic_id != ZERO_UUID:
        return topic_id, partition
    return topic, partition
