"""What was counted lately: in the last so many windows of time.

A window begins with the first amount that comes after the end of the one before, and counts as long
as its last amount lies within the time that does:

    ├── 300 ────┼── 0 ──┼── 500 ────┼─ 100          now       sum 900, begun 3.3 windows ago
    a window's start

Kafka: WindowedSum, SampledStat.
"""

import attrs


@attrs.define
class _Window:
    start_s: float
    last_s: float
    amount: float = 0


@attrs.define(eq=False)
class WindowedSum:
    """Times are of any clock that goes forward."""

    window_count: int
    window_s: float
    _windows: list[_Window] = attrs.field(factory=list, init=False)

    def record(self, amount: float, now_s: float) -> None:
        self._forget_old(now_s)
        if not self._windows or now_s - self._windows[-1].start_s >= self.window_s:
            self._windows.append(_Window(now_s, now_s))
        self._windows[-1].last_s = now_s
        self._windows[-1].amount += amount

    def take_back(self, amount: float) -> None:
        """Count so much less where something was counted last, even if that is over by now."""
        self._windows[-1].amount -= amount

    def total(self, now_s: float) -> float:
        self._forget_old(now_s)
        return sum(window.amount for window in self._windows)

    def age_s(self, now_s: float) -> float:
        """How long ago the first window that counts began; 0 if none does."""
        self._forget_old(now_s)
        return now_s - self._windows[0].start_s if self._windows else 0.0

    def _forget_old(self, now_s: float) -> None:
        counts_s = self.window_count * self.window_s
        if self._windows and now_s - self._windows[0].last_s >= counts_s:
            self._windows = [w for w in self._windows if now_s - w.last_s < counts_s]
