"""The asking side of a fetch session: what the next request must say (KIP-227).

    want, leave ──► what has changed since the last request ──► request ──► the leader
                                                                              │
                    next id and epoch ◄── answered, failed ◄──────────────────┘

It holds what the session stands for, all that is wanted, and what of it the leader has yet to be
told. A request names only that, so a follower of 2,000 partitions says nothing of those in which
nothing happens. Whatever goes wrong, the next request names all of them, ends the old session and
asks for a new one; a leader that has no room for one gets such a full request each time.

                 answer                                      next request
    full         id > 0                                      id, 1: incremental
                 id 0                                        0, 0: full, without a session to end
    incremental  id > 0                                      id, epoch + 1
                 id 0 (nothing is left in the session)       0, 0
    either       FETCH_SESSION_ID_NOT_FOUND                  0, 0
                 another error, no answer, partitions that   id, 0: ends the session and begins one
                 we didn't ask for, or, in a full one, not
                 all that we asked for

Pure: partitions are known by topic id and number, and what is asked of one is compared, not read.

Kafka: FetchSessionHandler, FetchMetadata.
"""

from collections.abc import Collection
from uuid import UUID

import attrs

from broker.replica.fetch_sessions import INITIAL_EPOCH, NO_SESSION, next_epoch
from broker.wire.errors import ErrorCode
from broker.wire.messages.fetch import FetchPartition

Key = tuple[UUID, int]


@attrs.frozen
class SessionRequest:
    """`forgotten` is only for a request that goes on with a session."""

    session_id: int
    epoch: int
    named: dict[Key, FetchPartition]
    forgotten: tuple[Key, ...]

    @property
    def is_full(self) -> bool:
        return self.epoch == INITIAL_EPOCH


@attrs.define(eq=False)
class SessionClient:
    session_id: int = NO_SESSION
    epoch: int = INITIAL_EPOCH
    wanted: dict[Key, FetchPartition] = attrs.field(factory=dict, init=False)
    _changed: dict[Key, FetchPartition] = attrs.field(factory=dict, init=False)
    _gone: dict[Key, None] = attrs.field(factory=dict, init=False)

    def want(self, key: Key, asked: FetchPartition) -> None:
        """Ask this of the partition from the next request on."""
        if self.wanted.get(key) != asked:
            self.wanted[key] = self._changed[key] = asked
        self._gone.pop(key, None)

    def leave(self, key: Key) -> None:
        """Ask nothing of it any more."""
        if self.wanted.pop(key, None) is not None:
            self._changed.pop(key, None)
            self._gone[key] = None

    def request(self) -> SessionRequest:
        """What to send now; `answered` or `failed` must follow."""
        changed, self._changed = self._changed, {}
        gone, self._gone = tuple(self._gone), {}
        if self.epoch == INITIAL_EPOCH:
            return SessionRequest(self.session_id, self.epoch, dict(self.wanted), ())
        return SessionRequest(self.session_id, self.epoch, changed, gone)

    def answered(
        self, request: SessionRequest, error: ErrorCode, session_id: int, keys: Collection[Key]
    ) -> bool:
        """Learn from an answer with these partitions; False if it is not to be used."""
        if error is ErrorCode.FETCH_SESSION_ID_NOT_FOUND:
            self.session_id, self.epoch = NO_SESSION, INITIAL_EPOCH
            return False
        # We may have left some of them meanwhile, and want others.
        fits = all(key in self.wanted or key in self._gone for key in keys)
        if request.is_full:
            fits = set(keys) == request.named.keys()
        if error is not ErrorCode.NONE or not fits:
            self.failed()
            return False
        if session_id == NO_SESSION:
            self.session_id, self.epoch = NO_SESSION, INITIAL_EPOCH
        else:
            self.session_id, self.epoch = session_id, next_epoch(request.epoch)
        return True

    def failed(self) -> None:
        """No answer, or none that makes sense: end the session, if there's one, and begin anew."""
        self.epoch = INITIAL_EPOCH
