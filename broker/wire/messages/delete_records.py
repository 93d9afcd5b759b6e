"""DeleteRecords: move the start of partitions forward, deleting what lies before (KIP-107).

Versions: 2 is flexible.
"""

from broker.wire.schema import INT16, INT32, INT64, STRING, array, message, struct, wire


@struct
class DeleteRecordsPartition:
    partition_index: int = wire(INT32, "0+")
    offset: int = wire(INT64, "0+")  # the new start; -1: the high watermark


@struct
class DeleteRecordsTopic:
    name: str = wire(STRING, "0+")
    partitions: list[DeleteRecordsPartition] = wire(array(DeleteRecordsPartition), "0+")


@message(versions="0-2", flexible="2+")
class DeleteRecordsRequest:
    topics: list[DeleteRecordsTopic] = wire(array(DeleteRecordsTopic), "0+")
    timeout_ms: int = wire(INT32, "0+")


@struct
class DeleteRecordsPartitionResult:
    partition_index: int = wire(INT32, "0+")
    low_watermark: int = wire(INT64, "0+")  # the least log start offset of all live replicas
    error_code: int = wire(INT16, "0+")


@struct
class DeleteRecordsTopicResult:
    name: str = wire(STRING, "0+")
    partitions: list[DeleteRecordsPartitionResult] = wire(array(DeleteRecordsPartitionResult), "0+")


@message(versions="0-2", flexible="2+")
class DeleteRecordsResponse:
    throttle_time_ms: int = wire(INT32, "0+")
    topics: list[DeleteRecordsTopicResult] = wire(array(DeleteRecordsTopicResult), "0+")
