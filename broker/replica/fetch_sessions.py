"""Fetch sessions: a client names only the partitions for which it asks something new (KIP-227).

    request: id, epoch                                     answer: id, partitions
      any, -1    a full fetch, and no session of it          0   all
      any,  0    a full fetch, to begin a session with      new  all; id 0 if there's no room
      id,   n    what has changed since n - 1, or is          id   what there's news of
                 to be forgotten; the rest goes on

A full fetch ends the session that it names. The epoch counts a session's fetches, 1 to 2^31-1 and
then 1 again, so that a lost or repeated request is noticed:

    FETCH_SESSION_ID_NOT_FOUND    it was thrown out, or we have restarted
    INVALID_FETCH_SESSION_EPOCH   a fetch is missing or came twice, perhaps while it waited
    FETCH_SESSION_TOPIC_ID_ERROR  begun with topic names, gone on with topic ids, or the other way

after each of which the client makes a full fetch. A session that has forgotten all its partitions
is at its end.

There are `max.incremental.fetch.session.cache.slots`. In a full cache a new session takes the place
of the longest unused one, if nobody has used it for two minutes; otherwise that of the smallest of
those that count for less than itself: consumers for less than followers (they are privileged), and
few partitions for less than many. In its first two minutes a session is safe from its equals; a
consumer's is never safe from a follower.

Kafka: FetchManager, FetchSessionCache; it has eight caches there, each for an eighth of the slots.
"""

import random

import attrs

from broker.replica.interest import Interest, Key
from broker.replica.interests import Interests, Reads
from broker.wire.errors import ErrorCode, KafkaError

NO_SESSION = 0
INITIAL_EPOCH = 0
FINAL_EPOCH = -1
LARGEST_EPOCH = 0x7FFFFFFF
LARGEST_ID = 0x7FFFFFFF

# After so long without use a session may go, and until it is so old it's safe from its equals.
EVICTION_S = 120.0


def next_epoch(epoch: int) -> int:
    return 1 if epoch == LARGEST_EPOCH else epoch + 1


@attrs.frozen
class FetchRequested:
    """What a request says of its session. `by_id`: its topics are named by their ids."""

    session_id: int
    epoch: int
    by_id: bool
    replica_id: int
    named: tuple[Interest, ...]
    forgotten: tuple[Key, ...] = ()


@attrs.define(eq=False)
class FetchSession:
    """`size` is the number of partitions when it was last used; `epoch` what must come next."""

    id: int
    interests: Interests
    privileged: bool
    by_id: bool
    created_s: float
    epoch: int
    last_used_s: float
    size: int

    @property
    def worth(self) -> tuple[bool, int, int]:
        return self.privileged, self.size, self.id

    def is_safe_from(self, privileged: bool) -> bool:
        """As of its last use: one that isn't used is not judged anew."""
        is_young = self.last_used_s - self.created_s <= EVICTION_S
        return is_young and (self.privileged or not privileged)


@attrs.define(eq=False)
class Exchange:
    """One fetch: what it asks for, and how it is to be answered."""

    interests: Interests
    session: FetchSession | None = None
    epoch: int = FINAL_EPOCH  # of the session, until another fetch of it comes
    begins_session: bool = False
    by_id: bool = False

    def end(self) -> None:
        """However it ended: what was asked for is of no more interest, unless to a session."""
        if self.session is None:
            self.interests.close()


@attrs.define(eq=False)
class FetchSessions:
    """All fetch sessions of a broker, the longest unused first."""

    slots: int
    randomness: random.Random
    sessions: dict[int, FetchSession] = attrs.field(factory=dict, init=False)
    evictions: int = attrs.field(default=0, init=False)  # by others, who needed their place

    def begin(self, requested: FetchRequested, now_s: float) -> Exchange:
        """Find out what a request asks for; raises `KafkaError`, see the module."""
        if requested.epoch in (INITIAL_EPOCH, FINAL_EPOCH):
            self.close(requested.session_id)
            interests = Interests(requested.replica_id)
            interests.ask(requested.named)
            return Exchange(
                interests,
                begins_session=requested.epoch == INITIAL_EPOCH,
                by_id=requested.by_id,
            )
        session = self._session_of(requested)
        session.interests.ask(requested.named)
        session.interests.forget(requested.forgotten)
        if not session.interests.all:
            self.close(session.id)
            return Exchange(session.interests)
        self._used(session, now_s)
        session.epoch = next_epoch(session.epoch)
        return Exchange(session.interests, session, session.epoch)

    def _session_of(self, requested: FetchRequested) -> FetchSession:
        session = self.sessions.get(requested.session_id)
        if session is None:
            raise KafkaError(ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
        if session.epoch != requested.epoch:
            raise KafkaError(ErrorCode.INVALID_FETCH_SESSION_EPOCH)
        if session.by_id != requested.by_id:
            raise KafkaError(ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR)
        return session

    def answer(self, exchange: Exchange, reads: Reads, now_s: float) -> tuple[int, Reads]:
        """The session's id, and what to answer of `reads`.

        Raises `KafkaError` INVALID_FETCH_SESSION_EPOCH if another fetch of the session has come
        meanwhile: it's the one that is answered.
        """
        interests, session = exchange.interests, exchange.session
        if session is not None:
            self._check_is_latest(exchange, reads)
            told = interests.news(reads)
            interests.watch(reads)
            return session.id, told
        if exchange.begins_session:
            exchange.session = self._make(exchange, now_s)
        if exchange.session is None:
            return NO_SESSION, reads
        interests.told(reads)
        interests.watch(reads)
        return exchange.session.id, reads

    def put_off(self, exchange: Exchange, reads: Reads) -> int:
        """The id for an answer without partitions, which the client is to ask for again.

        No session begins with it. Raises as `answer`.
        """
        if exchange.session is None:
            return NO_SESSION
        self._check_is_latest(exchange, reads)
        exchange.interests.not_told(reads)
        return exchange.session.id

    def _check_is_latest(self, exchange: Exchange, reads: Reads) -> None:
        assert exchange.session is not None
        if exchange.session.epoch != exchange.epoch:
            exchange.interests.not_told(reads)
            raise KafkaError(ErrorCode.INVALID_FETCH_SESSION_EPOCH)

    def close(self, session_id: int) -> None:
        """End a session, if there is one of that id."""
        session = self.sessions.pop(session_id, None)
        if session is not None:
            session.interests.close()

    def _make(self, exchange: Exchange, now_s: float) -> FetchSession | None:
        """A session for this first fetch, or None if no other one has to yield to it."""
        interests = exchange.interests
        privileged, size = interests.replica_id >= 0, len(interests.all)
        if len(self.sessions) >= self.slots and not self._make_room(privileged, size, now_s):
            return None
        session_id = NO_SESSION
        while session_id == NO_SESSION or session_id in self.sessions:
            session_id = self.randomness.randint(1, LARGEST_ID)
        session = FetchSession(
            session_id, interests, privileged, exchange.by_id, now_s, 1, now_s, size
        )
        self.sessions[session_id] = session
        return session

    def _make_room(self, privileged: bool, size: int, now_s: float) -> bool:
        oldest = next(iter(self.sessions.values()), None)
        if oldest is None:
            return False
        if now_s - oldest.last_used_s > EVICTION_S:
            self._evict(oldest)
            return True
        evictable = min(
            (s for s in self.sessions.values() if not s.is_safe_from(privileged)),
            key=lambda session: session.worth,
            default=None,
        )
        if evictable is None or (privileged, size, NO_SESSION) < evictable.worth:
            return False
        self._evict(evictable)
        return True

    def _evict(self, session: FetchSession) -> None:
        self.close(session.id)
        self.evictions += 1

    def _used(self, session: FetchSession, now_s: float) -> None:
        session.last_used_s = now_s
        session.size = len(session.interests.all)
        self.sessions[session.id] = self.sessions.pop(session.id)
