"""UpdateMetadata: the controller tells every broker who is alive and who leads what, for Metadata.

The partitions named replace what the broker knew of them; the live brokers are always all of them.
A partition whose leader is -2 belongs to a topic being deleted and is forgotten.

Versions:
       0  one host and port a broker
       1  `endpoints`, by security protocol; by listener from 3 on (KIP-103)
       2  rack (KIP-36)
       4  `offline_replicas` (KIP-112)
       5  grouped by topic; `broker_epoch` (KIP-380)
       6  flexible
       7  topic ids (KIP-516)
       8  `is_kraft_controller`, `type` (KIP-866)
"""

from uuid import UUID

from broker.wire.schema import (
    BOOL,
    INT8,
    INT16,
    INT32,
    INT64,
    STRING,
    UUID_,
    array,
    message,
    struct,
    wire,
)


@struct
class UpdateMetadataPartitionState:
    topic_name: str = wire(STRING, "0-4", ignorable=True)
    partition_index: int = wire(INT32, "0+")
    controller_epoch: int = wire(INT32, "0+")
    leader: int = wire(INT32, "0+")
    leader_epoch: int = wire(INT32, "0+")
    isr: list[int] = wire(array(INT32), "0+")
    zk_version: int = wire(INT32, "0+")
    replicas: list[int] = wire(array(INT32), "0+")
    offline_replicas: list[int] = wire(array(INT32), "4+", ignorable=True)


@struct
class UpdateMetadataTopicState:
    topic_name: str = wire(STRING, "5+")
    topic_id: UUID = wire(UUID_, "7+", ignorable=True)
    partition_states: list[UpdateMetadataPartitionState] = wire(
        array(UpdateMetadataPartitionState), "5+"
    )


@struct
class UpdateMetadataEndpoint:
    port: int = wire(INT32, "1+")
    host: str = wire(STRING, "1+")
    listener: str = wire(STRING, "3+", ignorable=True)
    security_protocol: int = wire(INT16, "1+")  # 0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT, 3 SASL_SSL


@struct
class UpdateMetadataBroker:
    id: int = wire(INT32, "0+")
    v0_host: str = wire(STRING, "0", ignorable=True)
    v0_port: int = wire(INT32, "0", ignorable=True)
    endpoints: list[UpdateMetadataEndpoint] = wire(
        array(UpdateMetadataEndpoint), "1+", ignorable=True
    )
    rack: str | None = wire(STRING, "2+", nullable="0+", ignorable=True)


@message(versions="0-8", flexible="6+")
class UpdateMetadataRequest:
    controller_id: int = wire(INT32, "0+")
    is_kraft_controller: bool = wire(BOOL, "8+")
    type: int = wire(INT8, "8+", tag=0)
    controller_epoch: int = wire(INT32, "0+")
    broker_epoch: int = wire(INT64, "5+", default=-1, ignorable=True)
    ungrouped_partition_states: list[UpdateMetadataPartitionState] = wire(
        array(UpdateMetadataPartitionState), "0-4"
    )
    topic_states: list[UpdateMetadataTopicState] = wire(array(UpdateMetadataTopicState), "5+")
    live_brokers: list[UpdateMetadataBroker] = wire(array(UpdateMetadataBroker), "0+")


@message(versions="0-8", flexible="6+")
class UpdateMetadataResponse:
    error_code: int = wire(INT16, "0+")
