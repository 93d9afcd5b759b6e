"""`replication-offset-checkpoint`: kept over a restart, and never a reason to stop."""

from pathlib import Path

import pytest
import trio

from broker.log.checkpoints import OffsetCheckpoint
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


async def test_a_damaged_file_counts_as_empty(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_broker(tmp_path) as broker:
        (tmp_path / "broker-1" / "replication-offset-checkpoint").write_text("garbage")
        await broker.replicas.high_watermarks.load()
        assert broker.replicas.high_watermarks.at_start(tp("t-0")) == 0
    assert "high watermarks start at 0" in caplog.text


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
