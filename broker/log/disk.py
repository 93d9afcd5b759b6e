"""What the log asks of the file system, so that a test can stand between the two.

Everything that changes a file goes through a `Disk`; reading does not (a test has no reason to
falsify it). Writes are `pwrite` without any buffer of our own: an acknowledged record must survive
`kill -9`, so it must be in the page cache when `append` returns. It survives a power failure only
after a `sync`, which Kafka does in the background too: what protects an acknowledged record there
is replication, and recovery cuts off what is torn.

`RealDisk` is the file system. `tests/support/simulated_disk.py` is another one that remembers
what was never synced, to lose it at `crash()`.
"""

import os
from pathlib import Path
from typing import Protocol

from broker.wire.regions import OpenFile

Data = bytes | bytearray | memoryview
StrPath = str | os.PathLike[str]


class Disk(Protocol):
    """Errors are the `OSError`s of the calls below."""

    def open(self, path: StrPath, *, create: bool = False) -> OpenFile:
        """Open for reading and writing; with `create`, make it if it is missing."""

    def write_at(self, file: OpenFile, data: Data, position: int) -> None:
        """All of `data`, or an error; after an error any part of it may be there."""

    def truncate(self, file: OpenFile, size_bytes: int) -> None: ...

    def sync(self, file: OpenFile) -> None:
        """Return when the file's bytes and length survive a power failure."""

    def sync_directory(self, path: StrPath) -> None:
        """The same for a directory's names; nothing if it is gone (a topic being deleted)."""

    def rename(self, source: StrPath, target: StrPath) -> None: ...

    def unlink(self, path: StrPath) -> None:
        """Remove the file; nothing if it is not there."""


class RealDisk:
    def open(self, path: StrPath, *, create: bool = False) -> OpenFile:
        flags = os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if create else 0)
        return OpenFile(os.open(path, flags, 0o644))

    def write_at(self, file: OpenFile, data: Data, position: int) -> None:
        written = os.pwrite(file.fd, data, position)
        if written < len(data):
            self.write_at(file, memoryview(data)[written:], position + written)

    def truncate(self, file: OpenFile, size_bytes: int) -> None:
        os.ftruncate(file.fd, size_bytes)

    def sync(self, file: OpenFile) -> None:
        os.fsync(file.fd)

    def sync_directory(self, path: StrPath) -> None:
        try:
            fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            return
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def rename(self, source: StrPath, target: StrPath) -> None:
        os.rename(source, target)  # noqa: PTH104  (hot enough to spare the Path)

    def unlink(self, path: StrPath) -> None:
        Path(path).unlink(missing_ok=True)


def replace_file(disk: Disk, path: Path, content: bytes, *, sync: bool) -> None:
    """Put `content` at `path` so that a reader, now or after a crash, finds the old or the new.

    Without `sync` a power failure may leave an empty file under the new name: only for files
    that can be rebuilt, or whose sync is part of a later flush.
    """
    temporary = path.with_name(path.name + ".tmp")
    disk.unlink(temporary)
    file = disk.open(temporary, create=True)
    disk.write_at(file, content, 0)
    if sync:
        disk.sync(file)
    disk.rename(temporary, path)
    if sync:
        disk.sync_directory(path.parent)
