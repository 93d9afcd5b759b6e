"""`log dump` by our own eyes; beside kafka-dump-log in tests/broker/log/test_dump_log.py."""

import json
import struct
from pathlib import Path
from typing import Any

import pytest

from broker.wire.record_batch import build_batch
from broker.wire.records import Record
from cli.offline import batches
from cli.offline.batches import Walked, walk
from cli.offline.decoders import offsets, plain, transactions
from cli.offline.read_only import open_file
from tests.broker.log.logs import START_MS
from tests.cli.commands.canned import check_schema, invoke
from tests.cli.offline.written import patch, write_log_directory

FIRST = f"{0:020d}"


def lines(*arguments: str, exit_code: int = 0) -> list[dict[str, Any]]:
    """The JSON of each line."""
    result = invoke("log", "dump", *arguments, "-o", "json")
    assert result.exit_code == exit_code, result.output
    told = [json.loads(line) for line in result.stdout.splitlines()]
    for each in told:
        check_schema(["log", "dump"], each)
    return told


def test_the_text_of_kafkas_tool(partition: Path) -> None:
    log = partition / f"{FIRST}.log"
    result = invoke("log", "dump", "--files", str(log), "--print-data-log")
    assert result.exit_code == 0
    said = result.stdout.splitlines()
    assert said[:2] == [f"Dumping {log}", "Log starting offset: 0"]
    assert said[2].startswith(
        "baseOffset: 0 lastOffset: 1 count: 2 baseSequence: 0 lastSequence: 1 producerId: 7 "
        "producerEpoch: 0 partitionLeaderEpoch: 0 isTransactional: true isControl: false "
        f"deleteHorizonMs: OptionalLong.empty position: 0 CreateTime: {START_MS + 1} size: "
    )
    assert said[2].endswith(" isvalid: true")
    assert said[4] == (
        f"| offset: 1 CreateTime: {START_MS + 1} keySize: 5 valueSize: 7 sequence: 1 "
        "headerKeys: [] key: key-0 payload: value 0"
    )
    assert said[6].endswith(" endTxnMarker: COMMIT coordinatorEpoch: 0")
    assert any("compresscodec: gzip" in line for line in said)


def test_every_kind_of_file_fits_the_schema(tmp_path: Path) -> None:
    write_log_directory(tmp_path)
    files = [
        *(tmp_path / "orders-0").iterdir(),
        tmp_path / "replication-offset-checkpoint",
    ]
    told = lines(*map(str, files), "--print-data-log")
    kinds = {each["kind"] for each in told}
    assert kinds == {
        *("segment", "batch", "record", "index_entry", "time_index_entry", "aborted_transaction"),
        *("producer", "leader_epoch", "topic_id", "checkpoint"),
    }
    log = lines(str(tmp_path / "orders-0" / f"{FIRST}.log"))
    batch_positions = [each["position"] for each in log if each["kind"] == "batch"]
    assert len(batch_positions) == len(set(batch_positions)) > 3


def test_each_form(partition: Path) -> None:
    index = str(partition / f"{FIRST}.index")
    text = invoke("log", "dump", index).stdout.splitlines()
    assert text[1].startswith("offset: ")
    wide = invoke("log", "dump", index, "-o", "wide").stdout.splitlines()
    assert wide[2].split() == ["8", *text[2].split()]
    assert invoke("log", "dump", index, "-o", "name").stdout.splitlines()[1] == f"{index}:8"
    yaml = invoke("log", "dump", index, "-o", "yaml").stdout.splitlines()
    assert yaml[:2] == ["---", "v: 1"]


def test_only_what_a_start_looks_at(partition: Path) -> None:
    indexes = [str(partition / f"{FIRST}.index"), str(partition / f"{FIRST}.timeindex")]
    said = invoke("log", "dump", "--files", ",".join(indexes), "--index-sanity-check").stdout
    assert said.count("passed sanity check.") == 2
    assert "offset:" not in said
    with Path(indexes[0]).open("ab") as file:
        file.write(b"\0" * 3)
    said = invoke("log", "dump", *indexes, "--index-sanity-check")
    assert said.exit_code == 4
    assert said.stderr.splitlines()[-1] == f"Error: damaged: {indexes[0]}"


def test_only_what_is_wrong(partition: Path) -> None:
    index = partition / f"{FIRST}.index"
    assert invoke("log", "dump", str(index), "--verify-index-only").stdout == f"Dumping {index}\n"
    patch(index, 3, b"\7")
    result = invoke("log", "dump", str(index), "--verify-index-only")
    assert result.exit_code == 4
    assert result.stderr.startswith(f"{index}: byte 0: Index offset: 7, log offset: ")


def test_damage_is_told_with_its_byte_and_what_follows_is_read(partition: Path) -> None:
    log = partition / f"{FIRST}.log"
    file, size_bytes = open_file(log)
    walked = [each for each in walk(log, file, size_bytes) if isinstance(each, Walked)]
    position = walked[1].position
    patch(log, position + 70, b"\xff")
    told = lines(str(log), "--deep-iteration", exit_code=4)
    (damage,) = [each for each in told if each["kind"] == "damage"]
    assert damage["position"] == position
    assert [each["valid"] for each in told if each["kind"] == "batch"].count(False) == 1
    assert sum(each["kind"] == "batch" for each in told) == len(walked)
    assert [each["previous_offset"] for each in told if each["kind"] == "gap"] == [1]
    patch(log, walked[2].position + 8, struct.pack(">i", 2**31 - 1))
    told = lines(str(log), exit_code=4)
    assert told[-1]["position"] == walked[2].position
    assert "no whole batch" in told[-1]["problem"]
    assert invoke("log", "dump", str(log)).stderr.splitlines()[-1] == f"Error: damaged: {log}"


def test_a_large_batchs_crc_is_worked_out_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "_CHUNK_BYTES", 1000)
    log = tmp_path / f"{FIRST}.log"
    log.write_bytes(build_batch([Record(None, b"x" * 20_000, START_MS)]))
    file, size_bytes = open_file(log)
    (walked,) = walk(log, file, size_bytes)
    assert isinstance(walked, Walked)
    assert walked.is_valid


def test_what_is_no_file_of_a_log(partition: Path) -> None:
    other, missing = partition / "notes.txt", partition / f"{5:020d}.index"
    other.touch()
    missing.touch()
    log = str(partition / f"{FIRST}.log")
    result = invoke("log", "dump", str(other), log, str(missing))
    assert result.exit_code == 3
    assert result.stderr == (
        f"Error: {other}: no kind of file that a broker's logs have; "
        f"{missing.with_suffix('.log')}: No such file or directory\n"
    )
    assert invoke("log", "dump", str(other)).exit_code == 1
    assert invoke("log", "dump").exit_code == 2


def test_bytes_that_are_no_record_of_that_topic() -> None:
    for decode in (offsets, transactions):
        for key in (None, b"", b"\0\7x", b"\0\1\0"):
            said, value = decode(Record(key, b"\0\0", offset=3))
            assert said is not None
            assert value in (None, "<UNKNOWN>")
    assert plain(Record(b"\xff", None)) == ("�", None)


def test_a_checkpoint_that_is_not_there(tmp_path: Path) -> None:
    for name in ("replication-offset-checkpoint", "leader-epoch-checkpoint"):
        result = invoke("log", "dump", str(tmp_path / name))
        assert result.exit_code == 1
        assert result.stderr.endswith(f"{tmp_path / name}: No such file or directory\n")
