"""WriteTxnMarkers: a transaction coordinator tells partitions' leaders how transactions ended.

Versions: 1 is flexible.
"""

from broker.wire.schema import BOOL, INT16, INT32, INT64, STRING, array, message, struct, wire


@struct
class WritableTxnMarkerTopic:
    name: str = wire(STRING, "0+")
    partition_indexes: list[int] = wire(array(INT32), "0+")


@struct
class WritableTxnMarker:
    producer_id: int = wire(INT64, "0+")
    producer_epoch: int = wire(INT16, "0+")
    transaction_result: bool = wire(BOOL, "0+")  # whether it was committed
    topics: list[WritableTxnMarkerTopic] = wire(array(WritableTxnMarkerTopic), "0+")
    coordinator_epoch: int = wire(INT32, "0+")  # of its partition of __transaction_state


@message(versions="0-1", flexible="1+")
class WriteTxnMarkersRequest:
    markers: list[WritableTxnMarker] = wire(array(WritableTxnMarker), "0+")


@struct
class WritableTxnMarkerPartitionResult:
    partition_index: int = wire(INT32, "0+")
    error_code: int = wire(INT16, "0+")


@struct
class WritableTxnMarkerTopicResult:
    name: str = wire(STRING, "0+")
    partitions: list[WritableTxnMarkerPartitionResult] = wire(
        array(WritableTxnMarkerPartitionResult), "0+"
    )


@struct
class WritableTxnMarkerResult:
    producer_id: int = wire(INT64, "0+")
    topics: list[WritableTxnMarkerTopicResult] = wire(array(WritableTxnMarkerTopicResult), "0+")


@message(versions="0-1", flexible="1+")
class WriteTxnMarkersResponse:
    markers: list[WritableTxnMarkerResult] = wire(array(WritableTxnMarkerResult), "0+")
