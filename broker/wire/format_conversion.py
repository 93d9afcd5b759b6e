"""From message sets to record batches and back: for clients older than Kafka 0.11.

    Produce 0-2   message set ──► records_of ──► one record batch in the log
    Fetch 0-3     record batches ──► message_set_of ──► formats 0 (Fetch 0, 1) and 1 (2, 3)

Up nothing is lost; down the headers are, the producer and its transactions: who reads the old
formats reads what isn't committed, too, but no markers. What is compressed stays so, in wrappers of
the same codec at its default level, but for zstd, which the old formats don't have.

Of a batch that isn't compressed the records before the fetch offset are left out (some librdkafkas
rely on it), and those that would be too many: in the old formats each can be fetched. A wrapper is
sent whole, and its reader skips what it has.

A batch may come to many times its size: a record of 7 bytes is a message of 34, and what packed
well packs worse with a CRC in each. So records are taken one by one, and a batch whose wrapper
would have to hold more than `MOST_PACKED_BYTES` can't be had in the old formats.

Source: Kafka's `LogValidator`, `RecordsUtil.downConvert`, `MemoryRecordsBuilder`.
"""

from collections.abc import Sequence

from broker.wire.compression import Compression, compress
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.lz4_of_format_0 import with_wrong_checksum
from broker.wire.message_set import (
    LOG_APPEND_TIME,
    NO_TIMESTAMP,
    Message,
    messages_in,
    put_message,
)
from broker.wire.record_batch import Buffer, RecordBatch, batches
from broker.wire.records import Record

# That is held twice while a batch is converted. Producers' batches have a megabyte, compressed.
MOST_PACKED_BYTES = 32 << 20


def records_of(found: Sequence[Message]) -> tuple[list[Record], Compression]:
    """The records of a producer's message set in their order, and the codec that they came in.

    INVALID_RECORD for two formats in a set, or more than one message beside a wrapper; errors of
    `messages_in`.
    """
    first = found[0]
    if any(message.magic != first.magic for message in found):
        raise _invalid(f"Batch magic is not the same as the first batch's magic byte {first.magic}")
    wrapper = next((message for message in found if message.codec), None)
    if wrapper is None:
        return [_record(message, message.timestamp_ms) for message in found], Compression.NONE
    if len(found) > 1:
        raise _invalid("Compressed outer record has more than one batch")
    inner = list(messages_in(wrapper))
    if not inner:
        raise _invalid("Found invalid compressed record set with no inner records")
    # Some librdkafkas give every wrapper offset 0.
    if wrapper.magic and 0 != wrapper.offset < inner[-1].offset:
        raise _invalid(f"wrapper offset {wrapper.offset} is less than that of its last message")
    records = [
        _record(message, wrapper.timestamp_ms if wrapper.is_log_append_time else None)
        for message in inner
    ]
    return records, Compression(wrapper.codec)


def _record(message: Message, timestamp_ms: int | None) -> Record:
    return Record(
        message.key,
        message.value,
        message.timestamp_ms if timestamp_ms is None else timestamp_ms,
        offset=message.offset,
    )


def message_set_of(data: Buffer, magic: int, first_offset: int, most_bytes: int) -> bytes:
    """The record batches of `data` in format 0 or 1, from `first_offset` on.

    The first message or wrapper, and as many more as stay within `most_bytes`; nothing if no batch
    has an equivalent. UNSUPPORTED_COMPRESSION_TYPE if zstd comes first, UNKNOWN_SERVER_ERROR if a
    batch does that would be too large.
    """
    out = bytearray()
    for batch in batches(data):
        if batch.is_control:
            continue
        put = _put_wrapper if batch.codec else _put_messages
        try:
            is_whole = put(out, batch, magic, first_offset, most_bytes)
        except KafkaError:
            if not out:
                raise
            break  # the next fetch begins with it, and is told
        if not is_whole:
            break
    return bytes(out)


def _put_messages(
    out: bytearray, batch: RecordBatch, magic: int, first_offset: int, most_bytes: int
) -> bool:
    """Append those for which there is room, but one at least; whether it was for all."""
    attributes = LOG_APPEND_TIME if magic and batch.is_log_append_time else 0
    for record in batch.each_of(batch.opened()):
        if record.offset >= first_offset:
            end = len(out)
            _put_record(out, record, record.offset, magic, attributes)
            if end and len(out) > most_bytes:
                del out[end:]
                return False
    return True


def _put_wrapper(
    out: bytearray, batch: RecordBatch, magic: int, first_offset: int, most_bytes: int
) -> bool:
    """Append it, if compaction has left anything from `first_offset` on; as `_put_messages`."""
    if batch.codec == Compression.ZSTD:
        raise KafkaError(
            ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, f"there is no zstd in format {magic}"
        )
    attributes = LOG_APPEND_TIME if magic and batch.is_log_append_time else 0
    inner = bytearray()
    start, last_offset, latest_ms = 0, -1, NO_TIMESTAMP
    for record in batch.each_of(_opened(batch)):
        if magic and not inner:
            start = record.offset
        last_offset, latest_ms = record.offset, max(latest_ms, record.timestamp_ms)
        _put_record(inner, record, record.offset - start, magic, attributes)
        if len(inner) > MOST_PACKED_BYTES:
            raise _too_large(batch)
    if last_offset < first_offset:
        return True
    codec = Compression(batch.codec)
    value = compress(codec, inner)
    if not magic and codec is Compression.LZ4:
        value = with_wrong_checksum(value)
    end = len(out)
    put_message(out, last_offset, magic, attributes | codec, latest_ms, None, value)
    if end and len(out) > most_bytes:
        del out[end:]
        return False
    return True


def _opened(batch: RecordBatch) -> memoryview:
    try:
        return batch.opened(MOST_PACKED_BYTES)
    except KafkaError as error:
        raise _too_large(batch) from error


def _put_record(out: bytearray, record: Record, offset: int, magic: int, attributes: int) -> None:
    put_message(out, offset, magic, attributes, record.timestamp_ms, record.key, record.value)


def _too_large(batch: RecordBatch) -> KafkaError:
    return KafkaError(
        ErrorCode.UNKNOWN_SERVER_ERROR,
        f"the batch at offset {batch.base_offset} comes to more than {MOST_PACKED_BYTES} bytes",
    )


def _invalid(why: str) -> KafkaError:
    return KafkaError(ErrorCode.INVALID_RECORD, why)
