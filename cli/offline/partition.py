"""A partition's directory: its segments one behind the other, and what else is said of them.

    segments          each as `segment` says; offsets rise from one to the next
    leader epochs     each batch lies where the checkpoint says that its epoch was
    snapshots         readable, and of producers that wrote before
    partition.metadata readable

Compaction and a killed broker leave files that count for nothing (.deleted, .cleaned, .swap): the
next start removes them or takes them over, and here they are not looked at.
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import attrs

from broker.log.file_names import (
    LEADER_EPOCH_CHECKPOINT,
    LOG,
    OFFSET_INDEX,
    PARTITION_METADATA,
    SNAPSHOT,
    TIME_INDEX,
    TRANSACTION_INDEX,
    offset_of,
)
from broker.log.leader_epochs import EpochRun
from cli.offline.batch_pieces import Piece, Wish
from cli.offline.dumping import dump
from cli.offline.findings import Findings
from cli.offline.read_only import Damage
from cli.offline.segment import check_segment


@attrs.frozen
class PartitionFacts:
    """What a partition's directory has."""

    directory: Path
    segment_count: int
    batch_count: int
    size_bytes: int
    start_offset: int
    end_offset: int


def is_partition(directory: Path) -> bool:
    """Whether it has segments."""
    return any(offset_of(each.name) is not None for each in directory.glob(f"*{LOG}"))


def log_bytes(directory: Path) -> int:
    """How much `check_partition` will read."""
    return sum(each.stat().st_size for each in directory.glob(f"*{LOG}"))


def check_partition(directory: Path, findings: Findings) -> PartitionFacts:
    """Check all that lies in the directory. OSError."""
    names = {each.name for each in directory.iterdir()}
    offsets = sorted(
        offset
        for name in names
        if name.endswith(LOG) and (offset := offset_of(name)) is not None
    )  # fmt: skip
    end_offset, batch_count, size_bytes = 0, 0, 0
    epochs: list[EpochRun] = []
    for offset in offsets:
        log = directory / f"{offset:020d}{LOG}"
        if offset < end_offset:
            findings.add(log, None, f"begins at {offset}, the one before ends at {end_offset}")
        facts = check_segment(log, offset, findings)
        end_offset = max(end_offset, facts.end_offset)
        batch_count += facts.batch_count
        size_bytes += facts.size_bytes
        epochs += facts.epochs
    _check_orphans(directory, names, findings)
    _check_epochs(directory / LEADER_EPOCH_CHECKPOINT, epochs, findings)
    _check_snapshots(directory, names, end_offset, findings)
    if PARTITION_METADATA in names:
        _pieces(directory / PARTITION_METADATA, findings)
    return PartitionFacts(
        directory, len(offsets), batch_count, size_bytes, min(offsets, default=0), end_offset
    )


def _pieces(path: Path, findings: Findings) -> list[Piece]:
    """What stands in a file, what is wrong in it told."""
    found: list[Piece] = []
    for each in dump(path, Wish()):
        if isinstance(each, Damage):
            findings.add_all(each)
        else:
            found.append(each)
    return found


def _number(piece: Piece, name: str) -> int:
    number = piece.facts[name]
    assert isinstance(number, int), name
    return number


def _check_orphans(directory: Path, names: set[str], findings: Findings) -> None:
    for name in sorted(names):
        if name.endswith((OFFSET_INDEX, TIME_INDEX, TRANSACTION_INDEX)):
            log = name.rpartition(".")[0] + LOG
            if log not in names:
                findings.add(directory / name, None, f"without its {log}")


def _check_epochs(path: Path, runs: Sequence[EpochRun], findings: Findings) -> None:
    """What the checkpoint says is held against the batches from its first entry on.

    What lies before was deleted from the log's start, though its segment is still there.
    """
    pieces = _pieces(path, findings)
    epochs = [_number(each, "leader_epoch") for each in pieces]
    starts = [_number(each, "offset") for each in pieces]
    for before, each in pairwise(pieces):
        if any(_number(each, name) <= _number(before, name) for name in ("leader_epoch", "offset")):
            findings.add(path, each.position, f"{each.text} behind {before.text}: must ascend")
            return
    if not pieces:
        if runs:
            findings.add(path, None, f"knows no epoch; the log has epoch {runs[-1].epoch}")
        return
    for run in runs:
        if run.last_offset < starts[0]:
            continue
        for offset in (max(run.first_offset, starts[0]), run.last_offset):
            said = epochs[bisect_right(starts, offset) - 1]
            if said != run.epoch:
                problem = f"offset {offset} is said to be of epoch {said}, its batch of {run.epoch}"
                findings.add(path, None, problem)
                break


def _check_snapshots(directory: Path, names: set[str], end_offset: int, findings: Findings) -> None:
    for name in sorted(names):
        if not name.endswith(SNAPSHOT):
            continue
        path, offset = directory / name, offset_of(name)
        if offset is None:
            continue
        if offset > end_offset:
            findings.add(path, None, f"is of offset {offset}, but the log ends at {end_offset}")
        for each in _pieces(path, findings):
            if "last_offset" in each.facts and _number(each, "last_offset") >= offset:
                last = each.facts["last_offset"]
                findings.add(path, each.position, f"offset {last} of a producer is not before it")
