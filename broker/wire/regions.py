"""Bytes that stay where they are: a stretch of an open log file, to be sent by `sendfile`.

A fetch response does not carry records, it points at them: the log hands out regions of its segment
files, the codec sets them between the encoded fields as they are, and the connection sends each one
straight from the page cache (`os.sendfile`); a small one it reads, which takes less time.

A region keeps its file open.  The descriptor is closed when the last reference to its `OpenFile` is
gone, so the log may rename or unlink a segment while a slow consumer is still being sent a part of
it: no lock, no reference counting of our own.  The length is fixed when the region is made; a log
file shrinks below it only by truncation, and then the sender, who gets fewer bytes than announced,
must close the connection.
"""

import os

import attrs


class OpenFile:
    """One open descriptor, closed when nothing refers to it any more."""

    __slots__ = ("__weakref__", "fd")

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def fileno(self) -> int:
        return self.fd

    def __del__(self) -> None:
        os.close(self.fd)


@attrs.frozen(slots=True)
class FileRegion:
    """`size_bytes` bytes of `file` from `position` on; `len()` gives the same number."""

    file: OpenFile
    position: int
    size_bytes: int

    def __len__(self) -> int:
        return self.size_bytes

    def read(self) -> bytes:
        """The bytes themselves: for TLS, for tests and for whoever must look inside."""
        return os.pread(self.file.fd, self.size_bytes, self.position)


Chunk = bytes | bytearray | memoryview | FileRegion
"""One piece of an encoded message, in the order in which it goes out."""

Records = Chunk | list[Chunk]
"""What a records field may hold on the way out; on the way in it is a memoryview of the frame."""
