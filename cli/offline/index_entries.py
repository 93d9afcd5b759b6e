"""The entries of a segment's indexes as they lie there, each with its byte.

A Kafka that was killed leaves an index as long as it was mapped, zeros behind its last entry, and
nothing but zeros if it has none: an entry that is all zeros is the end. So is one of the segment's
first offset, unless it is the first one (as for kafka-dump-log).
"""

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from broker.log.file_names import OFFSET_INDEX, TIME_INDEX, TRANSACTION_INDEX
from broker.log.index_file import Entry, OffsetIndex, TimeIndex
from broker.log.transaction_index import TransactionIndex
from cli.offline.read_only import Damage, open_file

STRUCTS: Final[dict[str, struct.Struct]] = {
    OFFSET_INDEX: OffsetIndex.entry_struct,
    TIME_INDEX: TimeIndex.entry_struct,
    TRANSACTION_INDEX: TransactionIndex.entry_struct,
}
# Where an entry has its offset, counted from the segment's; zeros there end the file.
_OFFSET_PLACE: Final = {OFFSET_INDEX: 0, TIME_INDEX: 1}
_ENTRIES_AT_ONCE: Final = 8192


def entries(path: Path) -> Iterator[tuple[int, Entry] | Damage]:
    """(byte, entry) for each; a `Damage` for a rest that is less than one. OSError."""
    file, size_bytes = open_file(path)
    layout = STRUCTS[path.suffix]
    place = _OFFSET_PLACE.get(path.suffix)
    whole_bytes = size_bytes - size_bytes % layout.size
    for start in range(0, whole_bytes, _ENTRIES_AT_ONCE * layout.size):
        count_bytes = min(_ENTRIES_AT_ONCE * layout.size, whole_bytes - start)
        data = os.pread(file.fd, count_bytes, start)
        data = data[: len(data) - len(data) % layout.size]
        for number, entry in enumerate(layout.iter_unpack(data)):
            position = start + number * layout.size
            if place is not None and entry[place] == 0 and (position or not any(entry)):
                return
            yield position, entry
    if whole_bytes < size_bytes:
        rest = size_bytes - whole_bytes
        yield Damage(path, whole_bytes, f"{rest} bytes at the end that are no whole entry")
