"""What a crash or a deletion left in a log's directory: finished or undone, before it is loaded.

    *.deleted, *.tmp   go
    *.cleaned          go: compaction was still writing
    *.swap             take the place of what they were made from: compaction had ended

How compaction puts one segment in the place of three (`segment_files`), and which of them a start
takes that finds the directory so:

    0.log 5.log 8.log    0.log.cleaned ..                 the three; one .cleaned is enough
    0.log 5.log 8.log    0.log.swap 0.index.swap ..       the one
          5.log 8.log    0.log.swap 0.index.swap ..       the one; the others to .deleted, too
    0.log                           0.index.swap ..       the one

A start can be broken off and repeated, too. As long as `.log.swap` is there the old segments go
first, and it's renamed before its indexes, or the next one would take those for the old ones'. And
a `.cleaned` goes after the `.swap` that it undoes, or the next one would take that for whole.

Source: Kafka's `LogLoader.removeTempFilesAndCollectSwapFiles`, KAFKA-6264.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from broker.log.disk import Disk
from broker.log.file_names import (
    CLEANED,
    DELETED,
    LOG,
    SWAP,
    TEMPORARY,
    offset_of,
    segment_file,
)
from broker.log.log_config import LogConfig
from broker.log.segment import SUFFIXES, Segment


def tidy(disk: Disk, directory: Path, config: LogConfig) -> list[str]:
    """Finish or undo what was interrupted; gives the names of the files that stay."""
    names = _names(directory)
    cleaned = [name for name in names if name.endswith(CLEANED)]
    swaps = [name for name in names if name.endswith(SWAP)]
    if not cleaned and not swaps and not any(n.endswith((DELETED, TEMPORARY)) for n in names):
        return names
    # A swap at or beyond a half-done .cleaned belongs to the same interrupted operation.
    first_cleaned = min((offset_of(name) or 0 for name in cleaned), default=None)
    kept_swaps = {
        name for name in swaps if first_cleaned is None or (offset_of(name) or 0) < first_cleaned
    }
    _swap_in(disk, directory, config, names, kept_swaps)
    undone = [name for name in swaps if name not in kept_swaps]
    for name in undone:
        disk.unlink(directory / name)
    if undone:
        disk.sync_directory(directory)
    for name in names:
        if name.endswith((DELETED, CLEANED, TEMPORARY)):
            disk.unlink(directory / name)
    return _names(directory)


def _names(directory: Path) -> list[str]:
    return [entry.name for entry in os.scandir(directory) if entry.is_file()]


def _swap_in(
    disk: Disk, directory: Path, config: LogConfig, names: Iterable[str], swaps: set[str]
) -> None:
    """Put compacted segments in the place of the ones they were made from."""
    new = {
        offset: _swapped_segment(disk, directory, config, offset).next_offset()
        for name in swaps
        if name.removesuffix(SWAP).endswith(LOG) and (offset := offset_of(name)) is not None
    }
    replaced = [range(base, max(end, base + 1)) for base, end in new.items()]  # also by nothing
    for name in names:
        if name.endswith(SUFFIXES) and any(offset_of(name) in each for each in replaced):
            disk.unlink(directory / name)
    for offset in sorted({offset_of(name) or 0 for name in swaps}):
        for suffix in SUFFIXES:  # the .log first: what is then called .swap belongs to it
            name = segment_file(offset, suffix)
            if name + SWAP in swaps:
                disk.rename(directory / (name + SWAP), directory / name)


def _swapped_segment(disk: Disk, directory: Path, config: LogConfig, offset: int) -> Segment:
    segment = Segment(disk, directory, offset, config, created_ms=0)
    segment.go_by_suffix(SWAP)
    segment.size_bytes = Path(segment.path).stat().st_size
    return segment
