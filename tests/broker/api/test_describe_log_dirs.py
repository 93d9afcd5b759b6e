"""DescribeLogDirs: what lies where, and which directories work."""

import os
from pathlib import Path

from trio.testing import MockClock

from broker.broker import Broker
from broker.wire.errors import ErrorCode
from broker.wire.messages.describe_log_dirs import (
    DescribableLogDirTopic,
    DescribeLogDirsRequest,
    DescribeLogDirsResponse,
    DescribeLogDirsResult,
)
from tests.broker.support import call, topic_id, tp
from tests.broker.test_directory_failures import fail_a, produce, two_directories


async def describe(broker: Broker, **topics: list[int]) -> DescribeLogDirsResponse:
    named = [DescribableLogDirTopic(topic=name, partitions=asked) for name, asked in topics.items()]
    answer = await call(broker, DescribeLogDirsRequest(topics=named or None), 4)
    assert isinstance(answer, DescribeLogDirsResponse)
    return answer


def partitions(result: DescribeLogDirsResult) -> dict[str, tuple[int, int]]:
    """Size and lag of each replica."""
    return {
        f"{topic.name}-{partition.partition_index}": (
            partition.partition_size,
            partition.offset_lag,
        )
        for topic in result.topics
        for partition in topic.partitions
    }


async def test_sizes_lags_and_volumes(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with two_directories(tmp_path) as (broker, _):
        await produce(broker, "t-0")
        # A log that nobody has given a role yet: its lag isn't known.
        await broker.logs.get_or_create(
            tp("u-0"), topic_id("u"), broker.logs.config.defaults, is_new=True
        )
        a, b = (await describe(broker)).results
        size = (tmp_path / "a" / "t-0" / "00000000000000000000.log").stat().st_size
        assert size > 0
        assert (a.log_dir, b.log_dir) == (str(tmp_path / "a"), str(tmp_path / "b"))
        assert partitions(a) == {"t-0": (size, 0), "u-0": (0, -1)}
        assert partitions(b) == {"t-1": (0, 0)}
        volume = os.statvfs(tmp_path)
        assert a.total_bytes == volume.f_blocks * volume.f_frsize
        assert 0 < a.usable_bytes <= a.total_bytes
        assert not any(p.is_future_key for t in a.topics for p in t.partitions)


async def test_only_what_is_asked_for(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with two_directories(tmp_path) as (broker, _):
        a, b = (await describe(broker, t=[1, 7], unknown=[0])).results
        assert partitions(a) == {}
        assert partitions(b) == {"t-1": (0, 0)}


async def test_an_offline_directory(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with two_directories(tmp_path) as (broker, disk):
        await fail_a(tmp_path, broker, disk)
        answer = await describe(broker)
        assert answer.error_code == ErrorCode.NONE
        a, b = answer.results
        assert a == DescribeLogDirsResult(
            log_dir=str(tmp_path / "a"), error_code=ErrorCode.KAFKA_STORAGE_ERROR
        )
        assert b.error_code == ErrorCode.NONE


async def test_a_directory_that_is_gone_is_found_out(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with two_directories(tmp_path) as (broker, _):
        (tmp_path / "a").rename(tmp_path / "elsewhere")
        a, _ = (await describe(broker)).results
        assert a.error_code == ErrorCode.KAFKA_STORAGE_ERROR
        assert not broker.logs.directories.at(tmp_path / "a").is_online
