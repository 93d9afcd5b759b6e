"""The record batch, format 2: the one unit that producers send, logs keep and consumers fetch.

A batch crosses the broker without being opened: its header is checked, its CRC-32C verified, its
base offset and leader epoch patched in place (both lie before the CRC's range, for just this
reason), its bytes appended and later sent as they are. What is inside is in `records`. Only for a
topic that wants another codec is it written anew (`recompressed`).

       0               8            12            16  17          21         23
       +---------------+-------------+-------------+---+-----------+----------+-----
       | base offset   | batch length| leader epoch| 2 | CRC-32C   |attributes| ...
       | i64           | i32         | i32         |   | u32       | i16      |
       +---------------+-------------+-------------+---+-----------+----------+-----
                                     `- batch length counts from here, to the batch's end
                                                                   `- and the CRC from here
      23           27            35            43           51      53         57      61
       +-----------+-------------+-------------+------------+-------+----------+-------+--------
       |last offset| base        | max         | producer id| pro-  | base     | record| records
       |delta i32  |timestamp i64|timestamp i64| i64        | ducer | sequence | count | ...
       |           |             |             |            | epoch | i32      | i32   |
       +-----------+-------------+-------------+------------+-------+----------+-------+--------

      attributes: bits 0-2 codec | 3 timestamps are LogAppendTime | 4 transactional | 5 control
                  | 6 base timestamp is the delete horizon (compaction)

All integers are big-endian. Timestamps are milliseconds, -1 means none; producer id, epoch and
sequence are -1 when the producer is not idempotent. Formats 0 and 1 share the first 17 bytes, so
their magic is always found at 16; what they are is in `message_set`.

Source: KIP-98, Kafka's `DefaultRecordBatch` and `ByteBufferLogInputStream`.
"""

import struct
from collections.abc import Iterator, Sequence

import attrs
from crc32c import crc32c

from broker.wire.compression import MAX_DECOMPRESSED_BYTES, Compression, compress, decompress
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.records import Record, decode_records, encode_records

HEADER = struct.Struct(">qiibIhiqqqhii")
HEADER_BYTES = HEADER.size  # 61
LOG_OVERHEAD_BYTES = 12  # base offset and batch length, which the length itself does not count
MAGIC = 2
NO_TIMESTAMP = -1
NO_PRODUCER_ID = -1
NO_PRODUCER_EPOCH = -1
NO_SEQUENCE = -1
NO_LEADER_EPOCH = -1

CODEC_MASK = 0x07
LOG_APPEND_TIME = 0x08
TRANSACTIONAL = 0x10
CONTROL = 0x20
DELETE_HORIZON = 0x40

_MAGIC_AT = 16
_CRC_AT = 17
_CRC_START = 21  # the CRC covers from the attributes to the end
_SMALLEST_BATCH_BYTES = LOG_OVERHEAD_BYTES + 14  # the header of formats 0 and 1

_BASE_OFFSET = struct.Struct(">q")
_LENGTH = struct.Struct(">i")
_LEADER_EPOCH = struct.Struct(">i")
_CRC = struct.Struct(">I")
_ATTRIBUTES = struct.Struct(">h")
_MAX_TIMESTAMP = struct.Struct(">q")
_ATTRIBUTES_AND_COUNT = struct.Struct(">h34xi")
_LENGTH_AT, _LEADER_EPOCH_AT, _ATTRIBUTES_AT, _MAX_TIMESTAMP_AT = 8, 12, 21, 35

Buffer = bytes | bytearray | memoryview


@attrs.define(slots=True)
class RecordBatch:
    """One batch's header, and a view of all its bytes. Fields in the order of the box above."""

    view: memoryview
    base_offset: int
    batch_length: int
    leader_epoch: int
    magic: int
    crc: int
    attributes: int
    last_offset_delta: int
    base_timestamp_ms: int
    max_timestamp_ms: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    count: int

    @property
    def size_bytes(self) -> int:
        return LOG_OVERHEAD_BYTES + self.batch_length

    @property
    def last_offset(self) -> int:
        return self.base_offset + self.last_offset_delta

    @property
    def end_offset(self) -> int:
        """The offset after the last one."""
        return self.base_offset + self.last_offset_delta + 1

    @property
    def last_sequence(self) -> int:
        """Sequences go from 2^31-1 to 0, so that a producer never runs out of them."""
        if self.base_sequence == NO_SEQUENCE:
            return NO_SEQUENCE
        return (self.base_sequence + self.last_offset_delta) & 0x7FFFFFFF

    @property
    def codec(self) -> int:
        """A `Compression` value, unless the batch is malformed."""
        return self.attributes & CODEC_MASK

    @property
    def is_log_append_time(self) -> bool:
        return bool(self.attributes & LOG_APPEND_TIME)

    @property
    def is_transactional(self) -> bool:
        return bool(self.attributes & TRANSACTIONAL)

    @property
    def is_control(self) -> bool:
        return bool(self.attributes & CONTROL)

    @property
    def delete_horizon_ms(self) -> int | None:
        """From when on its tombstones, or its marker, may go; None before compaction met them."""
        return self.base_timestamp_ms if self.attributes & DELETE_HORIZON else None

    @property
    def has_producer_id(self) -> bool:
        return self.producer_id > NO_PRODUCER_ID

    def check_crc(self) -> None:
        """CORRUPT_MESSAGE if the bytes are not the ones the producer sent."""
        if self.size_bytes < HEADER_BYTES:
            raise KafkaError(
                ErrorCode.CORRUPT_MESSAGE,
                f"Record batch is corrupt (the size {self.size_bytes} is smaller than the minimum "
                f"allowed overhead {HEADER_BYTES})",
            )
        computed = crc32c(self.view[_CRC_START:])
        if computed != self.crc:
            raise KafkaError(
                ErrorCode.CORRUPT_MESSAGE,
                f"Record is corrupt (stored crc = {self.crc}, computed crc = {computed})",
            )

    def records(self) -> list[Record]:
        """Every record, decoded; CORRUPT_MESSAGE or INVALID_RECORD if that cannot be."""
        return self.decode(self.opened())

    def opened(self, most_bytes: int = MAX_DECOMPRESSED_BYTES) -> memoryview:
        """The records section as it was before compression; CORRUPT_MESSAGE, also if it's more."""
        codec = self.codec
        if codec > Compression.ZSTD:
            raise KafkaError(ErrorCode.CORRUPT_MESSAGE, f"Unknown compression type id: {codec}")
        return decompress(Compression(codec), self.view[HEADER_BYTES:], most_bytes)

    def decode(self, body: memoryview) -> list[Record]:
        """Every record of what `opened` gave; INVALID_RECORD."""
        return list(self.each_of(body))

    def each_of(self, body: memoryview) -> Iterator[Record]:
        """As `decode`, one by one: what they take together may be ten times the batch's size."""
        append_time_ms = self.max_timestamp_ms if self.is_log_append_time else None
        return decode_records(
            body, self.count, self.base_offset, self.base_timestamp_ms, append_time_ms
        )


def batches(data: Buffer) -> Iterator[RecordBatch]:
    """The whole batches of `data`, one after the other; a batch cut short at the end is left out.

    Only the framing is checked: a length below any batch's or a magic that never existed is
    CORRUPT_MESSAGE, format 0 or 1 UNSUPPORTED_FOR_MESSAGE_FORMAT. The CRC is `check_crc`'s matter.
    """
    view = memoryview(data)
    position, end = 0, len(view)
    while end - position > _MAGIC_AT:
        size_bytes = batch_size(view, position)
        if size_bytes > end - position:
            _check_magic(view[position + _MAGIC_AT])  # cut short, or no batch at all?
            return
        yield batch_at(view, position, size_bytes)
        position += size_bytes


def batch_size(view: memoryview, position: int) -> int:
    """The size in bytes of the batch that begins at `position`; CORRUPT_MESSAGE if absurd."""
    size_bytes: int = LOG_OVERHEAD_BYTES + _LENGTH.unpack_from(view, position + _LENGTH_AT)[0]
    if size_bytes < _SMALLEST_BATCH_BYTES:
        raise KafkaError(
            ErrorCode.CORRUPT_MESSAGE,
            f"Record size {size_bytes - LOG_OVERHEAD_BYTES} is less than the minimum record "
            f"overhead ({_SMALLEST_BATCH_BYTES - LOG_OVERHEAD_BYTES})",
        )
    return size_bytes


def batch_at(view: memoryview, position: int, size_bytes: int) -> RecordBatch:
    """The batch of `size_bytes` at `position`. Errors as `batches`."""
    _check_magic(view[position + _MAGIC_AT])
    if size_bytes < HEADER_BYTES:
        raise KafkaError(
            ErrorCode.CORRUPT_MESSAGE,
            f"Record batch is corrupt (the size {size_bytes} is smaller than the minimum allowed "
            f"overhead {HEADER_BYTES})",
        )
    return RecordBatch(view[position : position + size_bytes], *HEADER.unpack_from(view, position))


def _check_magic(magic: int) -> None:
    if magic < MAGIC:
        raise KafkaError(
            ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT,
            f"Message format {magic} is not supported, only format {MAGIC} is",
        )
    check_known_magic(magic)


def check_known_magic(magic: int) -> None:
    """CORRUPT_MESSAGE for a format that never existed. magic: the byte, unsigned."""
    if magic > MAGIC:
        signed = magic - 256 if magic > 127 else magic
        raise KafkaError(ErrorCode.CORRUPT_MESSAGE, f"Invalid magic found in record: {signed}")


def magic_of(data: memoryview) -> int:
    """The format of the first batch; -1 if not so much is there."""
    return data[_MAGIC_AT] if len(data) > _MAGIC_AT else -1


def begins_with_batch(data: memoryview) -> bool:
    """Whether a whole batch of format 2 comes first; CORRUPT_MESSAGE if no batch can."""
    if len(data) <= _MAGIC_AT:
        return False
    size_bytes, magic = batch_size(data, 0), data[_MAGIC_AT]
    if magic < MAGIC:
        return False
    _check_magic(magic)
    return len(data) >= max(size_bytes, HEADER_BYTES)


def attributes_of(data: memoryview) -> int:
    """The attributes of the first batch; 0 if not so much is there, or in another format."""
    if len(data) < HEADER_BYTES or data[_MAGIC_AT] != MAGIC:
        return 0
    attributes: int = _ATTRIBUTES.unpack_from(data, _ATTRIBUTES_AT)[0]
    return attributes


def attributes_and_count_of(data: memoryview) -> tuple[int, int]:
    """`attributes_of`, and how many records the first batch says that it has; 0 as there."""
    if len(data) < HEADER_BYTES or data[_MAGIC_AT] != MAGIC:
        return 0, 0
    attributes, count = _ATTRIBUTES_AND_COUNT.unpack_from(data, _ATTRIBUTES_AT)
    return attributes, count


def stamp(batch: memoryview, base_offset: int, leader_epoch: int) -> None:
    """Write what the leader decides into a batch's bytes, in place; the CRC stays valid."""
    _BASE_OFFSET.pack_into(batch, 0, base_offset)
    _LEADER_EPOCH.pack_into(batch, _LEADER_EPOCH_AT, leader_epoch)


def stamp_append_time(batch: memoryview, attributes: int, now_ms: int) -> int:
    """For message.timestamp.type=LogAppendTime: also the time, and with it the CRC, in place.

    Gives the new attributes.
    """
    _MAX_TIMESTAMP.pack_into(batch, _MAX_TIMESTAMP_AT, now_ms)
    return _stamp_attributes(batch, attributes | LOG_APPEND_TIME)


def stamp_create_time(batch: memoryview, attributes: int) -> int:
    """The timestamps are the producer's, whatever the attributes say: they and the CRC, in place.

    Gives the new attributes.
    """
    return _stamp_attributes(batch, attributes & ~LOG_APPEND_TIME)


def _stamp_attributes(batch: memoryview, attributes: int) -> int:
    _ATTRIBUTES.pack_into(batch, _ATTRIBUTES_AT, attributes)
    _CRC.pack_into(batch, _CRC_AT, crc32c(batch[_CRC_START:]))
    return attributes


def with_records(
    original: RecordBatch,
    body: bytes | memoryview,
    count: int,
    *,
    attributes: int,
    base_timestamp_ms: int,
    max_timestamp_ms: int,
) -> bytearray:
    """The batch with others of its records: `body` is `count` of them, compressed."""
    return _sealed(
        HEADER.pack(
            original.base_offset,
            HEADER_BYTES - LOG_OVERHEAD_BYTES + len(body),
            original.leader_epoch,
            MAGIC,
            0,
            attributes,
            original.last_offset_delta,
            base_timestamp_ms,
            max_timestamp_ms,
            original.producer_id,
            original.producer_epoch,
            original.base_sequence,
            count,
        ),
        body,
    )


def recompressed(
    batch: RecordBatch, codec: Compression, level: int | None, body: memoryview | None = None
) -> bytearray:
    """The same records in another codec, or in the same at another level; CORRUPT_MESSAGE.

    body: what is in it, if somebody has opened it.
    """
    return with_records(
        batch,
        compress(codec, batch.opened() if body is None else body, level),
        batch.count,
        attributes=batch.attributes & ~CODEC_MASK | codec,
        base_timestamp_ms=batch.base_timestamp_ms,
        max_timestamp_ms=batch.max_timestamp_ms,
    )


def with_max_timestamp(batch: RecordBatch, max_timestamp_ms: int) -> bytearray:
    """The batch with another one in its header."""
    return with_records(
        batch,
        batch.view[HEADER_BYTES:],
        batch.count,
        attributes=batch.attributes,
        base_timestamp_ms=batch.base_timestamp_ms,
        max_timestamp_ms=max_timestamp_ms,
    )


def build_batch(
    records: Sequence[Record],
    *,
    base_offset: int = 0,
    leader_epoch: int = NO_LEADER_EPOCH,
    compression: Compression = Compression.NONE,
    producer_id: int = NO_PRODUCER_ID,
    producer_epoch: int = NO_PRODUCER_EPOCH,
    base_sequence: int = NO_SEQUENCE,
    is_transactional: bool = False,
    is_control: bool = False,
) -> bytearray:
    """A batch of at least one record, offsets counted up from `base_offset`; writable."""
    base_timestamp_ms = records[0].timestamp_ms
    body = compress(compression, encode_records(records, base_timestamp_ms))
    attributes = (
        compression | (TRANSACTIONAL if is_transactional else 0) | (CONTROL if is_control else 0)
    )
    return _sealed(
        HEADER.pack(
            base_offset,
            HEADER_BYTES - LOG_OVERHEAD_BYTES + len(body),
            leader_epoch,
            MAGIC,
            0,
            attributes,
            len(records) - 1,
            base_timestamp_ms,
            max(record.timestamp_ms for record in records),
            producer_id,
            producer_epoch,
            base_sequence,
            len(records),
        ),
        body,
    )


def _sealed(header: bytes, body: bytes | memoryview) -> bytearray:
    """A batch with its CRC in place."""
    batch = bytearray(header)
    batch += body
    _CRC.pack_into(batch, _CRC_AT, crc32c(memoryview(batch)[_CRC_START:]))
    return batch
