"""The names of files and directories in a log directory, Kafka's to the letter.

    log.dirs entry/
      .lock                              held by the running broker
      .kafka_cleanshutdown               written last at a clean shutdown, removed first at start
      meta.properties                    broker and cluster id (not the log's business)
      recovery-point-offset-checkpoint   up to where each log is known to be on the disk
      log-start-offset-checkpoint        where DeleteRecords moved a log's start to
      cleaner-offset-checkpoint          up to where each log was compacted
      replication-offset-checkpoint      high watermarks (written by broker.replica)
      <topic>-<partition>/
        00000000000000000000.log         a segment, named by its first offset
        00000000000000000000.index       its offset index
        00000000000000000000.timeindex   its time index
        00000000000000000000.txnindex    its aborted transactions, if there are any
        00000000000000000000.snapshot    the producers' state at that offset
        leader-epoch-checkpoint          which leader epoch began at which offset
        partition.metadata               the topic id
        moved-from                       ours: the log directory whose log this one has replaced
        *.deleted                        to be unlinked after file.delete.delay.ms
        *.cleaned, *.swap                compaction's half-done and done but not yet renamed
      <topic>-<partition>.<32 hex>-delete/   a deleted partition, to be removed after the delay
      <topic>-<partition>.<32 hex>-stray/    one of another topic of that name, kept and not used
      <topic>-<partition>.<32 hex>-future/   a copy that will replace the one in another directory

A topic's name may hold dots and dashes, so the directory names are taken apart from the right.
Source: Kafka's `LogFileUtils`, `LocalLog.parseTopicPartitionName`, KAFKA-5232.
"""

import re
import uuid
from typing import Final

from coordination.values import TopicPartition

LOG: Final = ".log"
OFFSET_INDEX: Final = ".index"
TIME_INDEX: Final = ".timeindex"
TRANSACTION_INDEX: Final = ".txnindex"
SNAPSHOT: Final = ".snapshot"
DELETED: Final = ".deleted"
CLEANED: Final = ".cleaned"
SWAP: Final = ".swap"
TEMPORARY: Final = ".tmp"

LEADER_EPOCH_CHECKPOINT: Final = "leader-epoch-checkpoint"
PARTITION_METADATA: Final = "partition.metadata"
MOVED_FROM: Final = "moved-from"
RECOVERY_POINT_CHECKPOINT: Final = "recovery-point-offset-checkpoint"
LOG_START_OFFSET_CHECKPOINT: Final = "log-start-offset-checkpoint"
CLEANER_CHECKPOINT: Final = "cleaner-offset-checkpoint"
HIGH_WATERMARK_CHECKPOINT: Final = "replication-offset-checkpoint"
CLEAN_SHUTDOWN: Final = ".kafka_cleanshutdown"
LOCK: Final = ".lock"

DELETE_DIRECTORY: Final = "-delete"
STRAY_DIRECTORY: Final = "-stray"
FUTURE_DIRECTORY: Final = "-future"
_IGNORED_DIRECTORIES: Final = frozenset({"remote-log-index-cache", "lost+found"})
MAX_NAME_BYTES: Final = 255

_PARTITION = re.compile(r"(?P<topic>.+)-(?P<partition>\d+)(\.[0-9a-fA-F-]+-future)?")
_DELETED_PARTITION = re.compile(r".+-\d+\.[0-9a-fA-F-]+-delete")


class NotAPartitionDirectory(Exception):  # named for what was found
    """A directory among the logs that Kafka would refuse to start with, too."""


def segment_file(base_offset: int, suffix: str) -> str:
    return f"{base_offset:020d}{suffix}"


def offset_of(file_name: str) -> int | None:
    """The offset a segment's or snapshot's file is named by; None for other files."""
    digits = file_name.partition(".")[0]
    return int(digits) if digits.isdecimal() else None


def is_deleted_partition(directory_name: str) -> bool:
    return _DELETED_PARTITION.fullmatch(directory_name) is not None


def is_ignored(directory_name: str) -> bool:
    return directory_name in _IGNORED_DIRECTORIES or directory_name.endswith(STRAY_DIRECTORY)


def is_future(directory_name: str) -> bool:
    """Whether a copy is being made there, to replace the partition's log."""
    return directory_name.endswith(FUTURE_DIRECTORY)


def partition_of(directory_name: str) -> TopicPartition:
    """The partition whose log, or future log, lives in the directory of this name."""
    match = _PARTITION.fullmatch(directory_name)
    if match is None:
        raise NotAPartitionDirectory(
            f"{directory_name!r} is not of the form topic-partition; "
            "a log directory may hold nothing but partitions"
        )
    return TopicPartition(match["topic"], int(match["partition"]))


def deleted_directory(topic_partition: TopicPartition, unique: uuid.UUID) -> str:
    """The name that hides a deleted partition; the topic is cut if the name got too long."""
    return _hidden(topic_partition, unique, DELETE_DIRECTORY)


def stray_directory(topic_partition: TopicPartition, unique: uuid.UUID) -> str:
    """The name under which a partition is kept that is not this cluster's any more."""
    return _hidden(topic_partition, unique, STRAY_DIRECTORY)


def future_directory(topic_partition: TopicPartition, unique: uuid.UUID) -> str:
    """The name of a copy that is being made. It's never cut: who is to be moved is read from it."""
    return f"{topic_partition}.{unique.hex}{FUTURE_DIRECTORY}"


def _hidden(topic_partition: TopicPartition, unique: uuid.UUID, mark: str) -> str:
    suffix = f"-{topic_partition.partition}.{unique.hex}{mark}"
    return topic_partition.topic[: MAX_NAME_BYTES - len(suffix)] + suffix
