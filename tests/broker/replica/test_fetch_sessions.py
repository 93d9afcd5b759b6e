"""Fetch sessions without partitions: ids and epochs, who yields to whom, what is answered."""

import random
from typing import Any
from uuid import UUID

import attrs
import pytest

from broker.log.values import EpochEndOffset
from broker.replica.fetch_sessions import (
    EVICTION_S,
    LARGEST_EPOCH,
    Exchange,
    FetchRequested,
    FetchSessions,
)
from broker.replica.follower_progress import FollowerProgress
from broker.replica.interest import Interest
from broker.replica.interests import Reads
from broker.replica.partition_read import PartitionFetch, PartitionRead
from broker.wire.errors import ErrorCode, KafkaError

TOPIC_ID = UUID(int=1)


def named(*partitions: int, offset: int = 0) -> tuple[Interest, ...]:
    return tuple(Interest("t", TOPIC_ID, n, PartitionFetch(offset, 100)) for n in partitions)


def reads_of(exchange: Exchange, **more: Any) -> Reads:
    """What a look at all that is due finds: nothing new, but for `more`."""
    found = {"high_watermark": 0, "log_start_offset": 0, **more}
    return {interest: PartitionRead(**found) for interest in exchange.interests.due.items}


@attrs.define
class Cache:
    slots: int = 10
    sessions: FetchSessions = attrs.field(init=False)
    now_s: float = 1000.0

    def __attrs_post_init__(self) -> None:
        self.sessions = FetchSessions(self.slots, random.Random(1))

    def begin(
        self, session_id: int, epoch: int, *partitions: int, replica_id: int = -1, **more: Any
    ) -> Exchange:
        requested = FetchRequested(
            session_id, epoch, more.pop("by_id", True), replica_id, named(*partitions), **more
        )
        return self.sessions.begin(requested, self.now_s)

    def answer(self, exchange: Exchange, **more: Any) -> tuple[int, list[int]]:
        """The session's id and the partitions in the answer."""
        session_id, told = self.sessions.answer(exchange, reads_of(exchange, **more), self.now_s)
        exchange.end()
        return session_id, [interest.partition for interest in told]

    def opened(self, *partitions: int, replica_id: int = -1) -> int:
        """The id of a new session, 0 if there's no room for it."""
        session_id, told = self.answer(self.begin(0, 0, *partitions, replica_id=replica_id))
        assert told == list(partitions)
        return session_id


def error_of(cache: Cache, *request: int, **more: Any) -> ErrorCode:
    with pytest.raises(KafkaError) as refused:
        cache.begin(*request, **more)
    return refused.value.code


def test_a_final_fetch_answers_all_and_leaves_no_session() -> None:
    cache = Cache()
    assert cache.answer(cache.begin(0, -1, 0, 1)) == (0, [0, 1])
    assert cache.sessions.sessions == {}


def test_the_same_partition_twice_counts_once_the_last() -> None:
    exchange = Cache().begin(0, 0, 3, 1, 3)
    assert [interest.partition for interest in exchange.interests.all.values()] == [3, 1]


def test_an_incremental_answer_has_what_is_not_as_it_was_told() -> None:
    cache = Cache()
    session = cache.opened(0, 1)
    assert cache.answer(cache.begin(session, 1)) == (session, [])
    assert cache.answer(cache.begin(session, 2), high_watermark=5) == (session, [0, 1])
    assert cache.answer(cache.begin(session, 3), high_watermark=5) == (session, [])
    assert cache.answer(cache.begin(session, 4), log_start_offset=2, high_watermark=5)[1] == [0, 1]
    after = {"log_start_offset": 2, "high_watermark": 5}
    assert cache.answer(cache.begin(session, 5), **after)[1] == []
    # Records, a preferred replica and errors are told each time they're found.
    for news in (
        {"size_bytes": 10},
        {"preferred_read_replica": 3},
        {"error": KafkaError(ErrorCode.KAFKA_STORAGE_ERROR)},
    ):
        for _ in range(2):
            epoch = cache.sessions.sessions[session].epoch
            assert cache.answer(cache.begin(session, epoch), **after, **news)[1] == [0, 1]
    # After an error all is told again.
    epoch = cache.sessions.sessions[session].epoch
    error = {"error": KafkaError(ErrorCode.NOT_LEADER_OR_FOLLOWER), "high_watermark": -1}
    cache.answer(cache.begin(session, epoch), **error)
    assert cache.answer(cache.begin(session, epoch + 1), **after)[1] == [0, 1]


def test_who_had_records_has_its_next_turn_after_the_others() -> None:
    cache = Cache()
    session = cache.opened(0, 1, 2)
    exchange = cache.begin(session, 1)
    reads = reads_of(exchange)
    first = next(iter(reads))
    reads[first] = PartitionRead(size_bytes=100, high_watermark=7, log_start_offset=0)
    _, told = cache.sessions.answer(exchange, reads, cache.now_s)
    assert list(told) == [first]
    assert [i.partition for i in cache.begin(session, 2, 0).interests.due.items] == [1, 2, 0]


def test_what_a_session_begins_with_stays_in_order() -> None:
    """Whoever had records in the first answer, too: as in Kafka."""
    cache = Cache()
    exchange = cache.begin(0, 0, 0, 1)
    reads = reads_of(exchange)
    first = next(iter(reads))
    reads[first] = PartitionRead(size_bytes=100, high_watermark=7, log_start_offset=0)
    session, told = cache.sessions.answer(exchange, reads, cache.now_s)
    assert list(told) == list(reads)
    again = cache.begin(session, 1, 2)
    assert [i.partition for i in again.interests.due.items] == [0, 1, 2]


def test_partitions_come_and_go_and_with_the_last_one_the_session() -> None:
    cache = Cache()
    session = cache.opened(0, 1)
    exchange = cache.begin(session, 1, 2, forgotten=((TOPIC_ID, 0), (TOPIC_ID, 9)))
    assert cache.answer(exchange) == (session, [2])
    assert [key[1] for key in exchange.interests.all] == [1, 2]
    last = cache.begin(session, 2, forgotten=((TOPIC_ID, 1), (TOPIC_ID, 2)))
    assert cache.answer(last) == (0, [])
    assert error_of(cache, session, 3) is ErrorCode.FETCH_SESSION_ID_NOT_FOUND


def test_who_truncates_is_told_the_high_watermark_afterwards() -> None:
    cache = Cache()
    session = cache.opened(0)
    diverging = cache.begin(session, 1)
    parted = EpochEndOffset(0, 2)
    assert cache.answer(diverging, high_watermark=2, diverging=parted) == (session, [0])
    assert cache.answer(cache.begin(session, 2, 0), high_watermark=2) == (session, [0])
    assert cache.answer(cache.begin(session, 3), high_watermark=2) == (session, [])


def test_a_partition_that_a_follower_asks_for_in_another_session_is_that_ones() -> None:
    """Kafka moves partitions between its fetchers when num.replica.fetchers changes."""
    progress = FollowerProgress()
    cache = Cache()
    sessions = [cache.begin(0, 0, 0, replica_id=2).interests for _ in range(2)]
    for interests in sessions:
        [interest] = interests.all.values()
        interest.in_contact(progress, interests.contact)
    first, second = sessions
    first.forget([(TOPIC_ID, 0)])
    assert progress.contact is second.contact
    second.forget([(TOPIC_ID, 0)])
    assert progress.contact is None


def test_what_does_not_go_on_with_the_session_is_refused() -> None:
    cache = Cache()
    session = cache.opened(0)
    assert error_of(cache, session, 2) is ErrorCode.INVALID_FETCH_SESSION_EPOCH
    assert error_of(cache, session + 1, 1) is ErrorCode.FETCH_SESSION_ID_NOT_FOUND
    assert error_of(cache, session, 1, by_id=False) is ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR
    assert cache.answer(cache.begin(session, 1)) == (session, [])


def test_of_two_fetches_at_once_the_later_is_answered_and_nothing_is_lost() -> None:
    cache = Cache()
    session = cache.opened(0)
    earlier = cache.begin(session, 1)
    reads = reads_of(earlier, high_watermark=5)
    for interest in list(reads):
        earlier.interests.due.unmark(interest)  # as after a look that found it
    later = cache.begin(session, 2)
    with pytest.raises(KafkaError) as refused:
        cache.sessions.answer(earlier, reads, cache.now_s)
    assert refused.value.code is ErrorCode.INVALID_FETCH_SESSION_EPOCH
    assert cache.answer(later, high_watermark=5) == (session, [0])


@pytest.mark.parametrize("epoch", [0, -1])
def test_a_full_fetch_ends_the_session_that_it_names(epoch: int) -> None:
    cache = Cache()
    session = cache.opened(0)
    cache.answer(cache.begin(session, epoch, 0))
    assert session not in cache.sessions.sessions
    assert len(cache.sessions.sessions) == (1 if epoch == 0 else 0)


def test_after_the_largest_epoch_comes_1() -> None:
    cache = Cache()
    session = cache.opened(0)
    cache.sessions.sessions[session].epoch = LARGEST_EPOCH
    cache.answer(cache.begin(session, LARGEST_EPOCH))
    assert cache.answer(cache.begin(session, 1)) == (session, [])


def test_without_slots_there_are_no_sessions() -> None:
    assert Cache(slots=0).opened(0) == 0


FEW, MANY = (0,), (0, 1, 2)
CONSUMER, FOLLOWER = -1, 5


@pytest.mark.parametrize(
    ("old", "new", "age_s", "unused_s", "yields"),
    [
        ((MANY, CONSUMER), (FEW, CONSUMER), EVICTION_S + 1, EVICTION_S + 1, True),  # stale
        ((MANY, FOLLOWER), (FEW, CONSUMER), EVICTION_S + 1, EVICTION_S + 1, True),
        ((FEW, CONSUMER), (MANY, CONSUMER), EVICTION_S + 1, 0, True),  # smaller, and not young
        ((FEW, CONSUMER), (MANY, CONSUMER), EVICTION_S, 0, False),  # young
        ((FEW, CONSUMER), (FEW, CONSUMER), EVICTION_S + 1, 0, False),  # as large
        ((MANY, CONSUMER), (FEW, CONSUMER), EVICTION_S + 1, 0, False),
        ((MANY, CONSUMER), (FEW, FOLLOWER), 0, 0, True),  # a follower, at any age
        ((FEW, FOLLOWER), (MANY, CONSUMER), EVICTION_S + 1, 0, False),
        ((FEW, FOLLOWER), (MANY, FOLLOWER), EVICTION_S, 0, False),
        ((FEW, FOLLOWER), (MANY, FOLLOWER), EVICTION_S + 1, 0, True),
    ],
)
def test_who_yields_to_whom_in_a_full_cache(
    old: tuple[tuple[int, ...], int],
    new: tuple[tuple[int, ...], int],
    age_s: float,
    unused_s: float,
    yields: bool,
) -> None:
    """`age_s` is that of the old session, `unused_s` the time since its last use, at most that."""
    cache = Cache(slots=1)
    session = cache.opened(*old[0], replica_id=old[1])
    cache.now_s += age_s - unused_s
    cache.answer(cache.begin(session, 1, replica_id=old[1]))
    cache.now_s += unused_s
    assert bool(cache.opened(*new[0], replica_id=new[1])) is yields
    assert (session in cache.sessions.sessions) is not yields
    assert cache.sessions.evictions == yields


def test_of_several_the_least_worth_yields() -> None:
    cache = Cache(slots=3)
    large, small, follower = (
        cache.opened(0, 1, 2),
        cache.opened(0, 1),
        cache.opened(0, replica_id=FOLLOWER),
    )
    newest = cache.opened(0, replica_id=FOLLOWER + 1)
    assert set(cache.sessions.sessions) == {large, follower, newest}
    assert small not in cache.sessions.sessions


def test_one_that_was_thrown_out_while_it_waited_is_answered_a_last_time() -> None:
    cache = Cache(slots=1)
    session = cache.opened(0)
    waiting = cache.begin(session, 1)
    assert cache.opened(0, replica_id=FOLLOWER)
    assert cache.answer(waiting) == (session, [])
    assert error_of(cache, session, 2) is ErrorCode.FETCH_SESSION_ID_NOT_FOUND
