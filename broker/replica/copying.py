"""Following one partition: what a leader's answer does to the copy of its log.

    records          append them as they are, take over the high watermark and the log start
    diverging epoch  cut the log where the two part (broker.replica.truncation)
    out of range     the leader's log ends before ours (an unclean election): cut to its end;
                     it starts after our end (retention deleted what we lack): begin there anew

All of it is synchronous, so a change of role can't slip in between the check and the append.

Kafka: ReplicaFetcherThread.processPartitionData, AbstractFetcherThread.truncateOnFetchResponse,
fetchOffsetAndTruncate.
"""

import attrs

from broker.log.values import EpochEndOffset
from broker.replica.partition import Partition
from broker.replica.roles import Following
from broker.replica.truncation import truncation_offset
from broker.wire.messages.fetch import FetchPartition, PartitionData
from coordination.values import Recorder

# The first back-off after an error.
FIRST_BACKOFF_S = 0.02


@attrs.define(eq=False)
class Copy:
    """One partition in a fetcher's table.

    `epoch` is the leader epoch that it was added at, `first_fetch` the number of the first fetch
    that could ask for it: an earlier one's answer is for another role. `lag` is the distance to the
    leader's high watermark, None before the first answer.
    """

    partition: Partition
    epoch: int
    first_fetch: int
    recorder: Recorder
    lag: int | None = None
    not_before_s: float = float("-inf")
    backoff_s: float = FIRST_BACKOFF_S

    @property
    def is_current(self) -> bool:
        role = self.partition.role
        return isinstance(role, Following) and role.epoch == self.epoch

    @property
    def is_in_sync(self) -> bool:
        return self.lag == 0

    def put_off(self, now_s: float, longest_s: float) -> None:
        """Leave it alone for a while, and longer the next time."""
        self.not_before_s = now_s + min(self.backoff_s, longest_s)
        self.backoff_s = min(2 * self.backoff_s, longest_s)

    def asked(self, max_bytes: int) -> FetchPartition:
        """What comes next, and what proves that the logs agree so far."""
        log = self.partition.log
        latest_epoch = log.latest_epoch
        return FetchPartition(
            partition=self.partition.topic_partition.partition,
            current_leader_epoch=self.epoch,
            fetch_offset=log.log_end_offset,
            last_fetched_epoch=-1 if latest_epoch is None else latest_epoch,
            log_start_offset=log.log_start_offset,
            partition_max_bytes=max_bytes,
        )

    def apply(self, data: PartitionData) -> int:
        """Do what an answer without error says; the number of bytes appended.

        Raises `KafkaError` and `OSError` when the log fails, or doesn't take what came.
        """
        size_bytes = 0
        if data.diverging_epoch is not None:
            end = data.diverging_epoch
            self._truncate(EpochEndOffset(end.epoch, end.end_offset))
        else:
            size_bytes = self._append(data)
        self.backoff_s = FIRST_BACKOFF_S
        return size_bytes

    def _append(self, data: PartitionData) -> int:
        partition, records = self.partition, data.records
        size_bytes = 0
        if records:
            assert isinstance(records, memoryview | bytes)
            appended = partition.log.append_as_follower(records)
            size_bytes = appended.size_bytes if appended is not None else 0
            partition.traffic.replication_bytes_in += size_bytes
            if partition.broker_id in partition.adding:
                partition.traffic.reassignment_bytes_in += size_bytes
            partition.moved.happened()
        partition.follow_high_watermark(data.high_watermark)
        partition.log.increment_log_start_offset(
            min(data.log_start_offset, partition.high_watermark)
        )
        self.lag = max(0, data.high_watermark - partition.log.log_end_offset)
        return size_bytes

    def _truncate(self, leader: EpochEndOffset) -> None:
        log = self.partition.log
        before = log.log_end_offset
        log.truncate_to(truncation_offset(leader, before, log.end_offset_for_epoch))
        self._truncated(
            before, f"the leader's epoch {leader.leader_epoch} ends at {leader.end_offset}"
        )

    def start_where_the_leader_does(self, start: int, end: int) -> None:
        """Our end isn't in the leader's log, which is `start` to `end`: go where it is."""
        log = self.partition.log
        before = log.log_end_offset
        if end < before:
            log.truncate_to(end)
        elif start > before:
            log.truncate_fully_and_start_at(start)
        else:
            return  # the leader's log has moved meanwhile: it fits now
        self._truncated(before, f"out of range: the leader's log is {start} to {end}")

    def _truncated(self, before: int, why: str) -> None:
        log = self.partition.log
        if log.log_end_offset == before:
            return  # only an epoch without records was forgotten
        self.recorder(
            "partition.truncated",
            partition=str(self.partition.topic_partition),
            before=before,
            log_end_offset=log.log_end_offset,
            why=why,
        )
        self.partition.wake_all()  # the high watermark may have gone back with it
