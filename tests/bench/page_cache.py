"""Which pages of a file are in memory, and how to have them leave it, as the owner of the file.

The kernel lets go of clean pages only, so what is not yet on the disk is brought there first. That
it has let go is not promised (posix_fadvise gives advice), so it is looked at: mincore(2).
"""

import ctypes
import mmap
import os
from collections.abc import Collection
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)


class StillCached(RuntimeError):
    """The kernel did not let go of the pages."""


def drop(files: Collection[Path], at_most: float = 0.01) -> None:
    """Out of memory with them; StillCached if more than that part of them stays."""
    for file in files:
        descriptor = os.open(file, os.O_RDONLY)
        try:
            os.fsync(descriptor)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)
    stayed = resident_part(files)
    if stayed > at_most:
        raise StillCached(
            f"{stayed:.0%} of the files are still in memory; is {os.path.commonpath(files)} on a "
            "file system in memory (tmpfs)? Name one on a disk in TMPDIR"
        )


def resident_part(files: Collection[Path]) -> float:
    """The part of the files' pages that is in memory; 0.0 for no pages."""
    pages = resident = 0
    for file in files:
        of_file = _resident(file)
        pages += len(of_file)
        resident += sum(page & 1 for page in of_file)
    return resident / pages if pages else 0.0


def _resident(file: Path) -> bytes:
    """A byte a page, whose lowest bit says whether it is in memory."""
    size = file.stat().st_size
    if size == 0:
        return b""
    with file.open("rb") as opened:
        # Private and writable only because ctypes takes no address of what is read-only.
        protection = mmap.PROT_READ | mmap.PROT_WRITE
        mapped = mmap.mmap(opened.fileno(), size, flags=mmap.MAP_PRIVATE, prot=protection)
    answer = (ctypes.c_ubyte * -(-size // mmap.PAGESIZE))()
    first_byte = ctypes.c_char.from_buffer(mapped)
    try:
        address = ctypes.c_void_p(ctypes.addressof(first_byte))
        if _libc.mincore(address, ctypes.c_size_t(size), answer) != 0:
            raise OSError(ctypes.get_errno(), "mincore", str(file))
    finally:
        del first_byte  # or the mapping could not be closed
        mapped.close()
    return bytes(answer)
