"""At most one `up` in a directory: the lock on it, who holds it, and what the holder runs.

The lock is a POSIX record lock on DIR/up.lock (see fcntl(2)). The kernel drops it when its holder
ends, however that happens, and tells the holder's pid to whoever asks: no pid file can be stale,
and no other process that was given an old pid can be taken for ours. (Such a lock also goes when
its process closes *any* descriptor of the file: nothing else opens up.lock for writing.)

DIR/up.json is for people and `status`: which processes the holder started. Without a holder it
means nothing.
"""

import fcntl
import json
import os
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import attrs

from cli.ensemble.child import Child
from cli.ensemble.layout import Directory, SetupError
from cli.ensemble.programs import as_typed

# struct flock of 64-bit Linux: type, whence, (4 bytes of padding), start, length, pid
_FLOCK = struct.Struct("@hhqqi4x")


class DirectoryInUse(SetupError):
    """Another `up` runs in the directory."""

    def __init__(self, directory: Directory, pid: int | None) -> None:
        super().__init__(
            f"{directory.root} is in use by another `zbroker-admin up` (pid {pid}): stop it with "
            f"`{as_typed('zbroker-admin')} down --dir {directory.root}`, or use another --dir"
        )


@contextmanager
def claimed(directory: Directory) -> Iterator[None]:
    """Hold the directory. Raises DirectoryInUse."""
    # Inheritable it must not be (Python's default): a lock belongs to this process alone.
    descriptor = os.open(directory.lock_file, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            raise DirectoryInUse(directory, holder(directory)) from None
        yield
    finally:
        os.close(descriptor)


def holder(directory: Directory) -> int | None:
    """The pid of the `up` that runs in the directory, or None. Raises SetupError."""
    try:
        descriptor = os.open(directory.lock_file, os.O_RDONLY)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SetupError(f"cannot look into {directory.root}: {error.strerror}") from None
    try:
        # "Who would keep me from a shared lock?" An exclusive one could not be asked about
        # through a descriptor for reading.
        question = _FLOCK.pack(fcntl.F_RDLCK, os.SEEK_SET, 0, 0, 0)
        kind, _, _, _, pid = _FLOCK.unpack(fcntl.fcntl(descriptor, fcntl.F_GETLK, question))
    finally:
        os.close(descriptor)
    return None if kind == fcntl.F_UNLCK else pid


@attrs.frozen
class ProcessRecord:
    """A process that `up` started, as `status` shows it."""

    name: str
    pid: int
    exit_code: int | None  # None: it was running when this was written


@attrs.frozen
class State:
    """What a running `up` says about itself."""

    started_ms: int  # since the epoch; all processes start together
    processes: tuple[ProcessRecord, ...]


def write_state(directory: Directory, started_ms: int, children: Sequence[Child]) -> None:
    """Note what runs."""
    processes = tuple(ProcessRecord(child.name, child.pid, child.exit_code) for child in children)
    document = {"v": 1, **attrs.asdict(State(started_ms, processes))}
    # Renamed into place, so that a reader sees the old or the new, whole.
    draft = directory.state_file.with_suffix(".draft")
    draft.write_text(json.dumps(document, indent=1) + "\n")
    draft.rename(directory.state_file)


def read_state(directory: Directory) -> State:
    """What the `up` that holds the directory wrote. FileNotFoundError if it has not yet."""
    document: dict[str, Any] = json.loads(directory.state_file.read_text())
    processes = tuple(ProcessRecord(**record) for record in document["processes"])
    return State(document["started_ms"], processes)
