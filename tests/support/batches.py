"""Batches that no producer sends: their header says what it likes, and the CRC fits it."""

import struct
from collections.abc import Sequence
from typing import Final

from crc32c import crc32c

from broker.wire.compression import Compression, compress
from broker.wire.record_batch import HEADER, batches, build_batch, with_records
from broker.wire.records import Record, encode_records

HEADER_FIELDS: Final = (
    "base_offset",
    "length",
    "leader_epoch",
    "magic",
    "crc",
    "attributes",
    "last_offset_delta",
    "base_timestamp",
    "max_timestamp",
    "producer_id",
    "producer_epoch",
    "sequence",
    "count",
)


def lying(data: bytes, **fields: int) -> bytes:
    """The batch with other fields in its header, and the CRC that fits them unless it is given."""
    header = dict(zip(HEADER_FIELDS, HEADER.unpack_from(data), strict=True)) | fields
    changed = bytearray(data)
    HEADER.pack_into(changed, 0, *header.values())
    return bytes(changed) if "crc" in fields else with_fitting_crc(changed)


def with_fitting_crc(data: bytes | bytearray) -> bytes:
    """The batch with the CRC of what is there now."""
    changed = bytearray(data)
    changed[17:21] = struct.pack(">I", crc32c(memoryview(changed)[21:]))
    return bytes(changed)


def misnumbered(records: Sequence[Record], codec: Compression, *deltas: int) -> bytearray:
    """A batch of small records with these offset deltas, each below 64."""
    body = bytearray()
    for record, delta in zip(records, deltas, strict=True):
        one = encode_records([record], records[0].timestamp_ms)
        assert one[3] == 0, "after a length, attributes and a timestamp of a byte each"
        one[3] = delta << 1
        body += one
    [batch] = batches(build_batch(records))
    return with_records(
        batch,
        compress(codec, body),
        len(deltas),
        attributes=codec,
        base_timestamp_ms=batch.base_timestamp_ms,
        max_timestamp_ms=batch.max_timestamp_ms,
    )
