"""Batches that no producer sends: their header says what it likes, and the CRC fits it."""

import struct
from typing import Final

from crc32c import crc32c

from broker.wire.record_batch import HEADER

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
