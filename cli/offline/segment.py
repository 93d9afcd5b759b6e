"""One segment held against its indexes, in one pass over its batches.

    .log        │ batch 0..4 │ batch 5..5 │ batch 6..9 │ ..      CRC right, offsets rise
    .index              5 at byte 310 ─┘         │               a batch begins there, and ends so
    .timeindex                9 at 17..:03 ──────┘               that batch, with that timestamp
    .txnindex               7: 2..5 aborted                      a marker of producer 7 at 5

The entries of an index ascend as the batches do, so each index is read along with them and nothing
of it is kept. An entry whose batch compaction has taken is right where the format lets it be: in
the transaction index.
"""

from collections.abc import Iterator
from pathlib import Path

import attrs

from broker.log.file_names import OFFSET_INDEX, TIME_INDEX, TRANSACTION_INDEX
from broker.log.index_file import Entry
from broker.log.leader_epochs import EpochRun
from broker.log.segment import MAX_RELATIVE_OFFSET
from broker.wire.record_batch import NO_LEADER_EPOCH
from cli.offline.batches import Walked, walk
from cli.offline.findings import Findings
from cli.offline.index_entries import entries
from cli.offline.read_only import Damage, open_file


@attrs.define
class SegmentFacts:
    """What a segment has; `end_offset` is the one behind its last batch."""

    base_offset: int
    end_offset: int
    size_bytes: int
    batch_count: int = 0
    epochs: list[EpochRun] = attrs.field(factory=list)


def check_segment(log: Path, base_offset: int, findings: Findings) -> SegmentFacts:
    """Check a `.log` and what lies beside it. OSError."""
    file, size_bytes = open_file(log)
    facts = SegmentFacts(base_offset, base_offset, size_bytes)
    indexes = [
        check(log.with_suffix(check.suffix), base_offset, findings)
        for check in (_Offsets, _Timestamps, _Aborted)
    ]
    is_readable = True
    for each in walk(log, file, size_bytes):
        if isinstance(each, Damage):
            findings.add_all(each)
            is_readable = False
            continue
        _check_batch(log, each, facts, findings)
        for index in indexes:
            index.pass_batch(each)
        findings.read(each.batch.size_bytes)
    if is_readable:  # behind what isn't, nobody knows what an index should say
        for index in indexes:
            index.pass_end()
    return facts


def _check_batch(log: Path, walked: Walked, facts: SegmentFacts, findings: Findings) -> None:
    batch = walked.batch
    first, last = batch.base_offset, batch.last_offset
    if not walked.is_valid:
        findings.add(log, walked.position, walked.crc_problem)
    if first < facts.end_offset:
        problem = f"offset {first} where {facts.end_offset} or more is due"
        findings.add(log, walked.position, problem)
    elif last < first or last - facts.base_offset > MAX_RELATIVE_OFFSET:
        problem = f"a batch of offsets {first} to {last} in a segment from {facts.base_offset} on"
        findings.add(log, walked.position, problem)
    else:
        facts.end_offset = last + 1
    facts.batch_count += 1
    if batch.leader_epoch == NO_LEADER_EPOCH:
        return
    if facts.epochs and facts.epochs[-1].epoch == batch.leader_epoch:
        facts.epochs[-1].last_offset = last
    else:
        facts.epochs.append(EpochRun(batch.leader_epoch, first, last))


class _Index:
    """The entries of one index, each taken when the batches have come to it."""

    suffix: str
    is_always_there = True

    def __init__(self, path: Path, base_offset: int, findings: Findings) -> None:
        self.path = path
        self.base_offset = base_offset
        self._findings = findings
        self._entries: Iterator[tuple[int, Entry] | Damage] = iter(())
        if path.exists():
            self._entries = entries(path)
        elif self.is_always_there:
            findings.add(path, None, "missing")
        self._at = 0
        self.entry: Entry | None = None
        self.advance()

    def advance(self) -> None:
        """On to the next entry that is above the one before."""
        before, self.entry = self.entry, None
        for each in self._entries:
            if isinstance(each, Damage):
                self._findings.add_all(each)
                continue
            self._at, entry = each
            if before is None or self.is_above(entry, before):
                self.entry = entry
                return
            self.report(f"{entry} behind {before}: entries must ascend")

    def report(self, problem: str) -> None:
        self._findings.add(self.path, self._at, problem)

    def is_above(self, entry: Entry, before: Entry) -> bool:
        return entry[0] > before[0] and entry[1] > before[1]

    def pass_batch(self, walked: Walked) -> None:
        raise NotImplementedError

    def pass_end(self) -> None:
        """The log has ended: so must the entries have."""
        while self.entry is not None:
            self.report(f"{self.entry} is beyond the end of the log")
            self.advance()


class _Offsets(_Index):
    suffix = OFFSET_INDEX

    def pass_batch(self, walked: Walked) -> None:
        while self.entry is not None and self.entry[1] <= walked.position:
            offset, position = self.base_offset + self.entry[0], self.entry[1]
            if position < walked.position:
                self.report(f"offset {offset} at byte {position}, where no batch begins")
            elif offset != walked.batch.last_offset:
                last = walked.batch.last_offset
                self.report(f"offset {offset} at byte {position}, where a batch ends with {last}")
            self.advance()


class _Timestamps(_Index):
    suffix = TIME_INDEX

    def pass_batch(self, walked: Walked) -> None:
        batch = walked.batch
        while self.entry is not None and self.base_offset + self.entry[1] <= batch.last_offset:
            timestamp_ms, offset = self.entry[0], self.base_offset + self.entry[1]
            if offset < batch.base_offset:
                self.report(f"timestamp {timestamp_ms} at offset {offset}, which no batch has")
            elif timestamp_ms != batch.max_timestamp_ms:
                self.report(
                    f"timestamp {timestamp_ms} at offset {offset}, whose batch has "
                    f"{batch.max_timestamp_ms}"
                )
            self.advance()


class _Aborted(_Index):
    suffix = TRANSACTION_INDEX
    is_always_there = False

    def is_above(self, entry: Entry, before: Entry) -> bool:
        return entry[3] > before[3]

    def pass_batch(self, walked: Walked) -> None:
        batch = walked.batch
        while self.entry is not None and self.entry[3] <= batch.last_offset:
            _, producer_id, first, last, _ = self.entry
            is_marker = batch.is_control and batch.producer_id == producer_id
            if first >= last or (last >= batch.base_offset and not is_marker):
                self.report(f"offset {last} is no end of a transaction of producer {producer_id}")
            self.advance()
