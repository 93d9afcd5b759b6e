"""Sequential znodes by which a broker tells the controller what it saw.

    /isr_change_notification/isr_change_0000000000
        {"version":1, "partitions":[{"topic":"orders","partition":0}]}
    /log_dir_event_notification/log_dir_event_0000000000
        {"version":1, "broker":1, "event":1}

Brokers before 2.7 wrote an ISR change into .../state themselves and then the first of these;
since KIP-497 they send AlterPartition, but a controller still understands both. Event 1, the only
one, says that a log directory failed. The controller deletes what it has read.
Source: kafka.zk.{IsrChangeNotificationSequenceZNode,LogDirEventNotificationSequenceZNode}.
"""

from collections.abc import Iterable

from coordination.store import Node
from coordination.values import TopicPartition
from coordination.znodes.documents import Document, encode_json
from coordination.znodes.topics import decode_partitions, encode_partitions

LOG_DIR_FAILURE = 1


def encode_isr_change(partitions: Iterable[TopicPartition]) -> bytes:
    return encode_partitions(partitions)


def decode_isr_change(path: str, node: Node) -> set[TopicPartition]:
    return decode_partitions(path, node.data)


def encode_log_dir_event(broker_id: int) -> bytes:
    return encode_json({"version": 1, "broker": broker_id, "event": LOG_DIR_FAILURE})


def decode_log_dir_event(path: str, node: Node) -> int:
    """The broker whose log directory failed."""
    document = Document.parse(path, node.data)
    if document.integer("event") != LOG_DIR_FAILURE:
        raise document.bad("event", f"{LOG_DIR_FAILURE}")
    return document.integer("broker")
