"""`moved-from`: in a copy that will take the place of a log, in which log directory that one lies.

A replica is moved by two renames in two directories: the copy `-future` gets the partition's name,
then the old log becomes `-delete`. Between the two the partition has two logs, and a broker that
is killed there finds both at its next start. Kafka can't tell which is the good one and refuses
to start; here the one with the mark says that it is.

    /a/t-0/               the log               /b/t-0.<hex>-future/   the copy; moved-from: /a
    /a/t-0/               out of date           /b/t-0/                the log; moved-from: /a
    /a/t-0.<hex>-delete/  to be removed         /b/t-0/                the log; then without a mark

The mark is made with the copy, and no log has one of which there is only one: a start removes what
a crash left, unless a directory is offline, in which the old log may lie. So it always says the
truth, also if the log is moved back by a broker that doesn't look at the file, as Kafka's.
"""

from pathlib import Path

from broker.log.disk import Disk, replace_file
from broker.log.file_names import MOVED_FROM


def mark_moved(disk: Disk, directory: Path, source: Path) -> None:
    """What is in `directory` will replace the log that lies in log directory `source`."""
    if moved_from(directory) != str(source.absolute()):
        replace_file(disk, directory / MOVED_FROM, f"{source.absolute()}\n".encode(), sync=True)


def unmark(disk: Disk, directory: Path) -> None:
    """There is one log only."""
    if (directory / MOVED_FROM).exists():
        disk.unlink(directory / MOVED_FROM)
        disk.sync_directory(directory)


def moved_from(directory: Path) -> str | None:
    """The absolute path of the log directory that the mark names."""
    try:
        return (directory / MOVED_FROM).read_text().rstrip("\n")
    except FileNotFoundError:
        return None


def has_replaced(directory: Path, other: Path) -> bool:
    """Whether the log in `directory` was made to replace the partition's other log, in `other`."""
    return moved_from(directory) == str(other.parent.absolute())
