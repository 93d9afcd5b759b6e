"""AlterReplicaLogDirs: in which log directories the asked broker's replicas are to lie (KIP-113).

Versions: 2 is flexible.
"""

from broker.wire.schema import INT16, INT32, STRING, array, message, struct, wire


@struct
class AlterReplicaLogDirTopic:
    name: str = wire(STRING, "0+")
    partitions: list[int] = wire(array(INT32), "0+")


@struct
class AlterReplicaLogDir:
    path: str = wire(STRING, "0+")
    topics: list[AlterReplicaLogDirTopic] = wire(array(AlterReplicaLogDirTopic), "0+")


@message(versions="0-2", flexible="2+")
class AlterReplicaLogDirsRequest:
    dirs: list[AlterReplicaLogDir] = wire(array(AlterReplicaLogDir), "0+")


@struct
class AlterReplicaLogDirPartitionResult:
    partition_index: int = wire(INT32, "0+")
    error_code: int = wire(INT16, "0+")


@struct
class AlterReplicaLogDirTopicResult:
    topic_name: str = wire(STRING, "0+")
    partitions: list[AlterReplicaLogDirPartitionResult] = wire(
        array(AlterReplicaLogDirPartitionResult), "0+"
    )


@message(versions="0-2", flexible="2+")
class AlterReplicaLogDirsResponse:
    throttle_time_ms: int = wire(INT32, "0+")
    results: list[AlterReplicaLogDirTopicResult] = wire(array(AlterReplicaLogDirTopicResult), "0+")
