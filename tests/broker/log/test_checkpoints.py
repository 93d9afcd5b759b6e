"""Offset checkpoints and partition.metadata, and names of files and directories."""

import uuid
from pathlib import Path

import pytest

from broker.log.checkpoints import EmptyCheckpoint, MalformedCheckpoint, OffsetCheckpoint
from broker.log.partition_metadata import (
    MalformedPartitionMetadata,
    read_topic_id,
    write_topic_id,
)
from coordination.values import TopicPartition
from tests.support.unsynced_disk import UnsyncedDisk


def test_an_offset_checkpoint_is_kafkas(tmp_path: Path) -> None:
    checkpoint = OffsetCheckpoint(UnsyncedDisk(), tmp_path / "recovery-point-offset-checkpoint")
    assert checkpoint.read() == {}
    offsets = {TopicPartition("a.b-c", 0): 5, TopicPartition("orders", 11): 2**40}
    checkpoint.write(offsets)
    assert checkpoint.path.read_text() == "0\n2\na.b-c 0 5\norders 11 1099511627776\n"
    assert checkpoint.read() == offsets
    assert [path.name for path in tmp_path.iterdir()] == [checkpoint.path.name]


@pytest.mark.parametrize("content", ["0\n", "7\n0\n", "0\n1\n", "0\n1\na b c\n", "0\n1\nt 0 1"])
def test_a_malformed_checkpoint(tmp_path: Path, content: str) -> None:
    path = tmp_path / "checkpoint"
    path.write_text(content)
    with pytest.raises(MalformedCheckpoint, match=r"checkpoint: "):
        OffsetCheckpoint(UnsyncedDisk(), path).read()


def test_an_empty_checkpoint_is_told_from_a_damaged_one(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint"
    path.touch()
    with pytest.raises(EmptyCheckpoint, match=r"checkpoint: empty"):
        OffsetCheckpoint(UnsyncedDisk(), path).read()


def test_partition_metadata_is_kafkas(tmp_path: Path) -> None:
    path = tmp_path / "partition.metadata"
    assert read_topic_id(path) is None
    topic_id = uuid.UUID("a7c91f5d-a5b4-455c-90cc-d7f32643c14e")
    write_topic_id(UnsyncedDisk(), path, topic_id)
    assert path.read_text() == "version: 0\ntopic_id: p8kfXaW0RVyQzNfzJkPBTg"
    assert read_topic_id(path) == topic_id


@pytest.mark.parametrize("content", ["", "version: 1\ntopic_id: x", "version: 0\ntopic_id: abc"])
def test_malformed_partition_metadata(tmp_path: Path, content: str) -> None:
    path = tmp_path / "partition.metadata"
    path.write_text(content)
    with pytest.raises(MalformedPartitionMetadata, match=r"partition\.metadata"):
        read_topic_id(path)
