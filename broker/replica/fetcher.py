"""Copying from one leader: fetch, append, truncate where the logs part, repeat.

    ┌─► Fetch 17: offset, last fetched epoch, leader epoch of every partition
    │        │
    │        ▼  each partition's answer, if its role is still the one that asked
    │   records ──────────► append as they are, take over high watermark and log start
    │   diverging epoch ──► truncate (broker.replica.truncation), ask again
    │   OFFSET_OUT_OF_RANGE ► ListOffsets: start where the leader's log does, or cut to its end
    │   other errors ─────► leave that partition alone: a moment, twice as long, twice as long
    └────────┘              again, up to replica.fetch.backoff.ms

Kafka waits that long after the first error already. But the commonest error is to ask a leader
that has not heard of its election yet, a few milliseconds after we have; producers with acks=all
wait for us then, and a second would be six times what the rest of a failover takes.

Everything that an answer leads to happens at once and synchronously, so a
change of role can't slip in between the check and the append. The request's
`currentLeaderEpoch` fences the other way round: a leader of another epoch
refuses us (KIP-320).

Kafka: AbstractFetcherThread, ReplicaFetcherThread, KIP-595 (truncation on fetch).
"""

import logging
import math

import attrs
import trio

from broker.config.broker_config import BrokerConfig
from broker.log.values import (
    EARLIEST_TIMESTAMP,
    LATEST_TIMESTAMP,
    EpochEndOffset,
)
from broker.metadata_cache import MetadataCache
from broker.peers import Connect, Peer, PeerUnavailable
from broker.replica.partition import Following, Partition
from broker.replica.truncation import truncation_offset
from broker.wire.apis import ApiKey
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.messages.fetch import (
    FetchPartition,
    FetchRequest,
    FetchResponse,
    FetchTopic,
    PartitionData,
    ReplicaState,
)
from broker.wire.messages.list_offsets import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsResponse,
    ListOffsetsTopic,
)
from coordination.values import Recorder, TopicPartition

log = logging.getLogger("zbroker.replica.fetcher")

# The first back-off after an error.
FIRST_BACKOFF_S = 0.02

FINAL_SESSION_EPOCH = -1  # every request is complete in itself: no fetch session

# What a leader answers while one of us has yet to hear of a change; they pass by themselves.
PASSING = frozenset(
    {
        ErrorCode.NOT_LEADER_OR_FOLLOWER,
        ErrorCode.FENCED_LEADER_EPOCH,
        ErrorCode.UNKNOWN_LEADER_EPOCH,
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        ErrorCode.UNKNOWN_TOPIC_ID,
        ErrorCode.INCONSISTENT_TOPIC_ID,
    }
)


@attrs.define
class _Copy:
    """One partition in the fetcher's table. `epoch` is the leader epoch that it was added at."""

    partition: Partition
    epoch: int
    not_before_s: float = float("-inf")
    backoff_s: float = FIRST_BACKOFF_S

    def put_off(self, now_s: float, longest_s: float) -> None:
        """Leave it alone for a while, and longer the next time."""
        self.not_before_s = now_s + min(self.backoff_s, longest_s)
        self.backoff_s = min(2 * self.backoff_s, longest_s)

    @property
    def is_current(self) -> bool:
        role = self.partition.role
        return isinstance(role, Following) and role.epoch == self.epoch


@attrs.define(eq=False)
class Fetcher:
    """Copies partitions from the broker `source`."""

    source: int
    broker_id: int
    config: BrokerConfig
    metadata: MetadataCache
    recorder: Recorder
    connect: Connect
    broker_epoch: int = attrs.field(default=-1, init=False)
    _copies: dict[TopicPartition, _Copy] = attrs.field(factory=dict, init=False)
    _changed: trio.Event = attrs.field(factory=trio.Event, init=False)
    _peer: Peer | None = attrs.field(default=None, init=False)

    def add(self, partition: Partition) -> None:
        self._copies[partition.topic_partition] = _Copy(partition, partition.leader_epoch)
        self._changed.set()

    def remove(self, partition: Partition) -> None:
        if self._copies.pop(partition.topic_partition, None) is not None:
            self._changed.set()

    async def run(self) -> None:
        """Fetch until no partition is left."""
        try:
            while self._copies:
                ready = self._ready()
                if not ready:
                    await self._wait_for_change()
                    continue
                try:
                    await self._fetch(ready)
                except PeerUnavailable as error:
                    log.info("can't fetch from broker %d: %s", self.source, error)
                    self._close()
                    self._put_off(ready)
        finally:
            self._close()

    # -- what to fetch ----------------------------------------------------------

    def _ready(self) -> list[_Copy]:
        now_s = trio.current_time()
        return [c for c in self._copies.values() if c.is_current and c.not_before_s <= now_s]

    async def _wait_for_change(self) -> None:
        """Until a partition comes, goes, or has been left alone for long enough."""
        self._changed = trio.Event()
        put_off = [copy.not_before_s for copy in self._copies.values() if copy.is_current]
        with trio.move_on_at(min(put_off, default=math.inf)):
            await self._changed.wait()

    def _max_wait_ms(self) -> int:
        """How long the leader may wait for records: not past the end of a partition's back-off."""
        now_s = trio.current_time()
        put_off = [c.not_before_s - now_s for c in self._copies.values() if c.not_before_s > now_s]
        longest_ms = self.config.replica_fetch_wait_max_ms
        return min([longest_ms, *(math.ceil(1000 * left_s) for left_s in put_off)])

    def _put_off(self, copies: list[_Copy]) -> None:
        now_s = trio.current_time()
        for copy in copies:
            copy.put_off(now_s, self.config.replica_fetch_backoff_ms / 1000)

    # -- fetching ---------------------------------------------------------------

    async def _fetch(self, copies: list[_Copy]) -> None:
        """One round for these partitions; raises `PeerUnavailable`."""
        request = self._request(copies)
        response = await self._connected().request(
            ApiKey.FETCH,
            17,
            request,
            FetchResponse,
            (self.config.replica_socket_timeout_ms + self.config.replica_fetch_wait_max_ms) / 1000,
        )
        if response.error_code != ErrorCode.NONE:
            raise PeerUnavailable(ErrorCode.of(response.error_code).name)
        asked = {
            (copy.partition.topic_id, copy.partition.topic_partition.partition): copy
            for copy in copies
        }
        out_of_range = []
        for topic in response.responses:
            for data in topic.partitions:
                copy = asked.get((topic.topic_id, data.partition_index))
                if copy is None or not copy.is_current:
                    continue
                if data.error_code == ErrorCode.OFFSET_OUT_OF_RANGE:
                    out_of_range.append(copy)
                else:
                    self._apply(copy, data)
        for copy in out_of_range:
            await self._find_new_start(copy)

    def _request(self, copies: list[_Copy]) -> FetchRequest:
        topics: dict[str, FetchTopic] = {}
        for copy in copies:
            partition = copy.partition
            tp = partition.topic_partition
            topic = topics.setdefault(tp.topic, FetchTopic(topic_id=partition.topic_id))
            latest_epoch = partition.log.latest_epoch
            topic.partitions.append(
                FetchPartition(
                    partition=tp.partition,
                    current_leader_epoch=copy.epoch,
                    fetch_offset=partition.log.log_end_offset,
                    last_fetched_epoch=-1 if latest_epoch is None else latest_epoch,
                    log_start_offset=partition.log.log_start_offset,
                    partition_max_bytes=self.config.replica_fetch_max_bytes,
                )
            )
        return FetchRequest(
            replica_state=ReplicaState(replica_id=self.broker_id, replica_epoch=self.broker_epoch),
            max_wait_ms=self._max_wait_ms(),
            min_bytes=self.config.replica_fetch_min_bytes,
            max_bytes=self.config.replica_fetch_response_max_bytes,
            session_epoch=FINAL_SESSION_EPOCH,
            topics=list(topics.values()),
        )

    # -- what an answer leads to ------------------------------------------------

    def _apply(self, copy: _Copy, data: PartitionData) -> None:
        """Do what one partition's answer says; the role was checked by the caller, just now.

        Trouble with one partition (a disk that fails) leaves the others alone.
        """
        partition = copy.partition
        if data.error_code != ErrorCode.NONE:
            code = ErrorCode.of(data.error_code)
            level = logging.DEBUG if code in PASSING else logging.WARNING
            log.log(level, "broker %d: %s: %s", self.source, partition.topic_partition, code.name)
            self._put_off([copy])
            return
        try:
            if data.diverging_epoch is not None:
                end = data.diverging_epoch
                self._truncate(partition, EpochEndOffset(end.epoch, end.end_offset))
            else:
                self._append(partition, data)
        except (KafkaError, OSError) as error:
            self._failed(copy, error)
        else:
            copy.backoff_s = FIRST_BACKOFF_S

    def _failed(self, copy: _Copy, error: Exception) -> None:
        log.error("can't follow %s: %s", copy.partition.topic_partition, error)
        self._put_off([copy])

    def _append(self, partition: Partition, data: PartitionData) -> None:
        records = data.records
        if records:
            assert isinstance(records, memoryview | bytes)
            partition.log.append_as_follower(records)
            partition.moved.happened()
        partition.follow_high_watermark(data.high_watermark)
        partition.log.increment_log_start_offset(
            min(data.log_start_offset, partition.high_watermark)
        )

    def _truncate(self, partition: Partition, leader: EpochEndOffset) -> None:
        before = partition.log.log_end_offset
        offset = truncation_offset(leader, before, partition.log.end_offset_for_epoch)
        partition.log.truncate_to(offset)
        self._truncated(
            partition,
            before,
            f"the leader's epoch {leader.leader_epoch} ends at {leader.end_offset}",
        )

    def _truncated(self, partition: Partition, before: int, why: str) -> None:
        if partition.log.log_end_offset == before:
            return  # only an epoch without records was forgotten
        self.recorder(
            "partition.truncated",
            partition=str(partition.topic_partition),
            before=before,
            log_end_offset=partition.log.log_end_offset,
            why=why,
        )
        partition.moved.happened()

    async def _find_new_start(self, copy: _Copy) -> None:
        """Our end isn't in the leader's log: go where it is.

        The leader's log ends before ours (an unclean election): cut to its end.
        It starts after our end (retention deleted what we lack): begin there anew.
        """
        partition = copy.partition
        end = await self._leader_offset(copy, LATEST_TIMESTAMP)
        start = await self._leader_offset(copy, EARLIEST_TIMESTAMP)
        if end is None or start is None or not copy.is_current:
            self._put_off([copy])
            return
        before = partition.log.log_end_offset
        try:
            if end < before:
                partition.log.truncate_to(end)
            elif start > before:
                partition.log.truncate_fully_and_start_at(start)
            else:
                return  # the leader's log has moved meanwhile: it fits now
        except (KafkaError, OSError) as error:
            self._failed(copy, error)
            return
        self._truncated(partition, before, f"out of range: the leader's log is {start} to {end}")

    async def _leader_offset(self, copy: _Copy, timestamp: int) -> int | None:
        tp = copy.partition.topic_partition
        asked = ListOffsetsPartition(
            partition_index=tp.partition, current_leader_epoch=copy.epoch, timestamp=timestamp
        )
        response = await self._connected().request(
            ApiKey.LIST_OFFSETS,
            9,
            ListOffsetsRequest(
                replica_id=self.broker_id,
                topics=[ListOffsetsTopic(name=tp.topic, partitions=[asked])],
            ),
            ListOffsetsResponse,
            self.config.replica_socket_timeout_ms / 1000,
        )
        for topic in response.topics:
            for answer in topic.partitions:
                if answer.error_code == ErrorCode.NONE:
                    return answer.offset
        return None

    # -- the connection ---------------------------------------------------------

    def _connected(self) -> Peer:
        """The peer at the source's current address; raises `PeerUnavailable` if it has none."""
        listener = self.config.inter_broker_listener_name
        endpoint = self.metadata.current.endpoint(self.source, listener)
        if endpoint is None:
            raise PeerUnavailable(f"broker {self.source} is not known to be alive")
        if self._peer is None or (self._peer.host, self._peer.port) != (
            endpoint.host,
            endpoint.port,
        ):
            self._close()
            client_id = f"broker-{self.broker_id}-fetcher-0"
            self._peer = Peer(endpoint.host, endpoint.port, client_id, self.connect)
        return self._peer

    def _close(self) -> None:
        if self._peer is not None:
            self._peer.close()
        self._peer = None
