"""The group coordinator of one broker: its parts, its tasks, and one method for each request.

    JoinGroup ─▶ joining ─┐                        ┌─▶ storing ─▶ OffsetsLog (the replicas' room)
    SyncGroup ─▶ syncing ─┼─▶ rebalancing ─▶ Group ┤
    LeaveGroup ▶ leaving ─┘        ▲               └─▶ deadlines
    OffsetCommit/Fetch ─▶ offsets  │                       │
    TxnOffsetCommit, markers ─▶    └──────── due ──────────┘
        transactional_offsets
    elections ─▶ loading
    time, DeleteGroups, OffsetDelete ─▶ retention

Tasks, all in the nursery of `run`: one that watches the deadlines of all groups, one that expires
offsets, and one for each partition being loaded, and each group's record and marker being
replicated. Being coordinator of a group is data, not a task: idle groups cost nothing.

A request that comes while the coordinator does not run is answered COORDINATOR_NOT_AVAILABLE.

Source: Kafka's GroupCoordinator and GroupCoordinatorAdapter, 3.9.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from random import Random

import trio

from broker.coordinators.background import Background
from broker.coordinators.log import partition_for
from broker.coordinators.one_answer import OneAnswer
from broker.groups.committed_offsets import EndedTransaction
from broker.groups.config import GroupConfig
from broker.groups.deadlines import Deadlines
from broker.groups.directory import GroupDirectory
from broker.groups.inspection import (
    GroupCounts,
    GroupDescription,
    GroupOverview,
    count_groups,
    describe_group,
    list_groups,
)
from broker.groups.joining import Joining
from broker.groups.leaving import Leaving, LeavingMember
from broker.groups.loading import Loading
from broker.groups.member import JoinRequest, JoinResult, SyncResult
from broker.groups.offsets import CommitRequest, FetchedOffset, Offsets
from broker.groups.offsets_log import OffsetsLog, TransactionalProducer
from broker.groups.rebalancing import Rebalancing
from broker.groups.retention import Retention
from broker.groups.static_return import StaticReturn
from broker.groups.storing import GroupStore
from broker.groups.syncing import Syncing, SyncRequest
from broker.groups.transactional_offsets import TransactionalOffsets
from broker.wire.errors import ErrorCode, KafkaError
from coordination.values import Recorder, TopicPartition


class GroupCoordinator:
    """All groups of one broker. `clock_ms` is wall-clock time; sessions go by trio's clock."""

    def __init__(
        self,
        config: GroupConfig,
        offsets_log: OffsetsLog,
        recorder: Recorder,
        clock_ms: Callable[[], int],
        rng: Random,
    ) -> None:
        self._log = offsets_log
        self._background = background = Background()
        self._deadlines = deadlines = Deadlines()
        self._directory = directory = GroupDirectory(offsets_log)
        store = GroupStore(offsets_log, clock_ms)
        self._rebalancing = rebalancing = Rebalancing(
            config, deadlines, store, background, recorder, clock_ms
        )
        static_return = StaticReturn(rebalancing, store, background, recorder)
        self._joining = Joining(
            config, directory, rebalancing, static_return, recorder, clock_ms, rng
        )
        self._syncing = Syncing(directory, rebalancing, store, background, recorder)
        self._leaving = Leaving(directory, rebalancing)
        self._offsets = Offsets(config, directory, rebalancing, store, clock_ms)
        self._transactional_offsets = TransactionalOffsets(
            config, directory, offsets_log, store, background, clock_ms
        )
        self._retention = Retention(
            config, directory, rebalancing, store, background, recorder, clock_ms
        )
        self._loading = Loading(
            config, directory, rebalancing, offsets_log, background, recorder, clock_ms
        )

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Coordinate until cancelled. Started: requests and elections may come."""
        async with self._background.running():
            self._background.start(self._watch_deadlines)
            self._background.start(self._retention.run)
            task_status.started()
            await trio.sleep_forever()

    async def _watch_deadlines(self) -> None:
        while True:
            self._rebalancing.due(await self._deadlines.next_due())

    # Elections, from LeaderAndIsr and StopReplica

    def partition_for(self, group_id: str) -> int:
        """The partition of `__consumer_offsets` whose leader coordinates the group."""
        return partition_for(group_id, self._log.partition_count)

    def elected(self, partition: int, leader_epoch: int, cause: str) -> None:
        """This broker leads a partition of `__consumer_offsets`; its loading begins."""
        self._loading.elected(partition, leader_epoch, cause)

    def resigned(self, partition: int, leader_epoch: int | None, cause: str) -> None:
        """This broker leads the partition no more; without an epoch: it was deleted here."""
        self._loading.resigned(partition, leader_epoch, cause)

    # Transactions, from WriteTxnMarkers

    def marker_appended(self, partition: int, ended: EndedTransaction) -> None:
        """A marker is in this partition of `__consumer_offsets`; acted on when it is replicated.

        To be told at once, in the order of the log.
        """
        if self._background.is_open:
            self._transactional_offsets.marker_appended(partition, ended)

    # Requests

    async def join(self, request: JoinRequest) -> JoinResult:
        """Answered when the round of joining ends."""
        if not self._background.is_open:
            return JoinResult(ErrorCode.COORDINATOR_NOT_AVAILABLE, request.member_id)
        waiting = OneAnswer[JoinResult]()
        self._joining.join(request, waiting)
        return await waiting.wait()

    async def sync(self, request: SyncRequest) -> SyncResult:
        """Answered when the leader's assignment is stored."""
        if not self._background.is_open:
            return SyncResult(ErrorCode.COORDINATOR_NOT_AVAILABLE)
        waiting = OneAnswer[SyncResult]()
        self._syncing.sync(request, waiting)
        return await waiting.wait()

    async def heartbeat(
        self, group_id: str, member_id: str, group_instance_id: str | None, generation: int
    ) -> ErrorCode:
        if not self._background.is_open:
            return ErrorCode.COORDINATOR_NOT_AVAILABLE
        return self._syncing.heartbeat(group_id, member_id, group_instance_id, generation)

    async def leave(self, group_id: str, leaving: Sequence[LeavingMember]) -> list[ErrorCode]:
        """An error for each. KafkaError: the group is not one of ours, or not now."""
        self._check_open()
        return self._leaving.leave(group_id, leaving)

    async def commit_offsets(self, request: CommitRequest) -> dict[TopicPartition, ErrorCode]:
        """Answered when the offsets are replicated; an error for each partition."""
        if not self._background.is_open:
            return dict.fromkeys(request.offsets, ErrorCode.COORDINATOR_NOT_AVAILABLE)
        return await self._offsets.commit(request)

    async def commit_offsets_in_transaction(
        self, request: CommitRequest, producer: TransactionalProducer
    ) -> dict[TopicPartition, ErrorCode]:
        """As `commit_offsets`; they count when the producer's transaction commits."""
        if not self._background.is_open:
            return dict.fromkeys(request.offsets, ErrorCode.COORDINATOR_NOT_AVAILABLE)
        return await self._transactional_offsets.commit(request, producer)

    async def fetch_offsets(
        self,
        group_id: str,
        partitions: Iterable[TopicPartition] | None,
        *,
        require_stable: bool = False,
    ) -> dict[TopicPartition, FetchedOffset]:
        """Of these partitions, or (None) of all. KafkaError: not one of ours, or not now."""
        self._check_open()
        return self._offsets.fetch(group_id, partitions, require_stable=require_stable)

    async def list_groups(
        self, states: Collection[str] = (), types: Collection[str] = ()
    ) -> tuple[ErrorCode, list[GroupOverview]]:
        if not self._background.is_open:
            return ErrorCode.COORDINATOR_NOT_AVAILABLE, []
        return list_groups(self._directory, states, types)

    def counts(self) -> GroupCounts:
        """Of the groups that are loaded."""
        return count_groups(self._directory)

    async def describe_group(self, group_id: str) -> GroupDescription:
        """KafkaError: the group is not one of ours, or not now."""
        self._check_open()
        return describe_group(self._directory.find(group_id))

    async def delete_groups(self, group_ids: Collection[str]) -> dict[str, ErrorCode]:
        if not self._background.is_open:
            return dict.fromkeys(group_ids, ErrorCode.COORDINATOR_NOT_AVAILABLE)
        return await self._retention.delete_groups(group_ids)

    async def delete_offsets(
        self, group_id: str, partitions: Collection[TopicPartition]
    ) -> dict[TopicPartition, ErrorCode]:
        """An error for each. KafkaError: none of them can be deleted, or not now."""
        self._check_open()
        return await self._retention.delete_offsets(group_id, partitions)

    def topics_deleted(self, partitions: Collection[TopicPartition]) -> None:
        """These partitions were deleted: their offsets go too, without waiting for it.

        The news comes from the controller, on whose next order the replication may depend.
        """
        if self._background.is_open:
            self._retention.topics_deleted(partitions)

    def _check_open(self) -> None:
        if not self._background.is_open:
            raise KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE)
