"""TxnOffsetCommit: offsets that count if the transaction commits which consumed up to them.

A program that reads, works and writes in one transaction lets its *producer* store how far it has
read, so that input and output are committed together or not at all (KIP-98). The group's part:

    TxnOffsetCommit    does the transaction include the group's partition? ── ask its coordinator
                       is who commits in the group's generation? (KIP-447)
                       records in the partition, in the transaction; offsets beside the group's
    WriteTxnMarkers    a control batch in the partition; when it is replicated they are the group's,
                       or gone, whoever wrote it and whether or not he waits to hear of it

Until then OffsetFetch shows what was committed before, and whoever asks for stable offsets comes
back later: it would read what the open transaction may have read already.

What is open is in the log, records without a marker, so the next coordinator knows it too.

Unlike OffsetCommit, who names neither member nor generation may commit even if the group has
members (producers before KIP-447 cannot name them), in any state, and no session is kept alive.

Source: Kafka's handleTxnCommitOffsets, storeOffsets, scheduleHandleTxnCompletion; KIP-890.
"""

from collections.abc import Callable, Mapping

import attrs

from broker.coordinators.background import Background
from broker.groups.committed_offsets import CommittedOffset, EndedTransaction
from broker.groups.config import GroupConfig
from broker.groups.directory import GroupDirectory, GroupPartition, check_group_id
from broker.groups.group import Group
from broker.groups.group_states import EMPTY
from broker.groups.offsets import CommitRequest, committing_member, without_long_metadata
from broker.groups.offsets_log import OffsetsLog, TransactionalProducer, Verified
from broker.groups.storing import OFFSET_ERRORS, GroupStore
from broker.wire.errors import ErrorCode, KafkaError
from coordination.values import TopicPartition


@attrs.frozen
class TransactionalOffsets:
    """Handles TxnOffsetCommit, and hears of the markers."""

    config: GroupConfig
    directory: GroupDirectory
    log: OffsetsLog
    store: GroupStore
    background: Background
    clock_ms: Callable[[], int]

    async def commit(
        self, request: CommitRequest, producer: TransactionalProducer
    ) -> dict[TopicPartition, ErrorCode]:
        """Store the offsets; an error for each partition, when all are replicated."""
        try:
            check_group_id(request.group_id)
            owned = self.directory.partition_of(request.group_id)
            group = self.directory.find_or_create(request.group_id, self.clock_ms())
            verified = await self.log.verify(owned.partition, producer)
            _check_may_commit(group, request)
        except KafkaError as error:
            return dict.fromkeys(request.offsets, OFFSET_ERRORS.get(error.code, error.code))
        accepted = without_long_metadata(request.offsets, self.config)
        outcome = ErrorCode.NONE
        if accepted:
            outcome = await self._store(owned, group, accepted, verified)
        return {
            partition: outcome if partition in accepted else ErrorCode.OFFSET_METADATA_TOO_LARGE
            for partition in request.offsets
        }

    async def _store(
        self,
        owned: GroupPartition,
        group: Group,
        offsets: Mapping[TopicPartition, CommittedOffset],
        verified: Verified,
    ) -> ErrorCode:
        producer_id = verified.producer.producer_id
        write = self.store.offsets(group.group_id, offsets, verified)
        if write.has_begun:
            group.offsets.prepare_in_transaction(producer_id, offsets, write.base_offset)
            owned.in_transaction(producer_id, group)
        return await write.outcome()

    def marker_appended(self, partition: int, ended: EndedTransaction) -> None:
        """The transaction's marker is in the partition's log, and is being replicated."""
        owned = self.directory.owned(partition)
        # One that is not ours yet is loaded with its marker.
        if owned is not None:
            self.background.start(self._end_transaction, owned, ended)

    async def _end_transaction(self, owned: GroupPartition, ended: EndedTransaction) -> None:
        try:
            await self.log.until_replicated(owned.partition, ended.marker_offset)
        except KafkaError:
            return  # not ours any more: its new leader finds the marker in the log, or has none
        if self.directory.still_owns(owned):
            owned.end_transaction(ended)


def _check_may_commit(group: Group, request: CommitRequest) -> None:
    if not group.is_alive:
        raise KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE)  # gone while it was verified
    if request.names_no_member or (group.state is EMPTY and request.generation < 0):
        return
    committing_member(group, request)
