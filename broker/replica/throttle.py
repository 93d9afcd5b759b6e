"""Replication throttles: how much a reassignment may copy in a second (KIP-73).

    leader.replication.throttled.replicas    of a topic: "*", or partition:broker,...; none if empty
    follower.replication.throttled.replicas
    leader.replication.throttled.rate        of a broker: bytes a second, for all such partitions
    follower.replication.throttled.rate      together

A leader gives no records of a throttled partition, and a follower doesn't ask for them, while more
than the rate has gone through lately. Only those out of sync are held back: who is in the ISR must
stay there, and what it's given counts all the same.

Lately: the bytes of the last `replication.quota.window.num` windows of
`replication.quota.window.size.seconds` (see `broker.quotas.windowed_sum`), over the time since the
first of them began, and at least over one window.

Kafka: ReplicationQuotaManager, SimpleRate over WindowedSum.
"""

from collections.abc import Callable

import attrs

from broker.quotas.windowed_sum import WindowedSum


@attrs.define(eq=False)
class Throttle:
    """One direction of one broker's throttled replication.

    `rate_bytes_s` is the limit as it is now; it may change at any time.
    """

    windows: WindowedSum
    rate_bytes_s: Callable[[], float]
    clock_s: Callable[[], float]

    @property
    def is_exceeded(self) -> bool:
        return self.bytes_per_s() > self.rate_bytes_s()

    def record(self, size_bytes: int) -> None:
        """So many bytes of throttled partitions have gone through, held back or not."""
        self.windows.record(size_bytes, self.clock_s())

    def bytes_per_s(self) -> float:
        now_s = self.clock_s()
        elapsed_s = max(self.windows.age_s(now_s), self.windows.window_s)
        return self.windows.total(now_s) / elapsed_s
