"""Replication throttles: how much a reassignment may copy in a second (KIP-73).

    leader.replication.throttled.replicas    of a topic: "*", or partition:broker,...; none if empty
    follower.replication.throttled.replicas
    leader.replication.throttled.rate        of a broker: bytes a second, for all such partitions
    follower.replication.throttled.rate      together

A leader gives no records of a throttled partition, and a follower doesn't ask for them, while more
than the rate has gone through lately. Only those out of sync are held back: who is in the ISR must
stay there, and what it's given counts all the same.

Lately: the bytes of the last `replication.quota.window.num` windows of
`replication.quota.window.size.seconds`, over the time since the first of them began, and at least
over one window. A window begins with the first bytes after the end of the one before.

    ├── 300 B ──┼── 0 B ────┼── 500 B ──┼─ 100 B    now       900 B / 3.3 windows
    a window's start

Kafka: ReplicationQuotaManager, SimpleRate over WindowedSum.
"""

from collections.abc import Callable

import attrs


@attrs.define
class _Window:
    start_s: float
    last_s: float
    size_bytes: int = 0


@attrs.define(eq=False)
class Throttle:
    """One direction of one broker's throttled replication.

    `rate_bytes_s` is the limit as it is now; it may change at any time.
    """

    window_count: int
    window_s: float
    rate_bytes_s: Callable[[], float]
    clock_s: Callable[[], float]
    _windows: list[_Window] = attrs.field(factory=list, init=False)

    @property
    def is_exceeded(self) -> bool:
        return bool(self._windows) and self.bytes_per_s() > self.rate_bytes_s()

    def record(self, size_bytes: int) -> None:
        """So many bytes of throttled partitions have gone through, held back or not."""
        now_s = self.clock_s()
        self._forget_old(now_s)
        if not self._windows or now_s - self._windows[-1].start_s >= self.window_s:
            self._windows.append(_Window(now_s, now_s))
        self._windows[-1].last_s = now_s
        self._windows[-1].size_bytes += size_bytes

    def bytes_per_s(self) -> float:
        now_s = self.clock_s()
        self._forget_old(now_s)
        if not self._windows:
            return 0.0
        elapsed_s = max(now_s - self._windows[0].start_s, self.window_s)
        return sum(window.size_bytes for window in self._windows) / elapsed_s

    def _forget_old(self, now_s: float) -> None:
        """A window counts as long as its last bytes lie within the time that does."""
        counts_s = self.window_count * self.window_s
        if self._windows and now_s - self._windows[0].last_s >= counts_s:
            self._windows = [w for w in self._windows if now_s - w.last_s < counts_s]
