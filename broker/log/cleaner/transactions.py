"""What became of the transactions whose batches go by: aborted ones go, and markers in the end.

Compaction reads a log from its beginning, batch by batch, and each asks here:

    a batch of records    was its transaction aborted? then it goes
    a marker              are all batches of its transaction gone? then it may go, after a delay

Aborted transactions are known beforehand, from the segments' transaction indexes: all below the
last stable offset are decided. Of those whose marker stays, the cleaned segment's index is made
again.

Source: Kafka's `CleanedTransactionMetadata`.
"""

import heapq
from collections.abc import Iterable

import attrs

from broker.log.values import AbortedTransaction
from broker.wire.control_records import read_marker
from broker.wire.record_batch import RecordBatch


@attrs.define
class _Aborted:
    entry: AbortedTransaction
    was_seen: bool = False  # at least one of its batches is still there


class CleanedTransactions:
    """Over one walk from `start_offset` on, in order."""

    def __init__(self, aborted: Iterable[AbortedTransaction], start_offset: int) -> None:
        self._to_come: list[tuple[int, int, AbortedTransaction]] = []
        ended: dict[int, int] = {}
        for entry in sorted(aborted, key=lambda entry: entry.last_offset):
            # A recovery that began after a marker takes the next transaction to be as old as the
            # one that ended with it.
            first_offset = max(entry.first_offset, ended.get(entry.producer_id, -1) + 1)
            ended[entry.producer_id] = entry.last_offset
            if entry.last_offset >= start_offset:
                self._to_come.append((first_offset, entry.producer_id, entry))
        heapq.heapify(self._to_come)
        self._ongoing_aborted: dict[int, _Aborted] = {}
        self._ongoing_committed: set[int] = set()
        self._marked: list[AbortedTransaction] = []

    def is_aborted(self, batch: RecordBatch) -> bool:
        """Of a batch of records."""
        self._begin_until(batch.last_offset)
        if not batch.is_transactional:
            return False
        aborted = self._ongoing_aborted.get(batch.producer_id)
        if aborted is None:
            self._ongoing_committed.add(batch.producer_id)
            return False
        aborted.was_seen = True
        return True

    def marks_nothing(self, batch: RecordBatch) -> bool:
        """Of a control batch: whether no batch of its transaction has gone by."""
        self._begin_until(batch.last_offset)
        marker = read_marker(batch)
        if marker is None:
            return True  # cleaned before; only its header is left
        if marker.commit:
            was_seen = batch.producer_id in self._ongoing_committed
            self._ongoing_committed.discard(batch.producer_id)
            return not was_seen
        aborted = self._ongoing_aborted.pop(batch.producer_id, None)
        if aborted is None or not aborted.was_seen:
            return True
        self._marked.append(aborted.entry)
        return False

    def take_marked(self) -> list[AbortedTransaction]:
        """The aborted transactions whose markers have gone by and stay, since the last call."""
        marked, self._marked = self._marked, []
        return marked

    def _begin_until(self, offset: int) -> None:
        while self._to_come and self._to_come[0][0] <= offset:
            _, producer_id, entry = heapq.heappop(self._to_come)
            self._ongoing_aborted.setdefault(producer_id, _Aborted(entry))
