"""Every znode that a Kafka 3.9 cluster keeps in ZooKeeper: its path, and what stands in it.

This is the shared memory of the ensemble, and the contract with real Kafka brokers beside us:
same paths, same JSON values and types. Some types surprise (Kafka's history shows): timestamps
and producer id blocks are strings holding numbers, /cluster/id's version is a string, while
/controller_epoch is no JSON at all but digits.

    paths           every path, in one place
    documents       the reading of a JSON document with its complaints (BadZnode)
    brokers         /brokers/ids/N
    topics          /brokers/topics/..., /admin/...: assignments, partition states, reassignments
    cluster         /cluster/id, /controller, /controller_epoch, /feature, producer id blocks
    configs         /config/...: entity configs and the notifications of their changes
    notifications   /isr_change_notification, /log_dir_event_notification

Invariants: `encode_x` writes the version that Kafka 3.9 writes; `decode_x` takes what Kafka 3.9
takes (it looks at a document's version only where the shape depends on it), ignores keys it does
not know, and raises BadZnode(path, why) on anything else, never another error. What is a znode's
stat and not its data (a state's version, a registration's czxid) is filled in by the decoder.

Use it as `znodes.encode_partition_state(...)`, `znodes.paths.partition_state(tp)`.
Source: kafka.zk.ZkData.
"""

from coordination.znodes import paths
from coordination.znodes.brokers import broker_id_of, decode_broker, encode_broker
from coordination.znodes.cluster import (
    Controller,
    Feature,
    ProducerIdBlock,
    decode_cluster_id,
    decode_controller,
    decode_controller_epoch,
    decode_feature,
    decode_producer_id_block,
    encode_cluster_id,
    encode_controller,
    encode_controller_epoch,
    encode_feature,
    encode_producer_id_block,
)
from coordination.znodes.configs import (
    decode_config,
    decode_config_change,
    encode_config,
    encode_config_change,
)
from coordination.znodes.documents import BadZnode, whole_number
from coordination.znodes.notifications import (
    decode_isr_change,
    decode_log_dir_event,
    encode_isr_change,
    encode_log_dir_event,
)
from coordination.znodes.topics import (
    decode_partition_state,
    decode_preferred_replica_election,
    decode_reassignment,
    decode_topic,
    encode_partition_state,
    encode_preferred_replica_election,
    encode_reassignment,
    encode_topic,
    topic_id_from_text,
    topic_id_text,
)

__all__ = [
    "BadZnode",
    "Controller",
    "Feature",
    "ProducerIdBlock",
    "broker_id_of",
    "decode_broker",
    "decode_cluster_id",
    "decode_config",
    "decode_config_change",
    "decode_controller",
    "decode_controller_epoch",
    "decode_feature",
    "decode_isr_change",
    "decode_log_dir_event",
    "decode_partition_state",
    "decode_preferred_replica_election",
    "decode_producer_id_block",
    "decode_reassignment",
    "decode_topic",
    "encode_broker",
    "encode_cluster_id",
    "encode_config",
    "encode_config_change",
    "encode_controller",
    "encode_controller_epoch",
    "encode_feature",
    "encode_isr_change",
    "encode_log_dir_event",
    "encode_partition_state",
    "encode_preferred_replica_election",
    "encode_producer_id_block",
    "encode_reassignment",
    "encode_topic",
    "paths",
    "topic_id_from_text",
    "topic_id_text",
    "whole_number",
]
