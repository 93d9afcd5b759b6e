"""ControlledShutdown: a broker that wants to stop asks the controller to move its leaderships away.

The answer lists the partitions it still leads; it asks again until there are none, or stops anyway.

Versions:
       0  has a request header of its own, without a client id
       2  `broker_epoch` (KIP-380)
       3  flexible
"""

from broker.wire.schema import INT16, INT32, INT64, STRING, array, message, struct, wire


@message(versions="0-3", flexible="3+")
class ControlledShutdownRequest:
    broker_id: int = wire(INT32, "0+")
    broker_epoch: int = wire(INT64, "2+", default=-1, ignorable=True)


@struct
class RemainingPartition:
    topic_name: str = wire(STRING, "0+")
    partition_index: int = wire(INT32, "0+")


@message(versions="0-3", flexible="3+")
class ControlledShutdownResponse:
    error_code: int = wire(INT16, "0+")
    remaining_partitions: list[RemainingPartition] = wire(array(RemainingPartition), "0+")
