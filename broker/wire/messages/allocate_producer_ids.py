"""AllocateProducerIds: a broker asks the controller for a block of producer ids (KIP-730).

The broker hands them out one by one in InitProducerId.
"""

from broker.wire.schema import INT16, INT32, INT64, message, wire


@message(versions="0", flexible="0+")
class AllocateProducerIdsRequest:
    broker_id: int = wire(INT32, "0+")
    broker_epoch: int = wire(INT64, "0+", default=-1)


@message(versions="0", flexible="0+")
class AllocateProducerIdsResponse:
    throttle_time_ms: int = wire(INT32, "0+")
    error_code: int = wire(INT16, "0+")
    producer_id_start: int = wire(INT64, "0+")
    producer_id_len: int = wire(INT32, "0+")  # how many ids the block has
