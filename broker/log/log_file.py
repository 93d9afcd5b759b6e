"""Reading a segment's `.log` file: batches one after the other, nothing between them.

Three ways to walk over it, for three needs: `find_batch` reads little and builds nothing, for every
fetch; `batch_headers` reads 61 bytes a batch, for what the header tells; `whole_batches` reads
everything, for recovery. All take a range of the file and stop quietly at a batch that does not
lie in it whole; what is there but makes no sense is CORRUPT_MESSAGE.
"""

import os
import struct
from collections.abc import Iterator

import attrs

from broker.wire.record_batch import (
    HEADER_BYTES,
    LOG_OVERHEAD_BYTES,
    RecordBatch,
    batch_at,
    batch_size,
)
from broker.wire.regions import OpenFile

_SEARCH_CHUNK_BYTES = 8192  # an index interval (4 KiB) and the next header, in one read
_SCAN_CHUNK_BYTES = 1024 * 1024

_OFFSET_AND_LENGTH = struct.Struct(">qi")
_LAST_OFFSET_DELTA = struct.Struct(">i")
_LAST_OFFSET_DELTA_AT = 23


@attrs.frozen(slots=True)
class BatchPosition:
    """Where a batch lies in its file."""

    base_offset: int
    position: int
    size_bytes: int


def find_batch(file: OpenFile, position: int, end: int, offset: int) -> BatchPosition | None:
    """The first batch from `position` on that holds `offset` or, after compaction, a later one."""
    while end - position >= HEADER_BYTES:
        chunk = os.pread(file.fd, min(_SEARCH_CHUNK_BYTES, end - position), position)
        at = 0
        while at + HEADER_BYTES <= len(chunk):
            base_offset, length = _OFFSET_AND_LENGTH.unpack_from(chunk, at)
            delta = _LAST_OFFSET_DELTA.unpack_from(chunk, at + _LAST_OFFSET_DELTA_AT)[0]
            size_bytes = (
                batch_size(memoryview(chunk), at)
                if length < HEADER_BYTES
                else length + LOG_OVERHEAD_BYTES
            )
            if base_offset + delta >= offset:
                if size_bytes > end - position - at:
                    return None
                return BatchPosition(base_offset, position + at, size_bytes)
            at += size_bytes
        if at == 0:
            return None
        position += at
    return None


def batch_headers(file: OpenFile, position: int, end: int) -> Iterator[tuple[int, RecordBatch]]:
    """(position, batch) for each batch; a batch's `view` holds no more than its header."""
    while end - position >= HEADER_BYTES:
        chunk = memoryview(os.pread(file.fd, min(_SEARCH_CHUNK_BYTES, end - position), position))
        at = 0
        while at + HEADER_BYTES <= len(chunk):
            batch = batch_at(chunk, at, batch_size(chunk, at))
            if batch.size_bytes > end - position - at:
                return
            yield position + at, batch
            at += batch.size_bytes
        if at == 0:
            return
        position += at


def whole_batches(
    file: OpenFile, position: int, end: int, chunk_bytes: int = _SCAN_CHUNK_BYTES
) -> Iterator[tuple[int, RecordBatch]]:
    """(position, batch) for each batch, all its bytes in its `view`, CRC not checked.

    chunk_bytes: how much is read at a time, unless a batch is larger.
    """
    chunk_bytes = max(chunk_bytes, HEADER_BYTES)
    while end - position >= HEADER_BYTES:
        chunk = memoryview(os.pread(file.fd, min(chunk_bytes, end - position), position))
        size_bytes = batch_size(chunk, 0)
        if size_bytes > len(chunk):
            if size_bytes > end - position:
                return
            chunk = memoryview(os.pread(file.fd, size_bytes, position))
            if len(chunk) < size_bytes:
                return
        at = 0
        while len(chunk) - at >= HEADER_BYTES:
            size_bytes = batch_size(chunk, at)
            if size_bytes > len(chunk) - at:
                break
            yield position + at, batch_at(chunk, at, size_bytes)
            at += size_bytes
        position += at


def read_batch(file: OpenFile, position: int, size_bytes: int) -> RecordBatch:
    """One batch, whole."""
    view = memoryview(os.pread(file.fd, size_bytes, position))
    return batch_at(view, 0, batch_size(view, 0))
