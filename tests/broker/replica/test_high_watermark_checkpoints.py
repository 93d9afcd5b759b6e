"""`replication-offset-checkpoint`: kept over a restart, and never a reason to stop."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import trio

from broker.log.checkpoints import OffsetCheckpoint
from broker.log.file_names import HIGH_WATERMARK_CHECKPOINT as FILE_NAME
from coordination.values import TopicPartition
from tests.broker.replica.support import batch
from tests.broker.support import lead, open_broker, tp


async def test_the_high_watermark_is_there_again_before_followers_are(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0", (1, 2))
        partition = broker.replicas.partitions[tp("t-0")]
        partition.append_as_leader(batch("a", "b", "c"), 1, 0.0)
        partition.follower_fetched(2, 2, 0, 0.0, -1)
        await broker.replicas.high_watermarks.write(broker.replicas.partitions.values())
    async with open_broker(tmp_path) as broker:
        await broker.replicas.high_watermarks.load()
        await lead(broker, "t-0", (1, 2), leader_epoch=1)
        partition = broker.replicas.partitions[tp("t-0")]
        assert partition.high_watermark == 2
        assert partition.log.log_end_offset == 3


async def test_a_topic_made_anew_does_not_inherit_it(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        for directory in broker.logs.directories.all:
            await trio.to_thread.run_sync(directory.high_watermarks.write, {tp("t-0"): 77})
        await broker.replicas.high_watermarks.load()
        await lead(broker, "t-0")
        assert broker.replicas.partitions[tp("t-0")].high_watermark == 0


async def test_only_what_moved_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Idle replicas cost nothing: neither is a file written, nor is one of them looked at."""
    written: list[dict[TopicPartition, int]] = []
    write = OffsetCheckpoint.write

    def noted(checkpoint: OffsetCheckpoint, offsets: Mapping[TopicPartition, int]) -> None:
        written.append(dict(offsets))
        write(checkpoint, offsets)

    monkeypatch.setattr(OffsetCheckpoint, "write", noted)
    async with open_broker(tmp_path) as broker:
        replicas = broker.replicas
        watermarks = replicas.high_watermarks
        for number in range(3):
            await lead(broker, f"t-{number}", (1,))
        await watermarks.write_moved(replicas.partitions.values())
        assert written == [{tp("t-0"): 0, tp("t-1"): 0, tp("t-2"): 0}], "those that came"

        written.clear()
        untouched: Any = None
        await watermarks.write_moved(untouched)
        assert written == []

        replicas.partitions[tp("t-1")].append_as_leader(batch("a"), 1, 0.0)
        await watermarks.write_moved(replicas.partitions.values())
        assert written == [{tp("t-0"): 0, tp("t-1"): 1, tp("t-2"): 0}], "the whole file"

        written.clear()
        gone = replicas.partitions[tp("t-1")]
        replicas.remove(tp("t-1"))
        await watermarks.write_moved(replicas.partitions.values())
        assert written == [{tp("t-0"): 0, tp("t-2"): 0}], "without the one that went"

        written.clear()
        gone.committed.happened()
        await watermarks.write_moved(untouched)
        assert written == []


async def test_only_directories_in_which_something_moved_are_written(tmp_path: Path) -> None:
    paths = tmp_path / "a", tmp_path / "b"
    for path in paths:
        path.mkdir()
    async with open_broker(tmp_path, log_dirs=",".join(map(str, paths))) as broker:
        for number in range(2):
            await lead(broker, f"t-{number}", (1,))
        partitions = broker.replicas.partitions
        await broker.replicas.high_watermarks.write_moved(partitions.values())
        here, there = (partitions[tp(name)].log.directory.parent for name in ("t-0", "t-1"))
        assert {here, there} == set(paths)
        for path in paths:
            (path / FILE_NAME).unlink()
        partitions[tp("t-0")].append_as_leader(batch("a"), 1, 0.0)
        await broker.replicas.high_watermarks.write_moved(partitions.values())
        assert (here / FILE_NAME).read_text() == "0\n1\nt 0 1\n"
        assert not (there / FILE_NAME).exists()


async def test_a_damaged_file_counts_as_empty(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_broker(tmp_path) as broker:
        (tmp_path / "broker-1" / FILE_NAME).write_text("garbage")
        await broker.replicas.high_watermarks.load()
        await lead(broker, "t-0")
        assert broker.replicas.partitions[tp("t-0")].high_watermark == 0
    assert "high watermarks start at 0" in caplog.text


async def test_nobody_is_warned_of_an_empty_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Kafka makes it at its first start."""
    async with open_broker(tmp_path) as broker:
        (tmp_path / "broker-1" / FILE_NAME).write_bytes(b"")
        await broker.replicas.high_watermarks.load()
    assert caplog.messages == []


async def test_a_full_disk_takes_the_directory_offline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    async with open_broker(tmp_path) as broker:
        with monkeypatch.context() as patched:
            patched.setattr(OffsetCheckpoint, "write", full)
            await broker.replicas.high_watermarks.write([])
        [directory] = broker.logs.directories.offline
        assert "No space left on device" in str(directory.storage.failure)
