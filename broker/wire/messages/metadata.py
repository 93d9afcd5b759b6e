"""Metadata: the brokers of the cluster, and who leads which partition.

Every client's second question.  What a broker answers is what the controller last told it
(UpdateMetadata), so it may lag.  Addresses are those of the listener that the client came in by.

Versions:
       0  an *empty* list of topics asks for all of them
       1  null asks for all, an empty list for none; rack, controller, `is_internal`
       2  `cluster_id` (KIP-78)
       4  `allow_auto_topic_creation`; before, a question created the topic if the broker allows
       5  `offline_replicas` (KIP-112)
       7  `leader_epoch` (KIP-320)
       8  authorized operations on request (KIP-430); the cluster's moved to DescribeCluster at 11
       9  flexible
      10  topic ids in the answer (KIP-516)
      12  a request may name a topic by its id, with a null name
"""

from uuid import UUID

from broker.wire.schema import BOOL, INT16, INT32, STRING, UUID_, array, message, struct, wire


@struct
class MetadataRequestTopic:
    topic_id: UUID = wire(UUID_, "10+", ignorable=True)
    name: str | None = wire(STRING, "0+", nullable="10+")


@message(versions="0-12", flexible="9+")
class MetadataRequest:
    topics: list[MetadataRequestTopic] | None = wire(
        array(MetadataRequestTopic), "0+", nullable="1+"
    )
    allow_auto_topic_creation: bool = wire(BOOL, "4+", default=True)
    include_cluster_authorized_operations: bool = wire(BOOL, "8-10")
    include_topic_authorized_operations: bool = wire(BOOL, "8+")


@struct
class MetadataResponseBroker:
    node_id: int = wire(INT32, "0+")
    host: str = wire(STRING, "0+")
    port: int = wire(INT32, "0+")
    rack: str | None = wire(STRING, "1+", nullable="1+", default=None, ignorable=True)


@struct
class MetadataResponsePartition:
    error_code: int = wire(INT16, "0+")
    partition_index: int = wire(INT32, "0+")
    leader_id: int = wire(INT32, "0+")  # -1: none
    leader_epoch: int = wire(INT32, "7+", default=-1, ignorable=True)
    replica_nodes: list[int] = wire(array(INT32), "0+")
    isr_nodes: list[int] = wire(array(INT32), "0+")
    offline_replicas: list[int] = wire(array(INT32), "5+", ignorable=True)


@struct
class MetadataResponseTopic:
    error_code: int = wire(INT16, "0+")
    name: str | None = wire(STRING, "0+", nullable="12+")  # null: no topic has the id asked for
    topic_id: UUID = wire(UUID_, "10+", ignorable=True)
    is_internal: bool = wire(BOOL, "1+", ignorable=True)
    partitions: list[MetadataResponsePartition] = wire(array(MetadataResponsePartition), "0+")
    # bits by AclOperation; the default: not asked
    topic_authorized_operations: int = wire(INT32, "8+", default=-0x80000000)


@message(versions="0-12", flexible="9+")
class MetadataResponse:
    throttle_time_ms: int = wire(INT32, "3+", ignorable=True)
    brokers: list[MetadataResponseBroker] = wire(array(MetadataResponseBroker), "0+")
    cluster_id: str | None = wire(STRING, "2+", nullable="2+", default=None, ignorable=True)
    controller_id: int = wire(INT32, "1+", default=-1, ignorable=True)
    topics: list[MetadataResponseTopic] = wire(array(MetadataResponseTopic), "0+")
    cluster_authorized_operations: int = wire(INT32, "8-10", default=-0x80000000)
