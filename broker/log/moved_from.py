"""`moved-from`: in a log that has taken the place of one in another log directory, where that lay.

A replica is moved by two renames in two directories: the copy `-future` gets the partition's name,
then the old log becomes `-delete`. Between the two the partition has two logs, and a broker that
is killed there finds both at its next start. Kafka can't tell which is the good one and refuses
to start; here the copy says that it was complete.

    /a/t-0/               the log               /b/t-0.<hex>-future/   the copy, caught up
                                                   moved-from             /a
    /a/t-0/               out of date           /b/t-0/
    /a/t-0.<hex>-delete/  to be removed         /b/t-0/                the log; without moved-from

What it says stays true: the log there is older than this one, unless this one is moved back, and
before that its mark is removed. Kafka's brokers don't look at the file.
"""

from pathlib import Path

from broker.log.disk import Disk, replace_file
from broker.log.file_names import MOVED_FROM


def mark_moved(disk: Disk, directory: Path, source: Path) -> None:
    """The copy in `directory` is about to replace the log that lies in log directory `source`."""
    replace_file(disk, directory / MOVED_FROM, f"{source.absolute()}\n".encode(), sync=True)


def unmark(disk: Disk, directory: Path) -> None:
    """There is one log again, or this one is about to be replaced itself."""
    disk.unlink(directory / MOVED_FROM)
    disk.sync_directory(directory)


def has_replaced(directory: Path, other: Path) -> bool:
    """Whether the log in `directory` was made to replace the partition's other log, in `other`."""
    try:
        said = (directory / MOVED_FROM).read_text().rstrip("\n")
    except FileNotFoundError:
        return False
    return said == str(other.parent.absolute())
