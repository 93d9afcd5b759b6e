"""What the leader knows of a follower: how far its log goes, and when it was last caught up.

It knows it from the follower's fetches alone: who asks for an offset has everything before it.

    fetch of 60 at 5 s     leader's end 90     has 60
    fetch of 90 at 6 s     leader's end 120    has 90: it was caught up at 5 s
    fetch of 120 at 7 s    leader's end 120    has 120: it is caught up now

Offsets are log end offsets (exclusive), times are seconds of trio's clock.

Kafka: Replica, ReplicaState.
"""

import attrs

UNKNOWN_OFFSET = -1


@attrs.define(eq=False)
class Contact:
    """A follower's fetch session: when it last asked for what comes next."""

    last_fetch_s: float = float("-inf")


@attrs.define
class FollowerProgress:
    """What the leader knows of one follower, from its fetch requests. Kafka: ReplicaState.

    A fetch session doesn't name the partitions in which nothing has happened, and looks at none of
    them: `contact` tells when it last asked for them all the same.
    """

    log_end_offset: int = UNKNOWN_OFFSET
    log_start_offset: int = UNKNOWN_OFFSET
    last_caught_up_s: float = float("-inf")
    broker_epoch: int = -1
    contact: Contact | None = attrs.field(default=None, eq=False)
    _last_fetch_s: float = float("-inf")
    _leader_end_at_last_fetch: int = 0

    def fetched(
        self,
        fetch_offset: int,
        log_start_offset: int,
        leader_end_offset: int,
        now_s: float,
        broker_epoch: int,
    ) -> None:
        """Note a fetch from `fetch_offset`: everything before it is in the follower's log.

        A follower is caught up when it asks for the leader's end; it *was*
        caught up at the time of its previous fetch when it now asks for what
        was the leader's end then. So one that always lags by less than a
        fetch counts as in sync even if records never stop arriving.
        """
        self._hear()
        if fetch_offset >= leader_end_offset:
            self.last_caught_up_s = max(self.last_caught_up_s, now_s)
        elif fetch_offset >= self._leader_end_at_last_fetch:
            self.last_caught_up_s = max(self.last_caught_up_s, self._last_fetch_s)
        self.log_end_offset = fetch_offset
        self.log_start_offset = log_start_offset
        self.broker_epoch = broker_epoch
        self._leader_end_at_last_fetch = leader_end_offset
        self._last_fetch_s = now_s

    def asked_for_by(self, contact: Contact | None) -> None:
        """The fetches of this session speak for the follower from now on; None: no session's do."""
        self._hear()
        self.contact = contact

    @property
    def caught_up_s(self) -> float:
        """When it was last known to be caught up."""
        return max(self.last_caught_up_s, self._implied_fetch_s)

    @property
    def _implied_fetch_s(self) -> float:
        """The last fetch of its session, as long as it had all that the leader has."""
        if self.contact is None or self.log_end_offset < self._leader_end_at_last_fetch:
            return float("-inf")
        return self.contact.last_fetch_s

    def _hear(self) -> None:
        implied_s = self._implied_fetch_s
        self.last_caught_up_s = max(self.last_caught_up_s, implied_s)
        self._last_fetch_s = max(self._last_fetch_s, implied_s)

    def led_anew(self, in_isr: bool, now_s: float, leader_end_offset: int) -> None:
        """The same leader begins a new epoch; what it knows of the follower's log still holds.

        A member of the ISR has from now on `replica.lag.time.max.ms` to show that it is in sync.
        Who isn't one must catch up again before it counts: it may be dead, the usual reason of a
        new epoch, and would hold the high watermark back (Kafka: Replica.resetReplicaState).
        """
        self.contact = None  # its session asked the leader of the epoch before
        self.last_caught_up_s = now_s if in_isr else float("-inf")
        self._last_fetch_s = now_s if in_isr else float("-inf")
        self._leader_end_at_last_fetch = leader_end_offset

    def is_caught_up(self, leader_end_offset: int, now_s: float, lag_time_max_s: float) -> bool:
        return (
            self.log_end_offset == leader_end_offset or now_s - self.caught_up_s <= lag_time_max_s
        )
