"""What the producers of a log were before its last batches, so that a truncation is an undo.

A follower whose leader changed cuts off what the new one doesn't have, and then the producers'
state is to be what it was there. It could be read again: from the last snapshot on, which was made
when the segment began. Of a segment of a gigabyte that takes seconds, for each partition that
diverges, in the middle of a failover; in Kafka they are a fetcher thread's.

        │ high watermark                       log end
    ────┼──────┬──────┬──────┬──────┬──────┬────┤
        │      7: -   9: a   7: b   7: c   9: d        producer: what it was before the batch
                             └──────┴──────┴── taken back, the last one first

What is below the high watermark isn't cut off (but after an unclean election), so nothing is kept
for it. On a leader whose followers lag a lot may lie above: so much is kept of it, and a truncation
that goes further back reads the log again.

Entries are values that are replaced and never changed, so one that was is kept by keeping it.
"""

from collections import deque
from collections.abc import Iterator

import attrs

from broker.log.producer_entry import ProducerEntry

# Batches. A few hundred bytes each, so some megabytes for a log whose high watermark stands still.
MOST_CHANGES = 10_000


@attrs.define
class ProducerHistory:
    """Of one log; complete from `start_offset` on."""

    start_offset: int = 0
    # (the batch's base offset, producer id, what it was), ascending
    _changes: deque[tuple[int, int, ProducerEntry | None]] = attrs.field(
        factory=deque[tuple[int, int, ProducerEntry | None]], init=False
    )

    def note(self, base_offset: int, producer_id: int, before: ProducerEntry | None) -> None:
        """What the producer was before the batch at `base_offset`; None if nobody knew it."""
        self._changes.append((base_offset, producer_id, before))
        if len(self._changes) > MOST_CHANGES:
            self.start_offset = self._changes.popleft()[0] + 1

    def start_over(self, offset: int) -> None:
        """Nothing is known of what was before `offset`, the log's end."""
        self._changes.clear()
        self.start_offset = offset

    def forget_before(self, offset: int) -> None:
        """No truncation goes back beyond this one."""
        changes = self._changes
        while changes and changes[0][0] < offset:
            changes.popleft()
        self.start_offset = max(self.start_offset, offset)

    def take_back(self, end_offset: int) -> Iterator[tuple[int, ProducerEntry | None]]:
        """(producer id, what it was) for each change from `end_offset` on, the last one first."""
        changes = self._changes
        while changes and changes[-1][0] >= end_offset:
            _, producer_id, before = changes.pop()
            yield producer_id, before
