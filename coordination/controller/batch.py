"""Gathers what brokers must be told, then makes one command of each kind a broker.

A change of many partitions (a broker's death) becomes three commands a broker, not three a
partition. The commands are made when the batch is sent, from what the context knows then, in
Kafka's order: LeaderAndIsr, UpdateMetadata, StopReplica. Only live brokers get any, each with the
epoch of its present life.

Whoever is told of a leader or ISR, all brokers' metadata is told too.

Source: kafka.controller.AbstractControllerBrokerRequestBatch.
"""

import uuid
from collections.abc import Iterable, Mapping

import attrs

from coordination.controller.commands import (
    LeaderAndIsrCommand,
    LeaderAndIsrState,
    MetadataState,
    StopReplicaCommand,
    StopReplicaState,
    UpdateMetadataCommand,
)
from coordination.controller.context import ControllerContext, Replica
from coordination.controller.effects import Send
from coordination.controller.story import Story
from coordination.values import LEADER_DURING_DELETE, LeaderAndIsr, TopicPartition

__all__ = ["RequestBatch", "whole_metadata"]


@attrs.define
class RequestBatch:
    _context: ControllerContext
    _leader_and_isr: dict[int, dict[TopicPartition, bool]] = attrs.field(factory=dict)
    """For each broker the partitions, and whether the replica is new."""
    _stop_replica: dict[int, dict[TopicPartition, bool]] = attrs.field(factory=dict)
    """For each broker the partitions, and whether to delete."""
    _metadata_brokers: set[int] = attrs.field(factory=set)
    _metadata_partitions: dict[TopicPartition, None] = attrs.field(factory=dict)
    """A set that keeps the order of the story, for commands that can be compared."""

    def leader_and_isr(
        self, broker_ids: Iterable[int], partition: TopicPartition, *, is_new: bool = False
    ) -> None:
        for broker_id in broker_ids:
            partitions = self._leader_and_isr.setdefault(broker_id, {})
            partitions[partition] = is_new or partitions.get(partition, False)
        self.update_metadata([partition])

    def stop_replica(self, replica: Replica, *, delete: bool) -> None:
        partitions = self._stop_replica.setdefault(replica.broker_id, {})
        partitions[replica.partition] = delete or partitions.get(replica.partition, False)

    def update_metadata(
        self, partitions: Iterable[TopicPartition], broker_ids: Iterable[int] | None = None
    ) -> None:
        """Tell `broker_ids` (None: all) of these partitions and of the live brokers."""
        self._metadata_brokers.update(self._context.brokers if broker_ids is None else broker_ids)
        self._metadata_partitions.update(dict.fromkeys(partitions))

    def send(self) -> Story[None]:
        yield from self._send_leader_and_isr()
        yield from self._send_update_metadata()
        yield from self._send_stop_replica()

    def _send_leader_and_isr(self) -> Story[None]:
        context = self._context
        for broker_id in self._live(self._leader_and_isr):
            partitions = {}
            for partition, is_new in self._leader_and_isr[broker_id].items():
                if partition not in context.leadership:
                    continue  # its state has been damaged or deleted since
                assignment = context.assignment(partition)
                partitions[partition] = LeaderAndIsrState(
                    context.leadership[partition],
                    assignment.replicas,
                    assignment.adding,
                    assignment.removing,
                    is_new,
                )
            leaders = {state.leader_and_isr.leader for state in partitions.values()}
            yield Send(
                broker_id,
                LeaderAndIsrCommand(
                    context.controller_id,
                    context.epoch,
                    context.brokers[broker_id].epoch,
                    partitions,
                    _topic_ids(context, partitions),
                    tuple(context.brokers[leader] for leader in self._live(leaders)),
                ),
            )

    def _send_update_metadata(self) -> Story[None]:
        context = self._context
        partitions = {
            partition: _metadata_state(context, partition)
            for partition in self._metadata_partitions
            if partition in context.leadership
        }
        topic_ids = _topic_ids(context, partitions)
        for broker_id in self._live(self._metadata_brokers):
            yield Send(broker_id, _update_metadata(context, broker_id, partitions, topic_ids))

    def _send_stop_replica(self) -> Story[None]:
        context = self._context
        for broker_id in self._live(self._stop_replica):
            partitions = {
                partition: StopReplicaState(context.leader_epoch(partition), delete)
                for partition, delete in self._stop_replica[broker_id].items()
            }
            yield Send(
                broker_id,
                StopReplicaCommand(
                    context.controller_id,
                    context.epoch,
                    context.brokers[broker_id].epoch,
                    partitions,
                ),
            )

    def _live(self, broker_ids: Iterable[int]) -> list[int]:
        """Those that have a channel: live, shutting down or not."""
        return sorted(broker_id for broker_id in broker_ids if broker_id in self._context.brokers)


def whole_metadata(
    context: ControllerContext, broker_id: int, refused: UpdateMetadataCommand
) -> UpdateMetadataCommand:
    """All there is to know of every partition, and which of those in `refused` are gone."""
    gone = {
        partition: state
        for partition, state in refused.partitions.items()
        if partition.topic not in context.topics
        and state.leader_and_isr.leader == LEADER_DURING_DELETE
    }
    gone_ids = {p.topic: refused.topic_ids[p.topic] for p in gone if p.topic in refused.topic_ids}
    known = {partition: _metadata_state(context, partition) for partition in context.leadership}
    return _update_metadata(context, broker_id, gone | known, gone_ids | _topic_ids(context, known))


def _update_metadata(
    context: ControllerContext,
    broker_id: int,
    partitions: Mapping[TopicPartition, MetadataState],
    topic_ids: Mapping[str, uuid.UUID],
) -> UpdateMetadataCommand:
    return UpdateMetadataCommand(
        context.controller_id,
        context.epoch,
        context.brokers[broker_id].epoch,
        partitions,
        topic_ids,
        tuple(context.brokers[live] for live in sorted(context.brokers)),
    )


def _metadata_state(context: ControllerContext, partition: TopicPartition) -> MetadataState:
    state = context.leadership[partition]
    if context.is_to_be_deleted(partition):
        state = LeaderAndIsr(
            LEADER_DURING_DELETE,
            leader_epoch=0,
            isr=state.isr,
            controller_epoch=state.controller_epoch,
            partition_epoch=0,
        )
    replicas = context.assignment(partition).replicas
    offline = tuple(r for r in replicas if not context.is_replica_online(Replica(partition, r)))
    return MetadataState(state, replicas, offline)


def _topic_ids(
    context: ControllerContext, partitions: Iterable[TopicPartition]
) -> dict[str, uuid.UUID]:
    topics = {partition.topic for partition in partitions}
    return {topic: context.topic_ids[topic] for topic in topics if topic in context.topic_ids}
