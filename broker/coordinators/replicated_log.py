"""`__consumer_offsets` and `__transaction_state` as their coordinators see them.

A coordinator's records are appended like any producer's, by the leader, with
acks=all, and they're replicated and recovered like any others. Reading back
happens when this broker becomes leader of a partition of the topic.

Kafka: GroupMetadataManager.appendForGroup, doLoadGroupsAndOffsets;
TransactionStateManager.appendTransactionToLog, loadTransactionMetadata.
"""

import math
from collections.abc import AsyncGenerator, Sequence
from typing import Final

import attrs
import trio

from broker.coordinators.log import Append
from broker.coordinators.partition_counts import PartitionCounts
from broker.groups.offsets_log import TransactionalProducer, Verified
from broker.log.values import Origin
from broker.log.verifications import VerificationGuard
from broker.replica.append import ALL, NO_GUARDS, Appended, append, wait_until_acknowledged
from broker.replica.manager import ReplicaManager
from broker.replica.verification import Verifier, verify
from broker.waiting import wait_until
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.record_batch import NO_SEQUENCE, RecordBatch, batches, build_batch
from broker.wire.records import Record
from coordination.values import TopicPartition

LOOK_AGAIN_S: Final = 1.0


@attrs.define(eq=False)
class ReplicatedLog:
    """Implements `broker.coordinators.log.CoordinatorLog` over this broker's replicas."""

    topic: str
    counts: PartitionCounts
    timeout_ms: int
    load_buffer_bytes: int
    replicas: ReplicaManager

    @property
    def partition_count(self) -> int:
        return self.counts.of(self.topic)

    async def until_counted(self) -> None:
        await self.counts.until_counted(self.topic)

    def append(self, partition: int, records: Sequence[Record]) -> Appended:
        return self._append(partition, build_batch(records))

    def _append(
        self, partition: int, batch: bytearray, guard: VerificationGuard | None = None
    ) -> Appended:
        target = TopicPartition(self.topic, partition)
        guards = NO_GUARDS if guard is None else {target: guard}
        entries = [(target, memoryview(batch))]
        [appended] = append(self.replicas, entries, ALL, Origin.COORDINATOR, guards)
        if appended.error is not None:
            raise appended.error
        return appended

    async def until_committed(self, append: Append, timeout_ms: int | None = None) -> None:
        assert isinstance(append, Appended), "only what `append` returned can be waited for"
        timeout_s = (self.timeout_ms if timeout_ms is None else timeout_ms) / 1000
        await wait_until_acknowledged([append], timeout_s)
        if append.error is not None:
            raise append.error

    async def until_kept(self, partition: int, end_offset: int) -> None:
        replica = self.replicas.find(TopicPartition(self.topic, partition))

        def is_kept() -> bool:
            replica.leading()  # in whatever epoch, see `read`
            return replica.kept_offset >= end_offset

        # What a follower fetches under min.insync.replicas rings no bell.
        while not await wait_until(is_kept, [replica.committed], LOOK_AGAIN_S):
            pass

    async def read(self, partition: int) -> AsyncGenerator[RecordBatch, None]:
        replica = self.replicas.find(TopicPartition(self.topic, partition))
        replica.leading()
        offset, end = replica.log.log_start_offset, replica.log.log_end_offset
        while offset < end:
            # In whatever epoch: it goes up when another replica's broker leaves, and the log of who
            # goes on leading stays as it is. Who was follower in between owns another partition.
            replica.leading()
            found = replica.log.read(offset, self.load_buffer_bytes, end)
            if not found.regions:
                return
            for region in found.regions:
                with replica.log.local.storage:
                    data = await trio.to_thread.run_sync(region.read)
                for batch in batches(data):
                    yield batch
                    offset = batch.end_offset


@attrs.define(eq=False)
class ReplicatedOffsetsLog(ReplicatedLog):
    """Implements `broker.groups.offsets_log.OffsetsLog`: offsets may be parts of transactions."""

    verifier: Verifier

    async def verify(self, partition: int, producer: TransactionalProducer) -> Verified:
        target = TopicPartition(self.topic, partition)
        found = await verify(
            self.replicas,
            self.verifier,
            producer.transactional_id,
            producer.producer_id,
            producer.producer_epoch,
            {target: NO_SEQUENCE},
        )
        if target in found.errors:
            raise KafkaError(
                _told(found.errors[target], producer),
                f"{target} is in no transaction of {producer}",
            )
        return Verified(producer, found.guards.get(target))

    def append_in_transaction(
        self, partition: int, records: Sequence[Record], verified: Verified
    ) -> Appended:
        batch = build_batch(
            records,
            producer_id=verified.producer.producer_id,
            producer_epoch=verified.producer.producer_epoch,
            base_sequence=0,  # of each batch, as in Kafka: nobody counts a coordinator's
            is_transactional=True,
        )
        return self._append(partition, batch, verified.guard)

    async def until_replicated(self, partition: int, offset: int) -> None:
        replica = self.replicas.find(TopicPartition(self.topic, partition))

        def is_replicated() -> bool:
            replica.leading()  # in whatever epoch, see `read`
            return replica.high_watermark > offset

        await wait_until(is_replicated, [replica.committed], math.inf)


def _told(error: ErrorCode, producer: TransactionalProducer) -> ErrorCode:
    """What the producer knows an error of its transaction's coordinator by."""
    if error is ErrorCode.TRANSACTION_ABORTABLE and not producer.knows_abortable:
        return ErrorCode.INVALID_TXN_STATE
    return error
