"""A rate, and how long to be quiet until it is no more than it may be.

The rate is what was counted in the last windows over their time, and the time before the first
amount counts with them, as if nothing had come then: a client that has been quiet may use in one
burst what it would have had in all of them.

    rate = total / over            over = max(age of the first window, all windows but one), roughly
    quiet until total / (over + quiet) = limit:    quiet = total / limit - over

Kafka: Rate.windowSize, QuotaUtils.throttleTime.
"""

from typing import Final

import attrs

from broker.quotas.windowed_sum import WindowedSum

# What fits into `throttle_time_ms`: 24 days.
LONGEST_MS: Final = 2**31 - 1


def in_ms(quiet_s: float) -> int:
    """As a client is told how long to be quiet: 0 for a time that is over."""
    return round(max(0.0, min(quiet_s * 1000, LONGEST_MS)))


@attrs.define(eq=False)
class Rate:
    """What one client, or those who share a limit, have used a second."""

    windows: WindowedSum

    def record(self, amount: float, now_s: float) -> None:
        self.windows.record(amount, now_s)

    def take_back(self, amount: float) -> None:
        """What was recorded last hasn't come."""
        self.windows.take_back(amount)

    def quiet_s(self, limit: float, now_s: float) -> float:
        """For how long nothing more may come; 0 while the rate is at most `limit` a second."""
        total, over_s = self.windows.total(now_s), self._over_s(now_s)
        if total <= limit * over_s:
            return 0.0
        if limit <= 0:  # no time is long enough, so as long as it is remembered
            return self.windows.window_count * self.windows.window_s
        return total / limit - over_s

    def _over_s(self, now_s: float) -> float:
        windows, age_s = self.windows, self.windows.age_s(now_s)
        missing = windows.window_count - 1 - int(age_s / windows.window_s)
        return age_s + max(0, missing) * windows.window_s
