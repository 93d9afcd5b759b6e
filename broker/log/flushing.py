"""A sync that is due, as a value: begun and finished in the event loop, done in a thread."""

from pathlib import Path

import attrs

from broker.log.disk import Disk
from broker.wire.regions import OpenFile


@attrs.frozen
class Flush:
    """The files to sync so that a log is on the disk up to `end_offset`."""

    disk: Disk
    directory: Path
    files: tuple[OpenFile, ...]
    end_offset: int
    includes_active: bool
    truncations: int  # how many the log had seen: one more, and this sync means nothing

    def run(self) -> None:
        """Sync the files, then the directory that names them; blocks."""
        for file in self.files:
            self.disk.sync(file)
        self.disk.sync_directory(self.directory)
