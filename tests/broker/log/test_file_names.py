"""Directory names are taken apart from the right: topics may hold dots and dashes."""

import uuid

import pytest

from broker.log.file_names import (
    NotAPartitionDirectory,
    deleted_directory,
    future_directory,
    is_deleted_partition,
    is_future,
    offset_of,
    partition_of,
    segment_file,
)
from coordination.values import TopicPartition

UNIQUE = uuid.UUID("0123456789abcdef0123456789abcdef")


@pytest.mark.parametrize(
    "topic", ["orders", "a.b", "a-1", "a-1.b-2", "__consumer_offsets", "-", "x-delete"]
)
def test_a_partitions_directory_and_its_deletion(topic: str) -> None:
    topic_partition = TopicPartition(topic, 12)
    assert partition_of(str(topic_partition)) == topic_partition
    assert not is_deleted_partition(str(topic_partition))
    assert is_deleted_partition(deleted_directory(topic_partition, UNIQUE))
    assert not is_future(str(topic_partition))
    assert is_future(future_directory(topic_partition, UNIQUE))
    assert partition_of(future_directory(topic_partition, UNIQUE)) == topic_partition


def test_the_deleted_name_is_kafkas() -> None:
    name = deleted_directory(TopicPartition("a.b", 0), UNIQUE)
    assert name == "a.b-0.0123456789abcdef0123456789abcdef-delete"


def test_the_future_name_is_kafkas() -> None:
    name = future_directory(TopicPartition("a.b", 0), UNIQUE)
    assert name == "a.b-0.0123456789abcdef0123456789abcdef-future"


def test_a_long_topic_is_cut_to_fit_a_file_name() -> None:
    name = deleted_directory(TopicPartition("t" * 249, 123), UNIQUE)
    assert len(name) == 255
    assert is_deleted_partition(name)


@pytest.mark.parametrize(
    "name", ["orders", "orders-", "-0", "orders-x", "orders-0x", "lost", "orders-future"]
)
def test_other_directories(name: str) -> None:
    with pytest.raises(NotAPartitionDirectory):
        partition_of(name)


def test_segment_files() -> None:
    assert segment_file(42, ".log") == "00000000000000000042.log"
    assert offset_of("00000000000000000042.timeindex.deleted") == 42
    assert offset_of("leader-epoch-checkpoint") is None
