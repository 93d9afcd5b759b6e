"""What a fetch asks for: its partitions, which of them must be looked at, and what was told.

    named by the request ─► asked ──┐
                                    ▼
    moved since the last look ──► due ──look──► a read ──answer──► told
                                    ▲             │
                                    └── not yet ──┴─ idle: nothing more to see until it moves

One fetch has `Interests` of its own and throws them away; a fetch session (KIP-227) keeps them from
one fetch to the next, and then a partition costs nothing while nothing happens to it: it isn't
named, not looked at and not answered. 2,000 idle partitions are fetched as quickly as one.

A partition is **idle** when a look has found no error, no records and no reason to expect any
other news, and all of that was told. From then on its `Movement`s put it back among the due: an
append, a high watermark, a log start offset, a role. For a follower an append wakes the fetch that
waits, for a consumer a high watermark; the rest is noticed when it's answered anyway, as in Kafka.

Due partitions are looked at in the order in which they became due, and whoever has been given
records goes to the end: so all have their turn, however little fits into an answer (KIP-74). But
what a session begins with stays in the request's order, as in Kafka.

A follower's fetch says of each of its partitions that the follower still has it. Those that are
idle hear it by the session's `Contact`.

Invariant: what isn't due is watched, and another look at it would find what was told.

Kafka: FetchSession, whose cached partitions are read anew with each fetch.
"""

from collections.abc import Iterable, Mapping

import attrs

from broker.replica.follower_progress import Contact
from broker.replica.interest import Interest, Key
from broker.replica.partition_read import PartitionRead
from broker.waiting import Due

CONSUMER = -1

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

    def watch(self, reads: Mapping[Interest, PartitionRead]) -> None:
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
            if read.is_idle:
                self.due.unmark(interest)

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
        self.told(found)
        for interest, read in found.items():
            if read.size_bytes:
                self.due.to_the_back(interest)
        return found

    def told(self, reads: Reads) -> None:
        """All of these are answered, whether there's news of them or not; they stay in order."""
        for interest, read in reads.items():
            diverges = read.diverging is not None
            interest.told_high_watermark = -1 if diverges else read.high_watermark
            if read.error is None:
                interest.told_log_start_offset = read.log_start_offset

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
        self.due.unmark(interest)
