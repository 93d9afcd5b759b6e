"""What the owner of a log and the process that cleans it tell each other, a line of JSON each.

    owner  ── Job ───────────────────────────► cleaner
           ◄─ Replacement ── of some segments ─
           ── go on ─────────────────────────►           (as often as there are groups of segments)
           ◄─ Cleaned, or Failure ─────────────

The next group is begun when the last one is in place: at no time is there more than one set of new
files that don't count yet.
"""

import errno
import json
from collections.abc import Mapping
from typing import Final, Self

import attrs

GO_ON: Final = b"\n"


@attrs.frozen
class SegmentToRead:
    """A segment as the owner knows it; `end_offset` is where the next one begins."""

    base_offset: int
    end_offset: int
    size_bytes: int
    offset_index_bytes: int
    time_index_bytes: int


@attrs.frozen
class Job:
    """One round for one log. `segments` are all before the first uncleanable offset, in order.

    producers: of each known producer its epoch and its last record's offset, if it has one.
    aborted: of each aborted transaction with anything in `segments`: producer id, first offset, the
    marker's, and the last stable offset with it.
    """

    directory: str
    segments: tuple[SegmentToRead, ...]
    first_dirty_offset: int
    first_uncleanable_offset: int
    producers: tuple[tuple[int, int, int | None], ...]
    aborted: tuple[tuple[int, int, int, int], ...]
    now_ms: int
    delete_retention_ms: int
    segment_bytes: int
    segment_index_bytes: int
    index_interval_bytes: int
    # Of log.cleaner.*, each thread's part
    map_bytes: int
    load_factor: float
    buffer_bytes: int
    bytes_per_second: float

    @classmethod
    def decode(cls, line: bytes) -> Self:
        fields = json.loads(line)
        fields["segments"] = tuple(SegmentToRead(*segment) for segment in fields["segments"])
        fields["producers"] = tuple(tuple(producer) for producer in fields["producers"])
        fields["aborted"] = tuple(tuple(aborted) for aborted in fields["aborted"])
        return cls(**fields)


@attrs.frozen
class Replacement:
    """`.cleaned` files are on the disk that hold what stays of the segments at these offsets."""

    base_offsets: tuple[int, ...]
    size_bytes: int


@attrs.frozen
class Cleaned:
    """The log is clean up to `end_offset`."""

    end_offset: int
    keys: int


@attrs.frozen
class Failure:
    """A segment can't be read (`error_number` 0), or the file system failed."""

    error_number: int
    why: str

    @classmethod
    def of(cls, error: Exception) -> Self:
        return cls((error.errno or errno.EIO) if isinstance(error, OSError) else 0, str(error))


Answer = Replacement | Cleaned | Failure
_KINDS: Final[Mapping[str, type[Answer]]] = {
    kind.__name__: kind for kind in (Replacement, Cleaned, Failure)
}


def encode(message: Job | Answer) -> bytes:
    """One line."""
    fields = attrs.asdict(message, recurse=False)
    if not isinstance(message, Job):
        fields["kind"] = type(message).__name__
    return json.dumps(fields, separators=(",", ":"), default=attrs.astuple).encode() + b"\n"


def decode_answer(line: bytes | bytearray) -> Answer:
    fields = json.loads(line)
    kind = _KINDS[fields.pop("kind")]
    if kind is Replacement:
        fields["base_offsets"] = tuple(fields["base_offsets"])
    return kind(**fields)
