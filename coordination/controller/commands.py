"""What the controller tells brokers: values, without wire bytes.

Each is Kafka's request of that name. `broker_epoch` is the epoch (czxid) of the life of the broker
that it is meant for: a broker that has restarted meanwhile refuses it (KIP-380). LeaderAndIsr is
meant as a ZooKeeper controller sends it, with `type` 0: it speaks only of the partitions in it,
and nothing may be concluded from a partition's absence.

Source: kafka.controller.AbstractControllerBrokerRequestBatch.
"""

import uuid
from collections.abc import Mapping
from typing import TypeAlias

import attrs

from coordination.values import BrokerRegistration, LeaderAndIsr, TopicPartition

__all__ = [
    "Command",
    "CommandAnswered",
    "LeaderAndIsrCommand",
    "LeaderAndIsrState",
    "MetadataState",
    "StopReplicaCommand",
    "StopReplicaState",
    "UpdateMetadataCommand",
]


@attrs.frozen
class LeaderAndIsrState:
    """One partition, for a broker that holds a replica of it.

    `is_new`: the replica has never existed, so it may be made in any healthy log directory. For
    one that existed, a missing directory means an offline log directory.
    """

    leader_and_isr: LeaderAndIsr
    replicas: tuple[int, ...]
    adding: tuple[int, ...]
    removing: tuple[int, ...]
    is_new: bool


@attrs.frozen
class LeaderAndIsrCommand:
    """Lead or follow these partitions. `live_leaders` are the leaders that are named and live."""

    controller_id: int
    controller_epoch: int
    broker_epoch: int
    partitions: Mapping[TopicPartition, LeaderAndIsrState]
    topic_ids: Mapping[str, uuid.UUID]
    live_leaders: tuple[BrokerRegistration, ...]


@attrs.frozen
class MetadataState:
    """One partition, for every broker's answers to clients.

    While its topic is being deleted the leader is LEADER_DURING_DELETE: forget the partition.
    """

    leader_and_isr: LeaderAndIsr
    replicas: tuple[int, ...]
    offline_replicas: tuple[int, ...]


@attrs.frozen
class UpdateMetadataCommand:
    """These brokers are live (all of them), and these partitions (only those) have changed."""

    controller_id: int
    controller_epoch: int
    broker_epoch: int
    partitions: Mapping[TopicPartition, MetadataState]
    topic_ids: Mapping[str, uuid.UUID]
    live_brokers: tuple[BrokerRegistration, ...]


@attrs.frozen
class StopReplicaState:
    """`leader_epoch` is -2 while the topic is being deleted: obey whatever epoch you know."""

    leader_epoch: int
    delete: bool


@attrs.frozen
class StopReplicaCommand:
    """Stop these replicas; delete those with `delete`."""

    controller_id: int
    controller_epoch: int
    broker_epoch: int
    partitions: Mapping[TopicPartition, StopReplicaState]


Command: TypeAlias = LeaderAndIsrCommand | UpdateMetadataCommand | StopReplicaCommand


@attrs.frozen
class CommandAnswered:
    """A broker's answer to a command; an event of the controller. Codes are Kafka's, 0 is none."""

    broker_id: int
    command: Command
    error_code: int
    partition_errors: Mapping[TopicPartition, int]
