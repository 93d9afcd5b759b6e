"""A disk that forgets: over real files, it knows what was never synced and can lose it.

    disk = SimulatedDisk(random.Random(7))
    ... everything under test writes through `disk` ...
    disk.crash()      # the files are now as a power failure might have left them
    ... open them again ...
    disk.break_directory(path)   # from now on every call for something below it fails with EIO

For each file, what was written since its last sync survives up to a random point, and the write
there is torn: a part of it is there, or zeros in its place (a file system that had made the file
longer, but not yet written the data). Files are independent of each other. Names are durable at
once; what a rename points at is not.

With `forgets_names` they aren't: of the files that were made, renamed and removed in a directory
since it was last synced, the last ones were not (a journalling file system keeps their order).
"""

import errno
import itertools
import os
import random
from pathlib import Path

import attrs

from broker.log.disk import Data, RealDisk, StrPath
from broker.wire.regions import OpenFile


@attrs.frozen
class Write:
    position: int
    data: bytes


@attrs.frozen
class Truncate:
    size_bytes: int


@attrs.define
class Unsynced:
    """A file as of its last sync, and what happened to it since."""

    durable: bytearray
    changes: list[Write | Truncate] = attrs.field(factory=list)


@attrs.frozen
class Renaming:
    """`path` was called `before` (None: it has just been made), and perhaps took another's name."""

    before: Path | None
    path: Path
    replaced: Path | None = None  # where that one is kept

    def within(self, directory: Path) -> "Renaming":
        """The same, in a directory that has another name now."""
        before = self.before and directory / self.before.name
        is_kept = self.before is not None and self.path.parent != self.before.parent
        path = self.path if is_kept else directory / self.path.name
        return attrs.evolve(self, before=before, path=path)

    def undo(self) -> None:
        if self.before is None:
            self.path.unlink()
        else:
            self.path.rename(self.before)
        if self.replaced is not None:
            self.replaced.rename(self.path)


class SimulatedDisk:
    """A `Disk`. Small files only: it keeps copies.

    forgets_names: where the removed files are kept, on the same file system.
    """

    def __init__(self, randomness: random.Random, forgets_names: Path | None = None) -> None:
        self._real = RealDisk()
        self._randomness = randomness
        self._removed = forgets_names
        self._numbers = itertools.count()
        self._renamings: dict[Path, list[Renaming]] = {}  # by directory, since its last sync
        self._files: dict[int, Unsynced] = {}  # by inode, for names change
        self._directories: set[Path] = set()
        self._broken: list[Path] = []

    def break_directory(self, path: Path) -> None:
        self._broken.append(path)

    def mend(self) -> None:
        """As when the machine got new disks: what was on the broken ones is as it was."""
        self._broken.clear()

    def _check(self, path: StrPath) -> None:
        if any(Path(path).is_relative_to(broken) for broken in self._broken):
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))

    def _check_open(self, file: OpenFile) -> None:
        if self._broken:
            self._check(str(Path(f"/proc/self/fd/{file.fd}").readlink()))

    def open(self, path: StrPath, *, create: bool = False) -> OpenFile:
        self._check(path)
        existed = Path(path).exists()
        file = self._real.open(path, create=create)
        self._directories.add(Path(path).parent)
        if not existed:
            self._note(None, Path(path))
        inode = os.fstat(file.fd).st_ino
        if inode not in self._files or not existed:
            self._files[inode] = Unsynced(bytearray(Path(path).read_bytes()))
        return file

    def write_at(self, file: OpenFile, data: Data, position: int) -> None:
        self._check_open(file)
        self._real.write_at(file, data, position)
        self._state(file).changes.append(Write(position, bytes(data)))

    def truncate(self, file: OpenFile, size_bytes: int) -> None:
        self._check_open(file)
        self._real.truncate(file, size_bytes)
        self._state(file).changes.append(Truncate(size_bytes))

    def sync(self, file: OpenFile) -> None:
        self._check_open(file)
        state = self._state(file)
        for change in state.changes:
            _apply(state.durable, change)
        state.changes.clear()

    def sync_directory(self, path: StrPath) -> None:
        self._check(path)
        self._renamings.pop(Path(path), None)

    def rename(self, source: StrPath, target: StrPath) -> None:
        self._check(source)
        replaced = self._kept(Path(target))
        self._real.rename(source, target)
        if Path(source) in self._renamings:  # a directory, with what was not synced in it
            self._renamings[Path(target)] = [
                renaming.within(Path(target)) for renaming in self._renamings.pop(Path(source))
            ]
        self._directories.add(Path(target) if Path(target).is_dir() else Path(target).parent)
        self._note(Path(source), Path(target), replaced)

    def unlink(self, path: StrPath) -> None:
        self._check(path)
        removed = self._kept(Path(path))
        self._real.unlink(path)
        if removed is not None:
            self._note(Path(path), removed)

    def _kept(self, path: Path) -> Path | None:
        """Another name for a file whose own one goes."""
        if self._removed is None or not path.is_file():
            return None
        kept = self._removed / f"{next(self._numbers)}-{path.name}"
        kept.hardlink_to(path)
        return kept

    def _note(self, before: Path | None, path: Path, replaced: Path | None = None) -> None:
        if self._removed is not None:
            directory = (before or path).parent
            self._renamings.setdefault(directory, []).append(Renaming(before, path, replaced))

    def crash(self, *, everything: bool = False) -> None:
        """Lose some (or all) of what was not synced, in the real files; the disk starts anew."""
        deepest_first = sorted(self._renamings, key=lambda path: len(path.parts), reverse=True)
        for directory in deepest_first:
            renamings = self._renamings[directory]
            if not directory.is_dir():
                continue  # removed with all that was in it
            durable = 0 if everything else self._randomness.randint(0, len(renamings))
            for renaming in reversed(renamings[durable:]):
                renaming.undo()
        self._renamings.clear()
        for directory in self._directories:
            if not directory.is_dir():
                continue
            for path in directory.iterdir():
                state = self._files.get(path.stat().st_ino)
                if state is not None and path.is_file():
                    path.write_bytes(state.durable if everything else self._survivor(state))
        self._files.clear()

    def _survivor(self, state: Unsynced) -> bytes:
        content = bytearray(state.durable)
        survivors = self._randomness.randint(0, len(state.changes))
        for change in state.changes[:survivors]:
            _apply(content, change)
        if survivors < len(state.changes):
            torn = state.changes[survivors]
            if isinstance(torn, Write) and torn.data:
                size_bytes = self._randomness.randrange(len(torn.data))
                data = torn.data[:size_bytes]
                if self._randomness.random() < 0.3:
                    data += bytes(len(torn.data) - size_bytes)
                _apply(content, Write(torn.position, data))
        return bytes(content)

    def _state(self, file: OpenFile) -> Unsynced:
        return self._files[os.fstat(file.fd).st_ino]


def _apply(content: bytearray, change: Write | Truncate) -> None:
    if isinstance(change, Truncate):
        del content[change.size_bytes :]
        content.extend(bytes(change.size_bytes - len(content)))
    elif change.data:
        content.extend(bytes(max(0, change.position - len(content))))
        content[change.position : change.position + len(change.data)] = change.data
