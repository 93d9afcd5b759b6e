"""Replicas on their way from one log directory to another: AlterReplicaLogDirs (KIP-113).

    AlterReplicaLogDirs ─► alter ──► a future log in the other directory ──┐
    LeaderAndIsr ────────► assign    one was found there at the start ─────┤
                                                                           ▼
       run    a few replicas at once, the first by name: ─► copy ─► caught up ─► swap
                  │                                           ▲          │
                  └── too many bytes lately: wait ────────────┘          └─► the old log: `-delete`

How many at once: num.replica.alter.log.dirs.threads.

A move ends early when another destination is asked for (the replica's own directory, to give it
up), when the replica is deleted, and when the new directory fails. It survives a restart.

The last records are copied in the event loop, in one piece with the swap, so none is appended in
between. From the outside nothing happens: offsets, high watermark, epochs and role stay. Before
that the checkpoints of the new directory tell of the copy, for a crash from then on.

replica.alter.log.dirs.io.max.bytes.per.second limits all moves of a broker together.

Invariant: a partition's `future` is in `FutureLogs`, and is changed under `control_order` only, or
when a directory fails.

Kafka: ReplicaManager.alterReplicaLogDirs, ReplicaAlterLogDirsManager,
Partition.maybeReplaceCurrentWithFutureReplica.
"""

import logging
import math
from collections.abc import Iterator, Mapping

import attrs
import trio

from broker.log.future_logs import can_be_moved
from broker.log.log_directory import LogDirectory
from broker.log.partition_log import PartitionLog
from broker.replica.manager import ReplicaManager
from broker.replica.move import Move
from broker.replica.partition import Partition
from broker.replica.throttle import Throttle
from broker.wire.errors import ErrorCode, KafkaError
from coordination.values import Recorder, TopicPartition

_log = logging.getLogger(__name__)

# How soon is looked again whether the throttle lets something pass: a fraction of its window.
THROTTLED_PAUSE_S = 0.1

# So many pieces the controller's orders wait for, some tens of milliseconds: else the move waits.
_MOST_LAST_PIECES = 20


@attrs.define(eq=False)
class LogDirMoves:
    """Those of a broker; `run` owns their tasks."""

    replicas: ReplicaManager
    throttle: Throttle
    recorder: Recorder
    _moves: dict[TopicPartition, Move] = attrs.field(factory=dict, init=False)
    _taken: set[TopicPartition] = attrs.field(factory=set, init=False)  # each by one task
    _changed: trio.Event = attrs.field(factory=trio.Event, init=False)

    # -- what is to be moved ------------------------------------------------------

    async def alter(
        self, destinations: Mapping[TopicPartition, str]
    ) -> dict[TopicPartition, ErrorCode]:
        """Begin to move replicas to the log directories of these absolute paths."""
        errors = {}
        async with self.replicas.control_order:
            for topic_partition, path in destinations.items():
                try:
                    await self._alter(topic_partition, path)
                except KafkaError as error:
                    _log.info("%s isn't moved to %s: %s", topic_partition, path, error)
                    errors[topic_partition] = error.code
                else:
                    errors[topic_partition] = ErrorCode.NONE
        return errors

    async def _alter(self, topic_partition: TopicPartition, path: str) -> None:
        """A partition that isn't here yet is remembered to be made there: REPLICA_NOT_AVAILABLE.

        Otherwise INVALID_TOPIC_EXCEPTION for too long a name, LOG_DIR_NOT_FOUND,
        KAFKA_STORAGE_ERROR, UNKNOWN_TOPIC_OR_PARTITION.
        """
        if not can_be_moved(topic_partition):
            raise KafkaError(ErrorCode.INVALID_TOPIC_EXCEPTION, "The topic name is too long.")
        logs = self.replicas.logs
        directory = logs.directories.named(path)
        directory.storage.check()
        partition = self.replicas.partitions.get(topic_partition)
        if partition is not None and not _is_in(directory, partition.future):
            await self._give_up(partition, f"to be in {path}")
        self.replicas.check_online(topic_partition)
        logs.futures.prefer(topic_partition, directory)
        try:
            partition = self.replicas.find(topic_partition)
            partition.serving()
        except KafkaError as error:
            if error.code is not ErrorCode.NOT_LEADER_OR_FOLLOWER:
                raise
            raise KafkaError(ErrorCode.REPLICA_NOT_AVAILABLE, error.message) from error
        if partition.future is None and not _is_in(directory, partition.log):
            await self._begin(partition, directory)

    async def _begin(self, partition: Partition, directory: LogDirectory) -> None:
        self.replicas.logs.directories.check_all_online(partition.topic_partition)
        futures = self.replicas.logs.futures
        future = await futures.create(partition.log, directory, partition.log.config)
        if self.replicas.partitions.get(partition.topic_partition) is not partition:
            # Its directory has failed. What the client is refused doesn't go on at the next start.
            await futures.delete(partition.topic_partition)
            self.replicas.check_online(partition.topic_partition)
        partition.future = future
        self.recorder(
            "partition.move_began",
            partition=str(partition.topic_partition),
            source=partition.log.directory.parent,
            destination=directory.path,
        )
        self.assign(partition)

    async def _give_up(self, partition: Partition, why: str) -> None:
        if partition.future is None:
            return
        self._ended(partition, why)
        await self.replicas.logs.futures.delete(partition.topic_partition)

    # -- news of the partitions ---------------------------------------------------

    def assign(self, partition: Partition) -> None:
        """The partition has a role: go on with its move, if it's in one."""
        self.remove(partition)
        if partition.future is not None:
            self._moves[partition.topic_partition] = Move(partition, partition.future)
            self._wake()

    def remove(self, partition: Partition) -> None:
        """The replica isn't in use any more: its move rests."""
        self._moves.pop(partition.topic_partition, None)
        self._wake()

    def directory_failed(self, directory: LogDirectory) -> None:
        """What was to go there stays where it is."""
        for partition in self.replicas.partitions.values():
            if _is_in(directory, partition.future):
                self._ended(partition, f"{directory.path} has failed")

    def _ended(self, partition: Partition, why: str) -> None:
        assert partition.future is not None
        self.recorder(
            "partition.move_ended",
            partition=str(partition.topic_partition),
            destination=partition.future.directory.parent,
            why=why,
        )
        partition.future = None
        self.remove(partition)

    # -- moving -------------------------------------------------------------------

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Until cancelled. Started: at once."""
        async with trio.open_nursery() as nursery:
            for _ in range(self.replicas.config.num_replica_alter_log_dirs_threads):
                nursery.start_soon(self._work)
            task_status.started()

    async def _work(self) -> None:
        while True:
            topic_partition = self._next()
            if topic_partition is None:
                await self._wait_for_change(self._next_take_up_s())
            elif self.throttle.is_exceeded:
                await self._wait_for_change(trio.current_time() + THROTTLED_PAUSE_S)
            else:
                self._taken.add(topic_partition)
                await self._advance(self._moves[topic_partition])
                self._taken.discard(topic_partition)
                self._wake()

    def _next(self) -> TopicPartition | None:
        """The same as the last time, as long as it's on its way, so that it catches up soonest."""
        now_s = trio.current_time()
        ready = (tp for tp, move in self._waiting() if move.not_before_s <= now_s)
        return min(ready, default=None)

    def _next_take_up_s(self) -> float:
        return min((move.not_before_s for _, move in self._waiting()), default=math.inf)

    def _waiting(self) -> Iterator[tuple[TopicPartition, Move]]:
        return ((tp, move) for tp, move in self._moves.items() if tp not in self._taken)

    def _wake(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    async def _wait_for_change(self, deadline_s: float) -> None:
        with trio.move_on_at(deadline_s):
            await self._changed.wait()

    async def _advance(self, move: Move) -> None:
        """Copy a piece, or swap. Trouble with one (a disk that fails) leaves the others alone."""
        try:
            if not move.is_current:
                self.remove(move.partition)
            elif await self._copy_piece(move):
                await self._prepare_swap(move)
                await self._swap(move)
        except (KafkaError, OSError) as error:
            _log.error("can't move %s: %s", move.partition.topic_partition, error)
            self._put_off(move)

    def _put_off(self, move: Move) -> None:
        backoff_s = self.replicas.config.replica_fetch_backoff_ms / 1000
        move.not_before_s = trio.current_time() + backoff_s

    async def _copy_piece(self, move: Move) -> bool:
        """Whether it was the last one: only what was appended meanwhile may be missing."""
        found = move.next_slice(self.replicas.config.replica_fetch_max_bytes)
        is_last = move.reaches_end(found)
        if found.regions:
            self.throttle.record(await move.copy(found))
        return is_last

    async def _prepare_swap(self, move: Move) -> None:
        """What takes long on a busy disk, before the controller's orders have to wait for it."""
        move.skip_gap()
        await self.replicas.logs.futures.make_durable(move.future)
        self.replicas.high_watermarks.will_be_in(move.future.directory.parent)
        await self.replicas.high_watermarks.write_moved(self.replicas.partitions.values())
        await self._catch_up(move)

    async def _swap(self, move: Move) -> None:
        """Copy the rest, and serve from the copy from then on."""
        partition, futures = move.partition, self.replicas.logs.futures
        async with self.replicas.control_order:
            if not await self._catch_up(move):
                self._put_off(move)
                return
            # From here on nothing is awaited until the copy is in use.
            self.throttle.record(move.copy_rest(self.replicas.config.replica_fetch_max_bytes))
            old = futures.swap(partition.topic_partition)
            self._swapped(partition, old)
            await futures.retire(old, partition.log)

    async def _catch_up(self, move: Move) -> bool:
        for _ in range(_MOST_LAST_PIECES):
            if not move.is_current:
                break
            if await self._copy_piece(move):
                return move.is_current
        return False

    def _swapped(self, partition: Partition, old: PartitionLog) -> None:
        assert partition.future is not None
        partition.log, partition.future = partition.future, None
        self.remove(partition)
        self.replicas.high_watermarks.moved(partition, old.directory.parent)
        self.recorder(
            "partition.moved",
            partition=str(partition.topic_partition),
            source=old.directory.parent,
            destination=partition.log.directory.parent,
            log_end_offset=partition.log.log_end_offset,
        )


def _is_in(directory: LogDirectory, of_partition: PartitionLog | None) -> bool:
    return of_partition is not None and of_partition.directory.parent == directory.path
