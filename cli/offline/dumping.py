"""What stands in a file, piece by piece, in the words of kafka-dump-log where it knows the file.

    .log                     batches; their records, if they are wanted
    .index  .timeindex       entries, each held against the batch that it points to
    .txnindex  .snapshot     aborted transactions; producers
    leader-epoch-checkpoint  *-offset-checkpoint  partition.metadata      (Kafka's tool: unknown)

Kafka's tool compares a time index with the records' timestamps; here it is the batch's header, for
of a batch that compaction has emptied the header is all that is left.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from broker.log.checkpoints import EmptyCheckpoint, MalformedCheckpoint, read_entries
from broker.log.file_names import (
    CLEANER_CHECKPOINT,
    HIGH_WATERMARK_CHECKPOINT,
    LEADER_EPOCH_CHECKPOINT,
    LOG,
    LOG_START_OFFSET_CHECKPOINT,
    OFFSET_INDEX,
    PARTITION_METADATA,
    RECOVERY_POINT_CHECKPOINT,
    SNAPSHOT,
    TIME_INDEX,
    TRANSACTION_INDEX,
    offset_of,
)
from broker.log.index_file import OffsetIndex, TimeIndex
from broker.log.log_file import batch_headers, find_batch
from broker.log.partition_metadata import MalformedPartitionMetadata, read_topic_id
from broker.log.producer_snapshots import MalformedSnapshot, decode_snapshot
from broker.wire.errors import KafkaError
from broker.wire.record_batch import RecordBatch
from broker.wire.regions import OpenFile
from cli.offline.batch_pieces import Piece, Wish, batch_piece, record_pieces
from cli.offline.batches import Walked, walk
from cli.offline.index_entries import entries
from cli.offline.read_only import DISK, Damage, open_file
from coordination.znodes import topic_id_text

OFFSET_CHECKPOINTS: Final = (
    RECOVERY_POINT_CHECKPOINT,
    LOG_START_OFFSET_CHECKPOINT,
    HIGH_WATERMARK_CHECKPOINT,
    CLEANER_CHECKPOINT,
)
_SNAPSHOT_HEADER_BYTES: Final = 10
_SNAPSHOT_ENTRY_BYTES: Final = 46

Pieces = Iterator[Piece | Damage]


class UnknownFile(Exception):  # named for what was found
    """A file of no kind that a broker has."""


def dump(path: Path, wish: Wish) -> Pieces:
    """What stands in the file at `path`. UnknownFile, OSError."""
    dumps: Mapping[str, Callable[[Path, Wish], Pieces]] = {
        LOG: _log,
        OFFSET_INDEX: _offset_index,
        TIME_INDEX: _time_index,
        TRANSACTION_INDEX: _transaction_index,
        SNAPSHOT: _snapshot,
        LEADER_EPOCH_CHECKPOINT: _leader_epochs,
        PARTITION_METADATA: _metadata,
        **dict.fromkeys(OFFSET_CHECKPOINTS, _offset_checkpoint),
    }
    is_segments = offset_of(path.name) is not None
    known = dumps.get(path.suffix if is_segments else path.name)
    if known is None:
        raise UnknownFile(f"{path}: no kind of file that a broker's logs have")
    return known(path, wish)


def _log(path: Path, wish: Wish) -> Pieces:
    file, size_bytes = open_file(path)
    base_offset = offset_of(path.name)
    yield Piece(None, "segment", f"Log starting offset: {base_offset}", {"offset": base_offset})
    last_offset: int | None = None
    for each in walk(path, file, size_bytes):
        if isinstance(each, Damage):
            yield each
            continue
        yield batch_piece(each)
        if not each.is_valid:
            yield Damage(path, each.position, each.crc_problem)
        elif wish.records:
            for piece in record_pieces(path, file, each, wish):
                yield piece
                if isinstance(piece, Piece):
                    offset = piece.facts["offset"]
                    assert isinstance(offset, int)
                    if last_offset is not None and offset != last_offset + 1:
                        yield _gap(each, last_offset, offset)
                    last_offset = offset


def _gap(walked: Walked, last_offset: int, offset: int) -> Piece:
    """Not a damage: compaction makes gaps."""
    text = f"Non-consecutive offsets: {last_offset} is followed by {offset}"
    return Piece(walked.position, "gap", text, {"offset": offset, "previous_offset": last_offset})


def _base_offset(path: Path) -> int:
    offset = offset_of(path.name)
    assert offset is not None, "`dump` has looked"
    return offset


def _offset_index(path: Path, wish: Wish) -> Pieces:
    base_offset = _base_offset(path)
    file, size_bytes = open_file(path.with_suffix(LOG))
    index = OffsetIndex(DISK, str(path), base_offset, 0)
    if not index.count:
        yield Piece(None, "empty", f"{path} is empty.", {})
        return
    if wish.sanity_only:
        yield _sanity(path, is_sound=index.is_sound(size_bytes))
        return
    for entry in entries(path):
        if isinstance(entry, Damage):
            yield entry
            continue
        at, (relative_offset, position) = entry
        offset = base_offset + relative_offset
        batch = _batch_at(file, position, size_bytes)
        if batch is None:
            yield Damage(path, at, f"offset {offset}: no batch begins at {position} in the log")
        elif batch.last_offset != offset:
            problem = f"Index offset: {offset}, log offset: {batch.last_offset}"
            yield Damage(path, at, problem)
        if not wish.verify_only:
            text = f"offset: {offset} position: {position}"
            yield Piece(at, "index_entry", text, {"offset": offset, "log_position": position})


def _time_index(path: Path, wish: Wish) -> Pieces:
    base_offset = _base_offset(path)
    file, size_bytes = open_file(path.with_suffix(LOG))
    if wish.sanity_only:
        index = TimeIndex(DISK, str(path), base_offset, 0)
        yield _sanity(path, is_sound=index.is_sound())
        return
    offset_index = OffsetIndex(DISK, str(path.with_suffix(OFFSET_INDEX)), base_offset, 0)
    before_ms = -1
    for entry in entries(path):
        if isinstance(entry, Damage):
            yield entry
            continue
        at, (timestamp_ms, relative_offset) = entry
        offset = base_offset + relative_offset
        batch = _batch_of(file, offset_index, offset, size_bytes)
        if batch is None or batch.last_offset != offset:
            found = -1 if batch is None else batch.last_offset
            yield Damage(path, at, f"Indexed offset: {offset}, found log offset: {found}")
        elif batch.max_timestamp_ms != timestamp_ms:
            problem = f"Index timestamp: {timestamp_ms}, log timestamp: {batch.max_timestamp_ms}"
            yield Damage(path, at, problem)
        if before_ms >= timestamp_ms:
            problem = f"Index timestamp: {timestamp_ms}, Previously indexed timestamp: {before_ms}"
            yield Damage(path, at, problem)
        before_ms = timestamp_ms
        if not wish.verify_only:
            text = f"timestamp: {timestamp_ms} offset: {offset}"
            facts = {"timestamp_ms": timestamp_ms, "offset": offset}
            yield Piece(at, "time_index_entry", text, facts)


def _batch_at(file: OpenFile, position: int, size_bytes: int) -> RecordBatch | None:
    """The header of the batch that begins there."""
    if position < 0:
        return None
    try:
        return next((batch for _, batch in batch_headers(file, position, size_bytes)), None)
    except KafkaError:
        return None


def _batch_of(
    file: OpenFile, index: OffsetIndex, offset: int, size_bytes: int
) -> RecordBatch | None:
    """The header of the batch that holds the offset, or of the first one behind it."""
    try:
        found = find_batch(file, max(0, index.lookup(offset)), size_bytes, offset)
    except (KafkaError, FileNotFoundError):
        return None
    return None if found is None else _batch_at(file, found.position, size_bytes)


def _sanity(path: Path, *, is_sound: bool) -> Piece | Damage:
    if is_sound:
        return Piece(None, "sane", f"{path} passed sanity check.", {})
    return Damage(path, None, "its last entry can't be one: it is rebuilt at the next start")


def _transaction_index(path: Path, _wish: Wish) -> Pieces:
    for entry in entries(path):
        if isinstance(entry, Damage):
            yield entry
            continue
        at, (version, producer_id, first_offset, last_offset, last_stable_offset) = entry
        text = (
            f"version: {version} producerId: {producer_id} firstOffset: {first_offset} "
            f"lastOffset: {last_offset} lastStableOffset: {last_stable_offset}"
        )
        facts = {
            "producer_id": producer_id,
            "first_offset": first_offset,
            "last_offset": last_offset,
            "last_stable_offset": last_stable_offset,
        }
        yield Piece(at, "aborted_transaction", text, facts)


def _snapshot(path: Path, _wish: Wish) -> Pieces:
    try:
        producers = decode_snapshot(path.read_bytes())
    except MalformedSnapshot as error:
        yield Damage(path, None, f"not a snapshot: {error}")
        return
    for number, each in enumerate(producers):
        first = each.transaction_first_offset
        text = (
            f"producerId: {each.producer_id} producerEpoch: {each.epoch} "
            f"coordinatorEpoch: {each.coordinator_epoch} currentTxnFirstOffset: "
            f"{'OptionalLong.empty' if first is None else f'OptionalLong[{first}]'} "
            f"lastTimestamp: {each.last_timestamp_ms} "
        )
        facts: dict[str, object] = {
            "producer_id": each.producer_id,
            "producer_epoch": each.epoch,
            "coordinator_epoch": each.coordinator_epoch,
            "transaction_first_offset": first,
            "timestamp_ms": each.last_timestamp_ms,
            "last_sequence": each.last_sequence,
        }
        for batch in each.batches[:1]:
            text += (
                f"firstSequence: {batch.first_sequence} lastSequence: {batch.last_sequence} "
                f"lastOffset: {batch.last_offset} offsetDelta: {batch.offset_delta} "
                f"timestamp: {batch.timestamp_ms}"
            )
            facts["last_offset"] = batch.last_offset
        at = _SNAPSHOT_HEADER_BYTES + number * _SNAPSHOT_ENTRY_BYTES
        yield Piece(at, "producer", text.rstrip(), facts)


def _leader_epochs(path: Path, _wish: Wish) -> Pieces:
    for at, words in _lines(path):
        if isinstance(words, Damage):
            yield words
            continue
        try:
            epoch, offset = map(int, words.split(" "))
        except ValueError:
            yield Damage(path, at, f"{words!r} is not an epoch and an offset")
            continue
        text = f"epoch: {epoch} startOffset: {offset}"
        yield Piece(at, "leader_epoch", text, {"leader_epoch": epoch, "offset": offset})


def _offset_checkpoint(path: Path, _wish: Wish) -> Pieces:
    for at, words in _lines(path):
        if isinstance(words, Damage):
            yield words
            continue
        try:
            topic, number, offset = words.split(" ")
            facts = {"topic": topic, "partition": int(number), "offset": int(offset)}
        except ValueError:
            yield Damage(path, at, f"{words!r} is not a topic, a partition and an offset")
            continue
        text = f"topic: {topic} partition: {number} offset: {offset}"
        yield Piece(at, "checkpoint", text, facts)


def _lines(path: Path) -> Iterator[tuple[int, str | Damage]]:
    """(byte, line) for each entry of a checkpoint; one `Damage` if it is none.

    Of no bytes it has no entries: Kafka makes such files at its first start.
    """
    try:
        found = read_entries(path)
    except EmptyCheckpoint:
        return
    except MalformedCheckpoint as error:
        yield 0, Damage(path, 0, str(error).removeprefix(f"{path}: "))
        return
    at = sum(len(line) + 1 for line in ("0", str(len(found))))
    for each in found:
        yield at, each
        at += len(each.encode()) + 1


def _metadata(path: Path, _wish: Wish) -> Pieces:
    try:
        topic_id = read_topic_id(path)
    except MalformedPartitionMetadata as error:
        yield Damage(path, 0, str(error).removeprefix(f"{path}: "))
        return
    if topic_id is None:
        raise FileNotFoundError(2, "No such file or directory", str(path))
    name = topic_id_text(topic_id)
    yield Piece(0, "topic_id", f"topicId: {name}", {"topic_id": name})
