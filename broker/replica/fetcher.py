"""Copying from one leader: fetch, append, truncate where the logs part, repeat.

    ┌─► Fetch 17: offset, last fetched epoch, leader epoch of every partition that is new or has
    │        │    moved; the others are in the fetch session (broker.replica.session_client)
    │        ▼  each partition's answer, if its role is still the one that asked
    │   records, or where the logs part ──► broker.replica.copying
    │   OFFSET_OUT_OF_RANGE ──────────────► ListOffsets, then copying, after a moment as below
    │   other errors ─────────────────────► leave that partition alone: a moment, twice as long, ..
    └────────┘                              up to replica.fetch.backoff.ms

Kafka waits that long after the first error already. But the commonest error is to ask a leader
that has not heard of its election yet, a few milliseconds after we have; producers with acks=all
wait for us then, and a second would be six times what the rest of a failover takes.

A round costs what has moved in it and not what is followed: a partition in which nothing happens is
neither named, nor answered, nor looked at. One that is left alone is out of the session meanwhile.
A throttled one is too, as long as too many bytes have come for those that are (KIP-73).

The request's `currentLeaderEpoch` fences the other way round: a leader of another epoch refuses us
(KIP-320).

Kafka: AbstractFetcherThread, ReplicaFetcherThread, KIP-595 (truncation on fetch).
"""

import logging
import math
from collections.abc import Iterable

import attrs
import trio

from broker.config.broker_config import BrokerConfig
from broker.control.metadata_cache import MetadataCache
from broker.log.values import EARLIEST_TIMESTAMP, LATEST_TIMESTAMP
from broker.network.peers import Connect, PeerUnavailable
from broker.replica.copying import FIRST_BACKOFF_S, Copy
from broker.replica.leader_link import LeaderLink
from broker.replica.partition import Partition
from broker.replica.session_client import Key, SessionClient, SessionRequest
from broker.replica.throttle import Throttle
from broker.waiting import Due
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.messages.fetch import (
    FetchPartition,
    FetchRequest,
    FetchTopic,
    ForgottenTopic,
    PartitionData,
    ReplicaState,
)
from coordination.values import Recorder

_log = logging.getLogger(__name__)

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


@attrs.define(eq=False)
class Fetcher:
    """Copies partitions from the broker `source`."""

    source: int
    broker_id: int
    config: BrokerConfig
    metadata: MetadataCache
    recorder: Recorder
    connect: Connect
    throttle: Throttle
    broker_epoch: int = attrs.field(default=-1, init=False)
    _copies: dict[Key, Copy] = attrs.field(factory=dict, init=False)
    _left_alone: dict[Key, Copy] = attrs.field(factory=dict, init=False)
    # Whose log start has moved, by retention: the leader is told.
    _moved_starts: Due[Copy] = attrs.field(factory=Due, init=False)
    _session: SessionClient = attrs.field(factory=SessionClient, init=False)
    _fetches: int = attrs.field(default=0, init=False)
    _changed: trio.Event = attrs.field(factory=trio.Event, init=False)
    _link: LeaderLink = attrs.field(init=False)

    @property
    def max_lag(self) -> int:
        """How many records the replica that is furthest behind lacks, as far as is known."""
        return max((copy.lag or 0 for copy in self._copies.values()), default=0)

    def __attrs_post_init__(self) -> None:
        self._link = LeaderLink(
            self.source, self.broker_id, self.config, self.metadata, self.connect
        )

    def add(self, partition: Partition) -> None:
        copy = Copy(partition, partition.leader_epoch, self._fetches + 1, self.recorder)
        self._copies[_key(partition)] = copy
        partition.log.start_moved.watch(self._moved_starts, copy, rings=False)
        self._want(copy)
        self._changed.set()

    def remove(self, partition: Partition) -> None:
        key = _key(partition)
        copy = self._copies.pop(key, None)
        if copy is not None:
            self._left_alone.pop(key, None)
            self._session.leave(key)
            partition.log.start_moved.unwatch(self._moved_starts)
            self._moved_starts.unmark(copy)
            self._changed.set()

    async def run(self) -> None:
        """Fetch until no partition is left."""
        backoff_s = FIRST_BACKOFF_S
        try:
            while self._copies:
                self._take_up()
                if not self._session.wanted:
                    await self._wait_for_change(self._next_take_up_s())
                    continue
                try:
                    await self._fetch()
                    backoff_s = FIRST_BACKOFF_S
                except PeerUnavailable as error:
                    _log.info("can't fetch from broker %d: %s", self.source, error)
                    self._session.failed()
                    self._link.close()
                    await self._wait_for_change(trio.current_time() + backoff_s)
                    backoff_s = min(2 * backoff_s, self._longest_backoff_s)
        finally:
            self._link.close()

    # -- what to fetch ----------------------------------------------------------

    def _want(self, copy: Copy) -> None:
        if self._is_held_back(copy):
            copy.not_before_s = trio.current_time() + self.config.replica_fetch_wait_max_ms / 1000
            self._take_out(copy)
        else:
            asked = copy.asked(self.config.replica_fetch_max_bytes)
            self._session.want(_key(copy.partition), asked)

    def _is_held_back(self, copy: Copy) -> bool:
        return (
            not copy.is_in_sync
            and copy.partition.is_throttled_as_follower
            and self.throttle.is_exceeded
        )

    def _leave_alone(self, copy: Copy) -> None:
        copy.put_off(trio.current_time(), self._longest_backoff_s)
        self._take_out(copy)

    def _take_out(self, copy: Copy) -> None:
        key = _key(copy.partition)
        self._left_alone[key] = copy
        self._session.leave(key)

    def _take_up(self) -> None:
        """Ask again for what was left alone for long enough, and say which log starts moved."""
        now_s = trio.current_time()
        for key, copy in list(self._left_alone.items()):
            if copy.not_before_s <= now_s:
                del self._left_alone[key]
                self._want(copy)
        for copy in list(self._moved_starts.items):
            self._moved_starts.unmark(copy)
            if _key(copy.partition) not in self._left_alone:
                self._want(copy)

    def _next_take_up_s(self) -> float:
        return min((copy.not_before_s for copy in self._left_alone.values()), default=math.inf)

    async def _wait_for_change(self, deadline_s: float) -> None:
        """Until a partition comes or goes, or it's that late."""
        self._changed = trio.Event()
        with trio.move_on_at(deadline_s):
            await self._changed.wait()

    @property
    def _longest_backoff_s(self) -> float:
        return self.config.replica_fetch_backoff_ms / 1000

    def _max_wait_ms(self) -> int:
        """How long the leader may wait for records: not past the end of a partition's back-off."""
        left_s = max(0.0, self._next_take_up_s() - trio.current_time())
        longest_ms = self.config.replica_fetch_wait_max_ms
        return longest_ms if left_s * 1000 > longest_ms else math.ceil(1000 * left_s)

    # -- fetching ---------------------------------------------------------------

    async def _fetch(self) -> None:
        """One round; raises `PeerUnavailable`."""
        request = self._session.request()
        self._fetches += 1
        response = await self._link.fetch(self._message(request))
        answers = {
            (topic.topic_id, data.partition_index): data
            for topic in response.responses
            for data in topic.partitions
        }
        error = ErrorCode.of(response.error_code)
        if not self._session.answered(request, error, response.session_id, answers):
            if request.is_full:
                raise PeerUnavailable(f"a full fetch is answered with {error.name}")
            return  # the session is gone, perhaps with its broker's former life
        out_of_range = []
        for key, data in answers.items():
            copy = self._copies.get(key)
            if copy is None or copy.first_fetch > self._fetches or not copy.is_current:
                continue
            if data.error_code == ErrorCode.OFFSET_OUT_OF_RANGE:
                out_of_range.append(copy)
            else:
                self._apply(copy, data)
        for copy in out_of_range:
            await self._find_new_start(copy)

    def _message(self, request: SessionRequest) -> FetchRequest:
        return FetchRequest(
            replica_state=ReplicaState(replica_id=self.broker_id, replica_epoch=self.broker_epoch),
            max_wait_ms=self._max_wait_ms(),
            min_bytes=self.config.replica_fetch_min_bytes,
            max_bytes=self.config.replica_fetch_response_max_bytes,
            session_id=request.session_id,
            session_epoch=request.epoch,
            topics=_by_topic(request.named),
            forgotten_topics_data=_forgotten(request.forgotten),
        )

    def _apply(self, copy: Copy, data: PartitionData) -> None:
        """Do what one partition's answer says; the role was checked by the caller, just now.

        Trouble with one partition (a disk that fails) leaves the others alone.
        """
        if data.error_code != ErrorCode.NONE:
            code = ErrorCode.of(data.error_code)
            level = logging.DEBUG if code in PASSING else logging.WARNING
            name = copy.partition.topic_partition
            _log.log(level, "broker %d: %s: %s", self.source, name, code.name)
            self._leave_alone(copy)
            return
        try:
            size_bytes = copy.apply(data)
        except (KafkaError, OSError) as error:
            self._failed(copy, error)
        else:
            if size_bytes and copy.partition.is_throttled_as_follower:
                self.throttle.record(size_bytes)
            self._want(copy)

    def _failed(self, copy: Copy, error: Exception) -> None:
        _log.error("can't follow %s: %s", copy.partition.topic_partition, error)
        self._leave_alone(copy)

    async def _find_new_start(self, copy: Copy) -> None:
        """Our end isn't in the leader's log: find out where that is, and go there."""
        topic_partition = copy.partition.topic_partition
        end = await self._link.offset(topic_partition, copy.epoch, LATEST_TIMESTAMP)
        start = await self._link.offset(topic_partition, copy.epoch, EARLIEST_TIMESTAMP)
        if self._copies.get(_key(copy.partition)) is not copy:
            return
        if end is None or start is None or not copy.is_current:
            self._leave_alone(copy)
            return
        try:
            copy.start_where_the_leader_does(start, end)
        except (KafkaError, OSError) as error:
            self._failed(copy, error)
        else:
            self._leave_alone(copy)  # or a leader that goes on saying so is asked without a pause


def _key(partition: Partition) -> Key:
    return partition.topic_id, partition.topic_partition.partition


def _by_topic(named: dict[Key, FetchPartition]) -> list[FetchTopic]:
    topics: dict[object, FetchTopic] = {}
    for (topic_id, _), asked in named.items():
        topics.setdefault(topic_id, FetchTopic(topic_id=topic_id)).partitions.append(asked)
    return list(topics.values())


def _forgotten(keys: Iterable[Key]) -> list[ForgottenTopic]:
    topics: dict[object, ForgottenTopic] = {}
    for topic_id, partition in keys:
        topic = topics.setdefault(topic_id, ForgottenTopic(topic_id=topic_id))
        topic.partitions.append(partition)
    return list(topics.values())
