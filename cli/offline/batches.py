"""The batches of a `.log`, one after the other, each with whether its CRC is right.

    │ batch │ batch │ CRC wrong │ batch │ ?????????
                      named, and read on  here nobody knows where the next one begins: the end

Headers are read in small pieces. For the CRC a batch is read in pieces, too, so that a length that
is damaged, and says hundreds of megabytes, costs time and no memory.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import attrs
from crc32c import crc32c

from broker.log.log_file import batch_headers, read_batch
from broker.wire.errors import KafkaError
from broker.wire.record_batch import HEADER_BYTES, MAGIC, RecordBatch, batch_size, magic_of
from broker.wire.regions import OpenFile
from cli.offline.read_only import Damage

_CRC_START: Final = 21  # of a batch: from the attributes to the end
_CHUNK_BYTES: Final = 1024 * 1024
# No broker takes a larger request by itself (socket.request.max.bytes).
MOST_OPENED_BYTES: Final = 100 * 1024 * 1024


@attrs.frozen
class Walked:
    """A batch's header, where it lies, and what its bytes' CRC is."""

    position: int
    batch: RecordBatch
    computed_crc: int

    @property
    def is_valid(self) -> bool:
        return self.computed_crc == self.batch.crc

    @property
    def crc_problem(self) -> str:
        return (
            f"the CRC of the batch at offset {self.batch.base_offset} is {self.batch.crc}, "
            f"that of its bytes {self.computed_crc}"
        )


def walk(path: Path, file: OpenFile, size_bytes: int) -> Iterator[Walked | Damage]:
    """Each batch; at last, if there is something behind them that is none, a `Damage`."""
    end = 0
    try:
        for position, batch in batch_headers(file, 0, size_bytes):
            yield Walked(position, batch, _crc(file, position, batch))
            end = position + batch.size_bytes
    except KafkaError as error:
        yield Damage(path, end, error.message)
        return
    if end < size_bytes:
        beginning = memoryview(os.pread(file.fd, HEADER_BYTES, end))
        yield Damage(path, end, _problem_of_rest(beginning, size_bytes - end))


def _problem_of_rest(beginning: memoryview, rest_bytes: int) -> str:
    """A message of format 0 or 1 may be smaller than a batch's header: it is no batch cut short."""
    magic = magic_of(beginning)
    with suppress(KafkaError):
        if 0 <= magic < MAGIC and batch_size(beginning, 0) <= rest_bytes:
            return f"Message format {magic} is not supported, only format {MAGIC} is"
    return f"{rest_bytes} bytes at the end that are no whole batch"


def whole(file: OpenFile, walked: Walked) -> RecordBatch:
    """The batch with its records, to be opened; CORRUPT_MESSAGE if nobody can have sent it."""
    return read_batch(file, walked.position, walked.batch.size_bytes)


def _crc(file: OpenFile, position: int, batch: RecordBatch) -> int:
    if len(batch.view) == batch.size_bytes:
        return crc32c(batch.view[_CRC_START:])
    crc, at, end = 0, position + _CRC_START, position + batch.size_bytes
    while at < end:
        chunk = os.pread(file.fd, min(_CHUNK_BYTES, end - at), at)
        if not chunk:  # cut off while we read
            break
        crc = crc32c(chunk, crc)
        at += len(chunk)
    return crc
