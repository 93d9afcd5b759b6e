"""From message sets to record batches and back: for clients older than Kafka 0.11.

    Produce 0-2   message set ──► records_of ──► one record batch in the log
    Fetch 0-3     record batches ──► message_set_of ──► formats 0 (Fetch 0, 1) and 1 (2, 3)

Up nothing is lost; down the headers are, the producer and its transactions: who reads the old
formats reads what isn't committed, too, but no markers. What is compressed stays so, in wrappers of
the same codec, but for zstd, which the old formats don't have.

Of a batch that isn't compressed the records before the fetch offset are left out (some librdkafkas
rely on it); a wrapper is sent whole, and its reader skips them.

Source: Kafka's `LogValidator`, `RecordsUtil.downConvert`, `MemoryRecordsBuilder`.
"""

from collections.abc import Sequence

from broker.wire.compression import Compression, compress
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.lz4_of_format_0 import with_wrong_checksum
from broker.wire.message_set import LOG_APPEND_TIME, Message, messages_in, put_message
from broker.wire.record_batch import Buffer, RecordBatch, batches
from broker.wire.records import Record


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
    )


def message_set_of(data: Buffer, magic: int, first_offset: int, most_bytes: int) -> bytes:
    """The record batches of `data` in format 0 or 1, from `first_offset` on.

    The first batch that has an equivalent, and as many more as stay within `most_bytes`; nothing if
    none has. UNSUPPORTED_COMPRESSION_TYPE if zstd comes first.
    """
    out = bytearray()
    for batch in batches(data):
        if batch.is_control:
            continue
        if batch.codec == Compression.ZSTD:
            if out:
                break  # the next fetch begins with it, and is told
            raise KafkaError(
                ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, f"there is no zstd in format {magic}"
            )
        end = len(out)
        if batch.codec:
            _put_wrapper(out, batch, magic)
        else:
            _put_messages(out, batch, magic, first_offset)
        if end and len(out) > most_bytes:
            del out[end:]
            break
    return bytes(out)


def _put_messages(out: bytearray, batch: RecordBatch, magic: int, first_offset: int) -> None:
    attributes = LOG_APPEND_TIME if magic and batch.is_log_append_time else 0
    for record in batch.records():
        if record.offset >= first_offset:
            put_message(
                *(out, record.offset, magic, attributes),
                *(record.timestamp_ms, record.key, record.value),
            )


def _put_wrapper(out: bytearray, batch: RecordBatch, magic: int) -> None:
    attributes = LOG_APPEND_TIME if magic and batch.is_log_append_time else 0
    records = batch.records()
    if not records:
        return  # compaction left the header alone
    first_offset = records[0].offset if magic else 0
    inner = bytearray()
    for record in records:
        put_message(
            *(inner, record.offset - first_offset, magic, attributes),
            *(record.timestamp_ms, record.key, record.value),
        )
    codec = Compression(batch.codec)
    value = compress(codec, inner)
    if not magic and codec is Compression.LZ4:
        value = with_wrong_checksum(value)
    latest_ms = max(record.timestamp_ms for record in records)
    put_message(out, records[-1].offset, magic, attributes | codec, latest_ms, None, value)


def _invalid(why: str) -> KafkaError:
    return KafkaError(ErrorCode.INVALID_RECORD, why)
