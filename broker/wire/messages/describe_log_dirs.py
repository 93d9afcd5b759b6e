"""DescribeLogDirs: where a broker's replicas lie, how large they are, which disks work (KIP-113).

Versions: 2 is flexible; 3 has an error for the whole answer; 4 tells the size of each directory's
volume (KIP-827).
"""

from broker.wire.schema import BOOL, INT16, INT32, INT64, STRING, array, message, struct, wire


@struct
class DescribableLogDirTopic:
    topic: str = wire(STRING, "0+")
    partitions: list[int] = wire(array(INT32), "0+")


@message(versions="0-4", flexible="2+")
class DescribeLogDirsRequest:
    topics: list[DescribableLogDirTopic] | None = wire(
        array(DescribableLogDirTopic), "0+", nullable="0+"
    )


@struct
class DescribeLogDirsPartition:
    partition_index: int = wire(INT32, "0+")
    partition_size: int = wire(INT64, "0+")
    offset_lag: int = wire(INT64, "0+")
    is_future_key: bool = wire(BOOL, "0+")


@struct
class DescribeLogDirsTopic:
    name: str = wire(STRING, "0+")
    partitions: list[DescribeLogDirsPartition] = wire(array(DescribeLogDirsPartition), "0+")


@struct
class DescribeLogDirsResult:
    error_code: int = wire(INT16, "0+")
    log_dir: str = wire(STRING, "0+")
    topics: list[DescribeLogDirsTopic] = wire(array(DescribeLogDirsTopic), "0+")
    total_bytes: int = wire(INT64, "4+", default=-1, ignorable=True)
    usable_bytes: int = wire(INT64, "4+", default=-1, ignorable=True)


@message(versions="0-4", flexible="2+")
class DescribeLogDirsResponse:
    throttle_time_ms: int = wire(INT32, "0+")
    error_code: int = wire(INT16, "3+", ignorable=True)
    results: list[DescribeLogDirsResult] = wire(array(DescribeLogDirsResult), "0+")
