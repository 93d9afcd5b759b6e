"""Files of a broker, opened for reading only, and what is wrong in them."""

import os
from pathlib import Path
from typing import NoReturn

import attrs

from broker.log.disk import StrPath
from broker.wire.regions import OpenFile


@attrs.frozen
class Damage:
    """Something in a file that should not be; `position` is its byte, None for the whole file."""

    file: Path
    position: int | None
    problem: str

    def __str__(self) -> str:
        where = "" if self.position is None else f"byte {self.position}: "
        return f"{self.file}: {where}{self.problem}"


class ReadOnlyDisk:
    """A `broker.log.disk.Disk` that changes nothing: what reads a log's files takes one."""

    def open(self, path: StrPath, *, create: bool = False) -> OpenFile:
        if create:
            self._refuse()
        return OpenFile(os.open(path, os.O_RDONLY | os.O_CLOEXEC))

    def write_at(self, *_: object) -> None:
        self._refuse()

    def truncate(self, *_: object) -> None:
        self._refuse()

    def sync(self, *_: object) -> None:
        self._refuse()

    def sync_directory(self, *_: object) -> None:
        self._refuse()

    def rename(self, *_: object) -> None:
        self._refuse()

    def unlink(self, *_: object) -> None:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise AssertionError("a broker's files are only read here")


DISK = ReadOnlyDisk()


def open_file(path: Path) -> tuple[OpenFile, int]:
    """The file and its size in bytes; OSError."""
    file = DISK.open(path)
    return file, os.fstat(file.fd).st_size
