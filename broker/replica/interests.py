"""What a fetch asks for: its partitions, which of them must be looked at, and what was told.

    named by the request ─► asked ──┐
                                    ▼
    moved since the last look ──► due ──look──► a read ──answer──► told
                                    ▲             │
                                    └── not yet ──┴─ settled: nothing more to see until it moves

One fetch has `Interests` of its own and throws them away; a fetch session (KIP-227) keeps them from
one fetch to the next, and then a partition costs nothing while nothing happens to it: it isn't
named, not looked at and not answered. 2,000 idle partitions are fetched as quickly as one.

A partition is **settled** when a look has found no error, no records and no reason to expect any
other news, and all of that was told. From then on its `Movement`s put it back among the due: an
append, a high watermark, a log start offset, a role. For a follower an append wakes the fetch that
waits, for a consumer a high watermark; the rest is noticed when it's answered anyway, as in Kafka.

Due partitions are looked at in the order in which they became due, and whoever has been given
records goes to the end: so all have their turn, however little fits into an answer (KIP-74).

A follower's fetch says of each of its partitions that the follower still has it. Those that are
settled hear it by the session's `Contact`.

Invariant: what isn't due is watched, and another look at it would find what was told.

Kafka: FetchSession, CachedPartition, whose cached partitions are read anew with each fetch.
"""

from collections.abc import Iterable, Mapping, Set
from uuid import UUID

import attrs

from broker.log.values import EpochEndOffset
from broker.replica.isr import Contact, FollowerProgress
from broker.replica.partition import Partition
from broker.waiting import Due, Movement
from broker.wire.errors import KafkaError
from broker.wire.regions import FileRegion
from coordination.values import ZERO_UUID, TopicPartition

UNDEFINED_EPOCH = -1
CONSUMER = -1

# A topic's id, or its name where the request has none, and the partition.
Key = tuple[UUID | str, int]


@attrs.frozen
class PartitionFetch:
    """What is asked of one partition; epochs are -1 where the client doesn't know them."""

    fetch_offset: int
    max_bytes: int
    current_leader_epoch: int = UNDEFINED_EPOCH
    last_fetched_epoch: int = UNDEFINED_EPOCH
    log_start_offset: int = -1


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
        """A follower asks for it: while it's settled, each fetch of the session says so again."""
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
    if topic_id != ZERO_UUID:
        return topic_id, partition
    assert topic is not None
    return topic, partition


@attrs.frozen
class PartitionRead:
    """What a look found; the offsets are -1 with an error.

    `preferred_read_replica` is the broker to ask instead, -1 for none. `partition` was looked into;
    None if there's a reason not to. `is_settled`: see the module.
    """

    error: KafkaError | None = None
    high_watermark: int = -1
    last_stable_offset: int = -1
    log_start_offset: int = -1
    regions: tuple[FileRegion, ...] = ()
    size_bytes: int = 0
    diverging: EpochEndOffset | None = None
    preferred_read_replica: int = -1
    partition: Partition | None = None
    is_settled: bool = False

    @property
    def must_answer_now(self) -> bool:
        return (
            self.error is not None or self.diverging is not None or self.preferred_read_replica >= 0
        )


# In the order of the first look.
Reads = dict[Interest, PartitionRead]


@attrs.define(eq=False)
class Interests:
    """The partitions of one fetch, or of a fetch session. `replica_id` is -1 for a consumer."""

    replica_id: int = CONSUMER
    all: dict[Key, Interest] = attrs.field(factory=dict, init=False)
    due: Due[Interest] = attrs.field(factory=Due, init=False)
    contact: Contact = attrs.field(factory=Contact, init=False)
    _is_closed: bool = attrs.field(default=False, init=False)

    def ask(self, interests: Iterable[Interest]) -> None:
        """Add these, or change what is asked; the last one counts if one is named twice."""
        for new in interests:
            known = self.all.setdefault(new.key, new)
            if new.asked.current_leader_epoch != known.asked.current_leader_epoch:
                known.told_high_watermark = -1  # in another role: it dropped an answer under way
            known.asked, known.topic = new.asked, known.topic or new.topic
            self.due.mark(known, rings=False)

    def forget(self, keys: Iterable[Key]) -> None:
        for key in keys:
            gone = self.all.pop(key, None)
            if gone is not None:
                gone.lost_contact(self.contact)
                self._drop(gone)

    def look_at_all(self) -> None:
        for interest in self.all.values():
            self.due.mark(interest, rings=False)

    def settle(self, reads: Mapping[Interest, PartitionRead]) -> None:
        """Look no more at those where there's nothing to see until they move; watch all of them.

        One that has too few records is due whatever happens, but more of them must ring.
        """
        if self._is_closed:
            return  # a session that was thrown out while its last fetch waited
        for interest, read in reads.items():
            if self.all.get(interest.key) is not interest:
                continue  # forgotten by another fetch of the session, while this one waited
            if read.partition is not None:
                interest.watch(read.partition, self.due, self.replica_id != CONSUMER)
            if read.is_settled:
                self.due.settled(interest)

    def news(self, reads: Reads) -> Reads:
        """What must be answered of these: errors, records, and what isn't as it was told.

        An error is told each time, and what was told before it counts no more; nor does what was
        told beside a diverging epoch: who must truncate takes over no high watermark.
        """
        found: Reads = {}
        for interest, read in reads.items():
            offsets = read.high_watermark, read.log_start_offset
            told = interest.told_high_watermark, interest.told_log_start_offset
            if read.size_bytes or read.must_answer_now or offsets != told:
                found[interest] = read
        self._told(found)
        return found

    def _told(self, reads: Reads) -> None:
        for interest, read in reads.items():
            diverges = read.diverging is not None
            interest.told_high_watermark = -1 if diverges else read.high_watermark
            if read.error is None:
                interest.told_log_start_offset = read.log_start_offset
            if read.size_bytes:
                self.due.to_the_back(interest)

    def not_told(self, reads: Reads) -> None:
        """Nobody will hear of these: look at them again."""
        for interest in reads:
            if self.all.get(interest.key) is interest:
                self.due.mark(interest, rings=False)

    def close(self) -> None:
        """Hear of no partition any more."""
        self._is_closed = True
        for interest in self.all.values():
            self._drop(interest)

    def _drop(self, interest: Interest) -> None:
        interest.unwatch(self.due)
        self.due.settled(interest)
