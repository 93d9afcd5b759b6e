"""The append path: a batch is checked, has its offsets, and is written.

    a client's, by the leader                  a leader's, by a follower
      validation   header, CRC, count            validation   CRC, ascending
      conversion   to the topic's codec (*)      room         does it continue the log?
      producers    sent again? in sequence?        │
      stamp        offset, epoch, time             │
        └───────────────────► write ◄──────────────┘
                              roll, if the segment is full or old
                              the epochs' starts are noted
                              bytes into the segment
                              the producers' state follows, and the index of aborted transactions
                              flush, if flush.messages says so

(*) validation too, if a batch was `Prepared`: then it's not looked at again.

Everything that may refuse comes before the first byte: who raises `KafkaError` for a batch has
changed nothing.

Source: Kafka's `UnifiedLog.append`, `LogValidator.validateMessagesAndAssignOffsets`.
"""

from broker.log.conversion import ready_batch
from broker.log.log_config import LogConfig, TimestampType
from broker.log.old_formats import is_old
from broker.log.parts import LogParts
from broker.log.producer_state import ProducerState
from broker.log.segment import MAX_RELATIVE_OFFSET
from broker.log.truncation import truncate_fully_and_start_at
from broker.log.validation import (
    Prepared,
    UnexpectedAppendOffset,
    batches_of_leader,
    only_batch,
)
from broker.log.values import AppendInfo, Origin
from broker.log.verifications import VerificationGuard
from broker.wire.record_batch import (
    NO_TIMESTAMP,
    Buffer,
    RecordBatch,
    stamp,
    stamp_append_time,
    stamp_create_time,
)


def append_as_leader(
    parts: LogParts,
    records: Buffer | Prepared,
    leader_epoch: int,
    origin: Origin,
    guard: VerificationGuard | None = None,
) -> AppendInfo:
    """See `PartitionLog.append_as_leader`."""
    now_ms = parts.clock_ms()
    batch = ready_batch(records, parts.topic_partition, parts.config, origin, now_ms)
    if batch.has_producer_id:
        if origin is Origin.CLIENT:
            known = parts.producers.duplicate_of(batch)
            if known is not None:
                return AppendInfo(
                    known.first_offset,
                    known.last_offset,
                    known.timestamp_ms,
                    known.timestamp_ms,
                    parts.log_start_offset,
                    0,
                    is_duplicate=True,
                )
        parts.producers.check(batch, origin, guard)
    _stamp(batch, parts.log_end_offset, leader_epoch, parts.config, now_ms)
    by_append_time = batch.is_log_append_time
    _write(parts, [batch], batch.view)
    return AppendInfo(
        batch.base_offset,
        batch.last_offset,
        batch.max_timestamp_ms,
        now_ms if by_append_time else NO_TIMESTAMP,
        parts.log_start_offset,
        batch.size_bytes,
    )


def was_appended(producers: ProducerState, records: Buffer | Prepared) -> bool:
    """Whether this batch of an idempotent producer is in the log already: it was sent again."""
    if is_old(records.sent if isinstance(records, Prepared) else memoryview(records)):
        return False  # those formats know no sequences
    batch = only_batch(records)
    return batch.has_producer_id and producers.duplicate_of(batch) is not None


def append_as_follower(parts: LogParts, records: Buffer) -> AppendInfo | None:
    """See `PartitionLog.append_as_follower`."""
    found = batches_of_leader(records, parts.topic_partition)
    if not found:
        return None
    end_offset = found[-1].end_offset
    _make_room(parts, found[0], end_offset)
    size_bytes = sum(batch.size_bytes for batch in found)
    _write(parts, found, memoryview(records)[:size_bytes])
    return AppendInfo(
        found[0].base_offset,
        end_offset - 1,
        max(batch.max_timestamp_ms for batch in found),
        NO_TIMESTAMP,
        parts.log_start_offset,
        size_bytes,
    )


def _make_room(parts: LogParts, first: RecordBatch, end_offset: int) -> None:
    if first.base_offset >= parts.log_end_offset:
        return
    # DeleteRecords may have put the leader's start into the middle of a batch: an empty
    # follower then gets the whole batch and must begin below its own start offset.
    is_empty = parts.log_end_offset == parts.log_start_offset
    if not is_empty or end_offset <= parts.log_end_offset:
        raise UnexpectedAppendOffset(
            f"Offset {first.base_offset} in append to {parts.topic_partition} is less than the "
            f"next offset {parts.log_end_offset}"
        )
    truncate_fully_and_start_at(parts, first.base_offset, parts.log_start_offset)


def _stamp(
    batch: RecordBatch, offset: int, leader_epoch: int, config: LogConfig, now_ms: int
) -> None:
    """Write offset, epoch and perhaps time into the batch's bytes and into `batch`."""
    view = batch.view
    if view.readonly:
        view = batch.view = memoryview(bytearray(view))
    stamp(view, offset, leader_epoch)
    batch.base_offset = offset
    batch.leader_epoch = leader_epoch
    if config.message_timestamp_type is TimestampType.LOG_APPEND_TIME:
        batch.attributes = stamp_append_time(view, batch.attributes, now_ms)
        batch.max_timestamp_ms = now_ms
    elif batch.is_log_append_time:
        batch.attributes = stamp_create_time(view, batch.attributes)


def _first_offset(log_end_offset: int, found: list[RecordBatch]) -> int:
    """Of the segment that these begin: where the last one ends.

    Kafka's follower takes the first batch's. If compaction left a gap before that in the leader's
    log, no segment would have it, and at a start it would look like a lost end (`recovery`).
    """
    if found[-1].last_offset - log_end_offset > MAX_RELATIVE_OFFSET:
        return found[0].base_offset
    return log_end_offset


def _write(parts: LogParts, found: list[RecordBatch], data: memoryview) -> None:
    """The common end: batches that are checked and have their offsets, and their bytes."""
    local = parts.local
    last_offset = found[-1].last_offset
    max_timestamp_ms = max([batch.max_timestamp_ms for batch in found])
    if local.must_roll(len(data), max_timestamp_ms, last_offset):
        parts.roll(_first_offset(local.log_end_offset, found))
    with local.storage:
        for batch in found:
            if batch.leader_epoch >= 0:
                parts.epochs.assign(batch.leader_epoch, batch.base_offset)
    local.append(found, data)
    for batch in found:
        aborted = parts.producers.update(batch)
        if aborted is not None:
            local.note_aborted(aborted)
    if local.log_end_offset - local.flushing.recovery_point >= local.config.flush_messages:
        local.flush()
