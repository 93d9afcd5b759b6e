"""TxnOffsetCommit: a producer stores how far a group has consumed, as a part of its transaction.

Asked of the group's coordinator, after AddOffsetsToTxn was asked of the transaction's.

Versions:
       2  `committed_leader_epoch` (KIP-320); the client understands COORDINATOR_LOAD_IN_PROGRESS
       3  flexible; member and generation: a consumer that lost its place is fenced (KIP-447)
       4  the client understands TRANSACTION_ABORTABLE (KIP-890)
"""

from broker.wire.schema import INT16, INT32, INT64, STRING, array, message, struct, wire


@struct
class TxnOffsetCommitRequestPartition:
    partition_index: int = wire(INT32, "0+")
    committed_offset: int = wire(INT64, "0+")
    committed_leader_epoch: int = wire(INT32, "2+", default=-1, ignorable=True)
    # whatever the client likes to note
    committed_metadata: str | None = wire(STRING, "0+", nullable="0+")


@struct
class TxnOffsetCommitRequestTopic:
    name: str = wire(STRING, "0+")
    partitions: list[TxnOffsetCommitRequestPartition] = wire(
        array(TxnOffsetCommitRequestPartition), "0+"
    )


@message(versions="0-4", flexible="3+")
class TxnOffsetCommitRequest:
    transactional_id: str = wire(STRING, "0+")
    group_id: str = wire(STRING, "0+")
    producer_id: int = wire(INT64, "0+")
    producer_epoch: int = wire(INT16, "0+")
    generation_id: int = wire(INT32, "3+", default=-1)
    member_id: str = wire(STRING, "3+", default="")
    group_instance_id: str | None = wire(STRING, "3+", nullable="3+", default=None)
    topics: list[TxnOffsetCommitRequestTopic] = wire(array(TxnOffsetCommitRequestTopic), "0+")


@struct
class TxnOffsetCommitResponsePartition:
    partition_index: int = wire(INT32, "0+")
    error_code: int = wire(INT16, "0+")


@struct
class TxnOffsetCommitResponseTopic:
    name: str = wire(STRING, "0+")
    partitions: list[TxnOffsetCommitResponsePartition] = wire(
        array(TxnOffsetCommitResponsePartition), "0+"
    )


@message(versions="0-4", flexible="3+")
class TxnOffsetCommitResponse:
    throttle_time_ms: int = wire(INT32, "0+")
    topics: list[TxnOffsetCommitResponseTopic] = wire(array(TxnOffsetCommitResponseTopic), "0+")
