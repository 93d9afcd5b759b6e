"""An entry of log.dirs: each partition in it, and what its checkpoints say of them.

No checkpoint says more of a log than there is: recovery points, log starts, high watermarks and
what compaction has done are at most at the log's end. One that says less is no damage.
"""

import fcntl
from pathlib import Path

from broker.log.file_names import (
    CLEAN_SHUTDOWN,
    LOCK,
    NotAPartitionDirectory,
    is_deleted_partition,
    is_future,
    is_ignored,
    partition_of,
)
from broker.meta_properties import (
    FILE_NAME,
    MetaPropertiesError,
    UnreadableMetaProperties,
    load_meta_properties,
)
from cli.offline.batch_pieces import Wish
from cli.offline.dumping import OFFSET_CHECKPOINTS, dump
from cli.offline.findings import Findings
from cli.offline.partition import PartitionFacts, check_partition
from cli.offline.read_only import Damage
from coordination.values import TopicPartition


def partitions_of(directory: Path, findings: Findings) -> list[Path]:
    """The directories of its partitions, but for those that are deleted or set aside."""
    found = []
    for each in sorted(directory.iterdir()):
        if not each.is_dir() or is_deleted_partition(each.name) or is_ignored(each.name):
            continue
        try:
            partition_of(each.name)
        except NotAPartitionDirectory:
            findings.add(each, None, "is no partition's: no broker starts with it")
        else:
            found.append(each)
    return found


def check_log_directory(
    directory: Path, partitions: list[Path], findings: Findings
) -> list[PartitionFacts]:
    """Check its partitions and what lies beside them. OSError."""
    checked = [check_partition(each, findings) for each in partitions]
    ends = {
        partition_of(each.directory.name): each.end_offset
        for each in checked
        if not is_future(each.directory.name)
    }
    for name in OFFSET_CHECKPOINTS:
        _check_offsets(directory / name, ends, findings)
    try:
        load_meta_properties(directory)
    except (MetaPropertiesError, UnreadableMetaProperties) as error:
        findings.add(directory / FILE_NAME, None, str(error))
    return checked


def _check_offsets(path: Path, ends: dict[TopicPartition, int], findings: Findings) -> None:
    for each in dump(path, Wish()):
        if isinstance(each, Damage):
            findings.add_all(each)
            continue
        topic, number, offset = (each.facts[name] for name in ("topic", "partition", "offset"))
        assert isinstance(number, int)
        assert isinstance(offset, int)
        partition = TopicPartition(str(topic), number)
        if offset > ends.get(partition, offset):
            problem = f"{partition}: {offset}, but its log ends at {ends[partition]}"
            findings.add(path, each.position, problem)


def remarks_on(directory: Path) -> list[str]:
    """What lets a sound directory look damaged, or the other way round."""
    remarks = []
    if _is_locked(directory / LOCK):
        remarks.append("a broker is using it: what it writes meanwhile may look damaged")
    elif not (directory / CLEAN_SHUTDOWN).exists():
        remarks.append("its broker did not end cleanly: the next start mends what is torn")
    return [f"{directory}: {each}" for each in remarks]


def _is_locked(path: Path) -> bool:
    """Whether a broker has the directory: Kafka's and ours take the same lock."""
    try:
        with path.open("rb") as file:
            fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
