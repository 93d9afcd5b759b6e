"""Tokens that come back at a steady rate, up to a full bucket, and may be overdrawn once.

Made for what comes in bursts (KIP-599): who creates a topic of 500 partitions at 5 a second waits
until the debt is paid back, not until the burst is out of a window.

    full = burst_s x rate ── take 560 ──▶ -60 ── 12 s at 5 a second ──▶ 0: the next may come

Kafka: TokenBucket, ControllerMutationQuotaManager.throttleTimeMs.
"""

import math

import attrs


@attrs.define(eq=False)
class TokenBucket:
    """`burst_s`: the bucket holds what comes in so many seconds. It begins full."""

    burst_s: float
    _tokens: float = attrs.field(default=math.inf, init=False)
    _filled_s: float = attrs.field(default=0.0, init=False)

    def take(self, amount: float, rate: float, now_s: float) -> None:
        self._fill(rate, now_s)
        self._tokens -= amount

    def wait_s(self, rate: float, now_s: float) -> float:
        """How long until there is no debt; 0 if there is none."""
        self._fill(rate, now_s)
        if self._tokens >= 0:
            return 0.0
        return -self._tokens / rate if rate > 0 else self.burst_s

    def _fill(self, rate: float, now_s: float) -> None:
        came = 0.0 if math.isinf(self._tokens) else rate * (now_s - self._filled_s)
        self._tokens = min(rate * self.burst_s, self._tokens + came)
        self._filled_s = now_s
