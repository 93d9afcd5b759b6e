"""The small text files that carry a few numbers over a restart.

    0                    the format's version
    2                    how many entries follow
    orders 0 1234        one a line: topic, partition, offset       (offset checkpoints)
    orders 1 99                      leader epoch, start offset     (leader-epoch-checkpoint)

Of offsets there are four in a log directory: recovery points, log starts, high watermarks, and up
to where logs were compacted (`file_names`). A checkpoint is replaced as a whole (write aside, sync,
rename), so it is never half new. One that cannot be read raises `MalformedCheckpoint`, and each
caller knows what it can do without: also one that is empty, which is nothing to be warned of.

Source: Kafka's `CheckpointFile`, `OffsetCheckpointFile`, `LeaderEpochCheckpointFile`.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import attrs

from broker.failure import BrokerFailure
from broker.log.disk import Disk, replace_file
from coordination.values import TopicPartition

_VERSION = "0"


class MalformedCheckpoint(BrokerFailure):  # named for what was found
    """Names the file and what is wrong with it."""


class EmptyCheckpoint(MalformedCheckpoint):
    """Kafka makes such files at its first start, and a power failure does of a full one."""


@attrs.frozen
class OffsetCheckpoint:
    """One offset a partition, for one log directory: any of the `*-offset-checkpoint`s.

    Reading a missing file gives no entries. Both calls block: from the trio loop, use a thread.
    """

    disk: Disk
    path: Path

    def read(self) -> dict[TopicPartition, int]:
        offsets = {}
        for line in read_entries(self.path):
            try:
                topic, partition, offset = line.split(" ")
                offsets[TopicPartition(topic, int(partition))] = int(offset)
            except ValueError as error:
                raise MalformedCheckpoint(f"{self.path}: malformed line {line!r}") from error
        return offsets

    def write(self, offsets: Mapping[TopicPartition, int]) -> None:
        lines = (f"{tp.topic} {tp.partition} {offset}" for tp, offset in offsets.items())
        replace_file(self.disk, self.path, encode_entries(lines), sync=True)


def encode_entries(lines: Iterable[str]) -> bytes:
    entries = list(lines)
    return "".join(f"{line}\n" for line in (_VERSION, str(len(entries)), *entries)).encode()


def read_entries(path: Path) -> list[str]:
    """The entry lines of a checkpoint file; none if there is no such file."""
    try:
        content = path.read_bytes().decode()
    except FileNotFoundError:
        return []
    except UnicodeDecodeError as error:
        raise MalformedCheckpoint(f"{path}: not a text file") from error
    if not content:
        raise EmptyCheckpoint(f"{path}: empty")
    lines = content.splitlines()
    if not content.endswith("\n"):
        raise MalformedCheckpoint(f"{path}: the last line is cut short")
    if len(lines) < 2 or lines[0] != _VERSION or not lines[1].isdecimal():
        raise MalformedCheckpoint(f"{path}: does not begin with version {_VERSION} and a count")
    entries = lines[2:]
    if len(entries) != int(lines[1]):
        raise MalformedCheckpoint(f"{path}: {len(entries)} entries where {lines[1]} are announced")
    return entries
