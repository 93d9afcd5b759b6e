"""The records of a batch as compaction needs them: where each lies, its key, has it a value.

No `Record` is made: of a gigabyte of records most only have their key looked at, and the rest of
the time they are bytes that stay where they are. (The format's diagram is in
`broker.wire.records`.)"""

from collections.abc import Iterator

from broker.wire.errors import ErrorCode, KafkaError

_NULL = 1  # the varint -1


def keyed_records(body: bytes, count: int) -> Iterator[tuple[int, bytes | None, bool]]:
    """(offset delta, key, has a value) of each of exactly `count` records; else INVALID_RECORD."""
    position = 0
    try:
        for _ in range(count):
            # A varint of one byte or two, which most are, is read here: a call costs more.
            size = body[position]
            position += 1
            if size > 0x7F:
                size += (body[position] << 7) - 0x80
                position += 1
                if size > 0x3FFF:
                    size, position = _third_byte_on(body, position, size)
            end = position + (size >> 1)
            position += 1  # attributes
            while body[position] > 0x7F:  # timestamp
                position += 1
            delta = body[position + 1]
            position += 2
            if delta > 0x7F:
                delta += (body[position] << 7) - 0x80
                position += 1
                if delta > 0x3FFF:
                    delta, position = _third_byte_on(body, position, delta)
            key_size = body[position]
            position += 1
            if key_size > 0x7F:
                key_size += (body[position] << 7) - 0x80
                position += 1
                if key_size > 0x3FFF:
                    key_size, position = _third_byte_on(body, position, key_size)
            if key_size & 1:
                yield delta >> 1, None, body[position] != _NULL
            else:
                key_end = position + (key_size >> 1)
                if key_end >= end:
                    break
                yield delta >> 1, body[position:key_end], body[key_end] != _NULL
            position = end
    except IndexError:
        position = -1
    if position != len(body):
        raise malformed(count, body)


def kept_spans(body: bytes, count: int, fates: bytearray) -> Iterator[tuple[int, int, int, int]]:
    """(start, timestamp delta, where what follows it begins, end) of each record that stays.

    `start` is where its length begins; `fates` is by offset delta, not 0 for what stays.
    INVALID_RECORD if there are not `count` records.
    """
    position = 0
    try:
        for _ in range(count):
            start = position
            size = body[position]
            position += 1
            if size > 0x7F:
                size += (body[position] << 7) - 0x80
                position += 1
                if size > 0x3FFF:
                    size, position = _third_byte_on(body, position, size)
            end = position + (size >> 1)
            timestamp_at = position = position + 1
            while body[position] > 0x7F:
                position += 1
            position += 1
            delta = body[position]
            if delta > 0x7F:
                delta, _ = _varint(body, position)
            if fates[delta >> 1]:
                timestamp, _ = _varint(body, timestamp_at)
                yield start, (timestamp >> 1) ^ -(timestamp & 1), position, end
            position = end
    except IndexError:
        position = -1
    if position != len(body):
        raise malformed(count, body)


def malformed(count: int, body: bytes) -> KafkaError:
    return KafkaError(
        ErrorCode.INVALID_RECORD, f"{count} records don't fill the {len(body)} bytes of their batch"
    )


def _varint(body: bytes, position: int) -> tuple[int, int]:
    """As it is stored, still zigzag."""
    first = body[position]
    if first > 0x7F:
        return _rest_of_varint(body, position + 1, first - 0x80, 7)
    return first, position + 1


def _third_byte_on(body: bytes, position: int, value: int) -> tuple[int, int]:
    """`value` is that of two bytes, the second one's mark that more follow still in it."""
    return _rest_of_varint(body, position, value - 0x4000, 14)


def _rest_of_varint(body: bytes, position: int, value: int, shift: int) -> tuple[int, int]:
    while True:
        byte = body[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
