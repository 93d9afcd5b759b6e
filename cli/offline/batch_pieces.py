"""A batch and its records in the words of kafka-dump-log, which scripts take apart.

baseOffset: 0 lastOffset: 1 count: 2 .. position: 0 CreateTime: 17.. size: 93 .. isvalid: true
| offset: 0 CreateTime: 17.. keySize: 3 valueSize: 5 sequence: -1 headerKeys: [] key: .. ..
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs

from broker.wire.compression import Compression
from broker.wire.control_records import read_marker
from broker.wire.errors import KafkaError
from broker.wire.record_batch import NO_SEQUENCE, RecordBatch
from broker.wire.records import HEADER_KEY_ERRORS, Record
from broker.wire.regions import OpenFile
from cli.offline.batches import MOST_OPENED_BYTES, Walked, whole
from cli.offline.decoders import Decode, plain
from cli.offline.read_only import Damage


@attrs.frozen
class Piece:
    """Something that stands in a file: `position` is its byte, a record's is that of its batch."""

    position: int | None
    kind: str
    text: str
    facts: Mapping[str, object]


@attrs.frozen
class Wish:
    """What of a file is to be shown."""

    records: bool = False
    contents: bool = False  # of records: keys and values, too
    decode: Decode = plain
    sanity_only: bool = False  # of indexes: what a start looks at
    verify_only: bool = False  # of indexes: no entries, only what is wrong


def batch_piece(walked: Walked) -> Piece:
    """The header in a line."""
    batch = walked.batch
    horizon_ms = batch.delete_horizon_ms
    horizon = "OptionalLong.empty" if horizon_ms is None else f"OptionalLong[{horizon_ms}]"
    text = (
        f"baseOffset: {batch.base_offset} lastOffset: {batch.last_offset} count: {batch.count} "
        f"baseSequence: {batch.base_sequence} lastSequence: {batch.last_sequence} "
        f"producerId: {batch.producer_id} producerEpoch: {batch.producer_epoch} "
        f"partitionLeaderEpoch: {batch.leader_epoch} "
        f"isTransactional: {_word(batch.is_transactional)} isControl: {_word(batch.is_control)} "
        f"deleteHorizonMs: {horizon} position: {walked.position} "
        f"{_timestamp_type(batch)}: {batch.max_timestamp_ms} size: {batch.size_bytes} "
        f"magic: {batch.magic} compresscodec: {_codec(batch)} crc: {batch.crc} "
        f"isvalid: {_word(walked.is_valid)}"
    )
    facts = {
        "base_offset": batch.base_offset,
        "last_offset": batch.last_offset,
        "count": batch.count,
        "base_sequence": batch.base_sequence,
        "producer_id": batch.producer_id,
        "producer_epoch": batch.producer_epoch,
        "leader_epoch": batch.leader_epoch,
        "transactional": batch.is_transactional,
        "control": batch.is_control,
        "delete_horizon_ms": horizon_ms,
        "timestamp_ms": batch.max_timestamp_ms,
        "timestamp_type": _timestamp_type(batch),
        "size_bytes": batch.size_bytes,
        "codec": _codec(batch),
        "crc": batch.crc,
        "valid": walked.is_valid,
    }
    return Piece(walked.position, "batch", text, facts)


def record_pieces(
    path: Path, file: OpenFile, walked: Walked, wish: Wish
) -> Iterator[Piece | Damage]:
    """Each record of a batch whose CRC is right; a `Damage` where they can't be read."""
    batch = walked.batch
    if batch.size_bytes > MOST_OPENED_BYTES:
        yield Damage(path, walked.position, f"a batch of {batch.size_bytes} bytes is not opened")
        return
    try:
        batch = whole(file, walked)
        marker = read_marker(batch) if batch.is_control else None
        for record in batch.each_of(batch.opened()):
            facts, text = _record(batch, record)
            if marker is not None:
                ending = "COMMIT" if marker.commit else "ABORT"
                text += f" endTxnMarker: {ending} coordinatorEpoch: {marker.coordinator_epoch}"
                facts |= {"marker": ending, "coordinator_epoch": marker.coordinator_epoch}
            elif wish.contents:
                key, value = wish.decode(record)
                text += "" if key is None else f" key: {key}"
                text += "" if value is None else f" payload: {value}"
                facts |= {"key": key, "value": value}
            yield Piece(walked.position, "record", text, facts)
    except KafkaError as error:
        yield Damage(path, walked.position, error.message)


def _record(batch: RecordBatch, record: Record) -> tuple[dict[str, object], str]:
    sequence = NO_SEQUENCE
    if batch.base_sequence != NO_SEQUENCE:
        sequence = (batch.base_sequence + record.offset - batch.base_offset) & 0x7FFFFFFF
    header_keys = [
        key.encode(errors=HEADER_KEY_ERRORS).decode(errors="replace") for key, _ in record.headers
    ]
    facts: dict[str, object] = {
        "offset": record.offset,
        "timestamp_ms": record.timestamp_ms,
        "key_bytes": None if record.key is None else len(record.key),
        "value_bytes": None if record.value is None else len(record.value),
        "sequence": sequence,
        "header_keys": header_keys,
    }
    text = (
        f"| offset: {record.offset} {_timestamp_type(batch)}: {record.timestamp_ms} "
        f"keySize: {_size(record.key)} valueSize: {_size(record.value)} "
        f"sequence: {sequence} headerKeys: [{','.join(header_keys)}]"
    )
    return facts, text


def _size(data: bytes | None) -> int:
    return -1 if data is None else len(data)


def _timestamp_type(batch: RecordBatch) -> str:
    return "LogAppendTime" if batch.is_log_append_time else "CreateTime"


def _codec(batch: RecordBatch) -> str:
    return Compression(batch.codec).name.lower() if batch.codec <= max(Compression) else "unknown"


def _word(flag: bool) -> str:
    return "true" if flag else "false"
