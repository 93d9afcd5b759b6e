"""Transactions for tests: markers in one line, and what a list of batches says of them.

The latter is worked out the slow way, from the batches alone, to hold the log's bookkeeping to it.
"""

from collections.abc import Sequence

import attrs

from broker.log.partition_log import PartitionLog
from broker.log.values import AbortedTransaction, AppendInfo, Origin
from broker.wire.control_records import build_marker, read_marker
from broker.wire.record_batch import RecordBatch
from tests.broker.log.logs import START_MS


def end_transaction(
    log: PartitionLog,
    producer_id: int,
    *,
    commit: bool,
    epoch: int = 0,
    coordinator_epoch: int = 0,
    timestamp_ms: int = START_MS,
) -> AppendInfo:
    """The coordinator writes how it ended."""
    marker = build_marker(
        producer_id,
        epoch,
        commit=commit,
        coordinator_epoch=coordinator_epoch,
        timestamp_ms=timestamp_ms,
    )
    return log.append_as_leader(marker, max(log.latest_epoch or 0, 0), Origin.COORDINATOR)


@attrs.define
class Transaction:
    """`last_offset` and `commit` are None while it's open."""

    producer_id: int
    first_offset: int
    last_offset: int | None = None
    commit: bool | None = None


def transactions_of(batches: Sequence[RecordBatch]) -> list[Transaction]:
    """All that these batches tell of, in the order of their beginnings."""
    found: list[Transaction] = []
    for batch in batches:
        mine = [t for t in found if t.producer_id == batch.producer_id and t.last_offset is None]
        if batch.is_control:
            marker = read_marker(batch)
            assert marker is not None
            for transaction in mine:
                transaction.last_offset, transaction.commit = batch.base_offset, marker.commit
        elif batch.is_transactional and not mine:
            found.append(Transaction(batch.producer_id, batch.base_offset))
    return found


def last_stable_offset(batches: Sequence[RecordBatch], high_watermark: int) -> int:
    unstable = [
        transaction.first_offset
        for transaction in transactions_of(batches)
        if transaction.last_offset is None or transaction.last_offset >= high_watermark
    ]
    return min([high_watermark, *unstable])


def aborted_of(batches: Sequence[RecordBatch]) -> list[AbortedTransaction]:
    """Those that were aborted, as their markers' entries in the index have them."""
    found = transactions_of(batches)
    aborted = []
    for transaction in found:
        last_offset = transaction.last_offset
        if last_offset is None or transaction.commit:
            continue
        open_then = [
            other.first_offset
            for other in found
            if other.first_offset < last_offset
            and (other.last_offset is None or other.last_offset > last_offset)
        ]
        aborted.append(
            AbortedTransaction(
                transaction.producer_id,
                transaction.first_offset,
                last_offset,
                min(open_then, default=last_offset + 1),
            )
        )
    return sorted(aborted, key=lambda each: each.last_offset)
