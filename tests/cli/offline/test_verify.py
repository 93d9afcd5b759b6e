"""`log verify`: what is whole is sound; each way of damage is told with its file and byte."""

import json
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.offline.batches import Walked, walk
from cli.offline.findings import MOST_OF_A_FILE, Findings
from cli.offline.partition import check_partition
from cli.offline.read_only import open_file
from tests.cli.commands.canned import check_schema, invoke
from tests.cli.offline.written import patch, write_log_directory

FIRST = f"{0:020d}"


def second_batch(log: Path) -> int:
    file, size_bytes = open_file(log)
    return [each.position for each in walk(log, file, size_bytes) if isinstance(each, Walked)][1]


def found(partition: Path) -> list[tuple[str, int | None, str]]:
    findings = Findings()
    check_partition(partition, findings)
    return [(each.file.name, each.position, each.problem) for each in findings.damage()]


def test_what_a_broker_left_is_sound(tmp_path: Path) -> None:
    ends = write_log_directory(tmp_path)
    before = {each: each.stat().st_mtime_ns for each in tmp_path.rglob("*")}
    result = invoke("log", "verify", str(tmp_path), "-o", "json")
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    facts = json.loads(result.stdout)
    check_schema(["log", "verify"], facts)
    assert facts["damage"] == []
    assert [each["end_offset"] for each in facts["partitions"]] == list(ends.values())
    assert facts["partitions"][0]["segment_count"] > 2
    assert before == {each: each.stat().st_mtime_ns for each in tmp_path.rglob("*")}
    text = invoke("log", "verify", str(tmp_path)).stdout
    assert text.startswith("2 partitions, ")
    assert text.endswith(": sound\n")


def test_a_crc(partition: Path) -> None:
    log = partition / f"{FIRST}.log"
    position = second_batch(log)
    patch(log, position + 61, b"\xff\xff")
    ((name, at, problem),) = found(partition)
    assert (name, at) == (log.name, position)
    assert "CRC" in problem
    result = invoke("log", "verify", str(partition))
    assert result.exit_code == 4
    assert f"{log}: byte {position}: the CRC" in result.stdout
    assert result.stderr.splitlines()[-1] == "Error: 1 file is damaged"


def test_a_torn_end(partition: Path) -> None:
    log = max(partition.glob("*.log"))
    size_bytes = log.stat().st_size
    with log.open("ab") as stream:
        stream.write(b"\0" * 7)
    assert found(partition) == [
        (log.name, size_bytes, "7 bytes at the end that are no whole batch")
    ]


@pytest.mark.parametrize("magic", [0, 1])
def test_a_log_of_an_old_kafka(partition: Path, magic: int) -> None:
    """Its messages may be smaller than a batch's header: they aren't damaged, but not for us."""
    log = max(partition.glob("*.log"))
    size_bytes = log.stat().st_size
    message = bytes([magic, 0]) + b"\0" * 8 * magic + struct.pack(">i", -1) * 2
    with log.open("ab") as stream:
        stream.write(struct.pack(">qiI", 9_999, 4 + len(message), zlib.crc32(message)) + message)
    problem = f"Message format {magic} is not supported, only format 2 is"
    assert found(partition) == [(log.name, size_bytes, problem)]


def test_a_torn_end_of_zeros(partition: Path) -> None:
    log = max(partition.glob("*.log"))
    size_bytes = log.stat().st_size
    with log.open("ab") as stream:
        stream.write(bytes(50))
    assert found(partition) == [
        (log.name, size_bytes, "50 bytes at the end that are no whole batch")
    ]


def test_a_length_that_cannot_be(partition: Path) -> None:
    log = partition / f"{FIRST}.log"
    position = second_batch(log)
    patch(log, position + 8, struct.pack(">i", 3))
    ((name, at, problem),) = [each for each in found(partition) if each[0] == log.name]
    assert (name, at) == (log.name, position)
    assert "Record size 3" in problem


def test_an_offset_that_was_there_before(partition: Path) -> None:
    log = partition / f"{FIRST}.log"
    position = second_batch(log)
    patch(log, position, struct.pack(">q", 0))
    assert (log.name, position, "offset 0 where 2 or more is due") in found(partition)


def change_offset_entry(partition: Path) -> tuple[str, int | None, str]:
    file = partition / f"{FIRST}.index"
    position = struct.unpack(">ii", file.read_bytes()[:8])[1]
    patch(file, 4, struct.pack(">i", position + 1))
    return file.name, 0, f"at byte {position + 1}, where no batch begins"


def change_its_offset(partition: Path) -> tuple[str, int | None, str]:
    file = partition / f"{FIRST}.index"
    patch(file, 0, struct.pack(">i", 1))
    return file.name, 0, "offset 1 at byte"


def change_timestamp(partition: Path) -> tuple[str, int | None, str]:
    file = partition / f"{FIRST}.timeindex"
    patch(file, 0, struct.pack(">q", 17))
    return file.name, 0, "timestamp 17 at offset"


def lengthen_index(partition: Path) -> tuple[str, int | None, str]:
    file = partition / f"{FIRST}.index"
    size_bytes = file.stat().st_size
    with file.open("ab") as stream:
        stream.write(struct.pack(">ii", 10**6, 10**6))
    return file.name, size_bytes, "beyond the end of the log"


def change_transaction(partition: Path) -> tuple[str, int | None, str]:
    file = min(partition.glob("*.txnindex"))
    patch(file, 2, struct.pack(">q", 99))
    return file.name, 0, "no end of a transaction of producer 99"


def remove_index(partition: Path) -> tuple[str, int | None, str]:
    file = partition / f"{FIRST}.timeindex"
    file.unlink()
    return file.name, None, "missing"


def remove_log(partition: Path) -> tuple[str, int | None, str]:
    file = max(partition.glob("*.log"))
    file.unlink()
    return file.with_suffix(".index").name, None, f"without its {file.name}"


def change_snapshot(partition: Path) -> tuple[str, int | None, str]:
    file = min(partition.glob("*.snapshot"))
    patch(file, 12, b"\xff")
    return file.name, None, "not a snapshot: wrong CRC"


def move_epoch(partition: Path) -> tuple[str, int | None, str]:
    file = partition / "leader-epoch-checkpoint"
    epoch, start_offset = file.read_text().splitlines()[3].split()
    file.write_text(f"0\n1\n{epoch} {int(start_offset) - 1}\n")
    return file.name, None, "is said to be of epoch"


def forget_epochs(partition: Path) -> tuple[str, int | None, str]:
    file = partition / "leader-epoch-checkpoint"
    file.write_text("0\n0\n")
    return file.name, None, "knows no epoch"


def mix_epochs(partition: Path) -> tuple[str, int | None, str]:
    file = partition / "leader-epoch-checkpoint"
    file.write_text("0\n2\n3 0\n2 9\n")
    return file.name, 8, "must ascend"


def cut_epochs(partition: Path) -> tuple[str, int | None, str]:
    file = partition / "leader-epoch-checkpoint"
    file.write_text("0\n9\n")
    return file.name, 0, "0 entries where 9 are announced"


def lose_topic_id(partition: Path) -> tuple[str, int | None, str]:
    file = partition / "partition.metadata"
    file.write_text("version: 0\n")
    return file.name, 0, "no topic_id"


@pytest.mark.parametrize(
    "damage",
    [
        change_offset_entry,
        change_its_offset,
        change_timestamp,
        lengthen_index,
        change_transaction,
        remove_index,
        remove_log,
        change_snapshot,
        move_epoch,
        forget_epochs,
        mix_epochs,
        cut_epochs,
        lose_topic_id,
    ],
)
def test_what_lies_beside_the_log(
    damage: Callable[[Path], tuple[str, int | None, str]], partition: Path
) -> None:
    name, position, words = damage(partition)
    told = found(partition)
    assert any(each[:2] == (name, position) and words in each[2] for each in told), told


def test_a_killed_kafkas_index_is_longer_than_its_entries(partition: Path) -> None:
    """It is mapped, and zeros behind its last entry."""
    with max(partition.glob("*.index")).open("ab") as stream:
        stream.write(b"\0" * 800)
    max(partition.glob("*.timeindex")).write_bytes(b"\0" * 1200)
    assert found(partition) == []
    assert "offset:" not in invoke("log", "dump", str(max(partition.glob("*.timeindex")))).stdout


def test_of_an_index_that_is_another_logs_only_some_is_told(partition: Path) -> None:
    file = partition / f"{FIRST}.index"
    file.write_bytes(b"".join(struct.pack(">ii", n, 10 * n + 1) for n in range(1, 100)))
    told = [each for each in found(partition) if each[0] == file.name]
    assert len(told) == MOST_OF_A_FILE + 1
    assert told[-1][2] == f"{99 - MOST_OF_A_FILE} more"


def test_a_log_directory(tmp_path: Path) -> None:
    ends = write_log_directory(tmp_path)
    checkpoint = tmp_path / "replication-offset-checkpoint"
    checkpoint.write_text(f"0\n1\norders 1 {max(ends.values()) + 5}\n")
    (tmp_path / "recovery-point-offset-checkpoint").write_text("1\n")
    (tmp_path / "cleaner-offset-checkpoint").touch()  # as a Kafka makes them
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "gone-0.0123456789abcdef0123456789abcdef-delete").mkdir()
    (tmp_path / "meta.properties").write_text("version=1\n")
    (tmp_path / ".kafka_cleanshutdown").unlink()
    result = invoke("log", "verify", str(tmp_path), "-o", "json")
    assert result.exit_code == 4
    assert result.stderr.splitlines()[0].endswith("the next start mends what is torn")
    told = {
        Path(each["file"]).name: each["problem"] for each in json.loads(result.stdout)["damage"]
    }
    assert told.keys() == {
        checkpoint.name,
        "recovery-point-offset-checkpoint",
        "elsewhere",
        "meta.properties",
    }
    assert "orders-1: " in told[checkpoint.name]


def test_what_is_no_directory_of_logs(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    result = invoke("log", "verify", str(tmp_path))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "neither a partition's directory nor a log directory" in result.stderr
    (tmp_path / "meta.properties").write_text("version=0\nbroker.id=1\n")
    (tmp_path / "elsewhere").rmdir()
    assert invoke("log", "verify", str(tmp_path)).exit_code == 0, "a broker's that has no logs yet"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_what_cannot_be_read(partition: Path) -> None:
    (partition / f"{FIRST}.log").chmod(0)
    result = invoke("log", "verify", str(partition))
    assert result.exit_code == 1
    assert result.stderr.endswith("Permission denied\n")
