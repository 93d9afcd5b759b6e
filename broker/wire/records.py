"""The records inside a batch: key, value and headers, delta-coded against the batch's header.

    +--------+------------+-----------+----------+------------+-----+--------------+-------+-----
    | length | attributes | timestamp | offset   | key length | key | value length | value | n
    | varint | i8, unused | Δ varlong | Δ varint | varint     |     | varint       |       | varint
    +--------+------------+-----------+----------+------------+-----+--------------+-------+-----
      then n headers:  | key length varint | key, UTF-8 | value length varint | value |

A varint is zigzag-coded (0, -1, 1, -2, ... as 0, 1, 2, 3, ...), seven bits a byte, low bits first;
a length of -1 is null. The deltas are against the batch's base offset and base timestamp.

Records come here only when something must look inside: the group and transaction coordinators
reading their own topics, compaction, a topic whose keys or timestamps must be checked. A length is
never believed beyond the bytes that are left.

Source: KIP-98, Kafka's `DefaultRecord` and `ByteUtils`.
"""

from collections.abc import Iterator, Sequence

import attrs

from broker.wire.errors import ErrorCode, KafkaError

Header = tuple[str, bytes | None]

# A header's key should be UTF-8, but nobody checks it, Kafka neither: other bytes come through.
HEADER_KEY_ERRORS = "surrogateescape"

# Its length, its attributes, two deltas, two lengths and a count, each of a byte.
SMALLEST_RECORD_BYTES = 7


@attrs.frozen(slots=True)
class Record:
    """One record. `offset` is set on what was read; a batch being built counts its own."""

    key: bytes | None = None
    value: bytes | None = None
    timestamp_ms: int = -1
    headers: tuple[Header, ...] = ()
    offset: int = -1


def encode_records(records: Sequence[Record], base_timestamp_ms: int) -> bytearray:
    """The records section of a batch, not compressed; offset deltas are 0, 1, 2, ..."""
    out = bytearray()
    body = bytearray()
    for offset_delta, record in enumerate(records):
        body.clear()
        body.append(0)  # attributes
        put_varint(body, as_long(record.timestamp_ms - base_timestamp_ms))
        put_varint(body, offset_delta)
        _put_nullable(body, record.key)
        _put_nullable(body, record.value)
        put_varint(body, len(record.headers))
        for key, value in record.headers:
            _put_nullable(body, key.encode(errors=HEADER_KEY_ERRORS))
            _put_nullable(body, value)
        put_varint(out, len(body))
        out += body
    return out


def decode_records(
    body: memoryview,
    count: int,
    base_offset: int,
    base_timestamp_ms: int,
    append_time_ms: int | None = None,
) -> Iterator[Record]:
    """Exactly `count` records filling `body`, one by one; INVALID_RECORD, maybe after the last.

    With `append_time_ms` (LogAppendTime) every record has that timestamp, whatever its delta says.
    """
    position = 0
    try:
        for _ in range(count):
            size, position = _get_varint(body, position)
            end = position + size
            if size < 0 or end > len(body):
                raise _invalid(f"record of {size} bytes with {len(body) - position} bytes left")
            record, position = _decode_record(
                body, position + 1, end, base_offset, base_timestamp_ms, append_time_ms
            )
            if position != end:
                raise _invalid(f"record ends at byte {position}, its length says {end}")
            yield record
    except IndexError as error:
        raise _invalid(f"record is malformed: {error}") from error
    if position != len(body):
        raise _invalid(f"{len(body) - position} bytes left after {count} records")


def largest_timestamp_delta(view: memoryview, count: int) -> int:
    """Of `count` records that fill `view`; INVALID_RECORD if they don't.

    Every batch of a producer is asked this, so no more is looked at than lengths and timestamps: a
    tenth of the work of `decode_records`. A batch of 100 kB can decompress to a hundred million
    "records": nothing is counted beyond what it says, or if it says more than there is room for.
    """
    end = len(view)
    if not 0 <= count * SMALLEST_RECORD_BYTES <= end:
        raise _not_filled(count, end)
    body = bytes(view)  # whose bytes are had sooner
    position, lengths, seen, largest = 0, 0, -1, -(2**63)
    try:
        for _ in range(count):
            # Varints of one byte or two, which most are, are read here: a call costs more.
            size = body[position]
            if size > 0x7F:
                at = position + 2
                size += (body[position + 1] << 7) - 0x80
                if size > 0x3FFF:
                    size, at = _get_varint(body, position)
                    size = size * 2 if size >= 0 else 1
            else:
                at = position + 1
            position = at + (size >> 1)
            lengths |= size
            delta = body[at + 1]
            if delta > 0x7F:
                delta += (body[at + 2] << 7) - 0x80
                if delta > 0x3FFF:
                    largest = max(largest, _get_varint(body, at + 1)[0])
                    continue
            if delta != seen:
                seen = delta
                delta = (delta >> 1) ^ -(delta & 1)
                if delta > largest:
                    largest = delta
    except IndexError:
        position = -1
    if position != end or lengths & 1:  # zigzag: a negative one is odd
        raise _not_filled(count, end)
    return largest


def counts_up(body: memoryview, count: int) -> bool:
    """Whether the offset deltas are 0, 1, 2, ...; of records that `largest_timestamp_delta` knows.

    Some producers have numbered them differently, and so may whoever means harm.
    """
    position = 0
    try:
        for expected in range(0, count << 1, 2):
            size, position = _get_varint(body, position)
            end = position + size
            position += 1  # attributes
            while body[position] > 0x7F:  # timestamp
                position += 1
            delta = body[position + 1]
            if delta > 0x7F:
                delta += (body[position + 2] << 7) - 0x80
                if delta > 0x3FFF:
                    delta = _get_varint(body, position + 1)[0] << 1
            if delta != expected:
                return False
            position = end
    except IndexError:
        return False
    return True


def _decode_record(
    body: memoryview,
    position: int,
    end: int,
    base_offset: int,
    base_timestamp_ms: int,
    append_time_ms: int | None,
) -> tuple[Record, int]:
    timestamp_delta, position = _get_varint(body, position)
    offset_delta, position = _get_varint(body, position)
    key, position = _get_nullable(body, position, end)
    value, position = _get_nullable(body, position, end)
    header_count, position = _get_varint(body, position)
    if not 0 <= header_count <= end - position:
        raise _invalid(f"{header_count} headers with {end - position} bytes left")
    headers = []
    for _ in range(header_count):
        header_key, position = _get_nullable(body, position, end)
        if header_key is None:
            raise _invalid("null header key")
        header_value, position = _get_nullable(body, position, end)
        headers.append((header_key.decode(errors=HEADER_KEY_ERRORS), header_value))
    timestamp_ms = base_timestamp_ms + timestamp_delta if append_time_ms is None else append_time_ms
    record = Record(key, value, timestamp_ms, tuple(headers), base_offset + offset_delta)
    return record, position


def as_long(sum_ms: int) -> int:
    """A sum as 64 bits have it: what is too large goes round to something negative, as in Java."""
    return (sum_ms + 2**63) % 2**64 - 2**63


def put_varint(out: bytearray, value: int) -> None:
    """Append `value` in zigzag, seven bits a byte."""
    zigzag = value << 1 if value >= 0 else (-value << 1) - 1
    while zigzag > 0x7F:
        out.append(zigzag & 0x7F | 0x80)
        zigzag >>= 7
    out.append(zigzag)


def _get_varint(body: memoryview | bytes, position: int) -> tuple[int, int]:
    byte = body[position]
    position += 1
    zigzag = byte & 0x7F
    shift = 7
    while byte & 0x80:
        if shift > 63:
            raise _invalid("varint longer than 10 bytes")
        byte = body[position]
        position += 1
        zigzag |= (byte & 0x7F) << shift
        shift += 7
    return (zigzag >> 1) ^ -(zigzag & 1), position


def _put_nullable(out: bytearray, value: bytes | None) -> None:
    if value is None:
        out.append(1)  # the varint -1
    else:
        put_varint(out, len(value))
        out += value


def _get_nullable(body: memoryview, position: int, end: int) -> tuple[bytes | None, int]:
    size, position = _get_varint(body, position)
    if size < 0:
        return None, position
    if size > end - position:
        raise _invalid(f"field of {size} bytes with {end - position} bytes left")
    return bytes(body[position : position + size]), position + size


def _not_filled(count: int, size_bytes: int) -> KafkaError:
    return _invalid(f"a batch says {count} records, which don't fill its {size_bytes} bytes")


def _invalid(why: str) -> KafkaError:
    return KafkaError(ErrorCode.INVALID_RECORD, why)
