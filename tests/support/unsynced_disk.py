"""A disk for tests in which no power fails."""

from broker.log.disk import RealDisk, StrPath
from broker.wire.regions import OpenFile


class UnsyncedDisk(RealDisk):
    """A process that crashes loses nothing that it wrote: to sync would only cost time."""

    def sync(self, file: OpenFile) -> None:
        pass

    def sync_directory(self, path: StrPath) -> None:
        pass
