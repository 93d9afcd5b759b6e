"""How many connections may come a second: to the broker, and to each of its listeners.

    max.connection.creation.rate                   all of the broker's together, and each listener's
    listener.name.L.max.connection.creation.rate   that listener's, in its place

Who is one too many waits, accepted but not served, until the rate is what it may be, but for no
longer than a window; behind him waits all of that listener. He is counted nevertheless, but not
if he is turned away then.

The brokers' own listeners have only their own limit: what clients use up doesn't hold them back.

Kafka: ConnectionQuotas.{recordConnectionAndGetThrottleTimeMs,updateListenerMetrics}; KIP-612.
"""

from collections.abc import Callable

import attrs

from broker.quotas.rate import Rate
from broker.quotas.windowed_sum import WindowedSum


@attrs.define(eq=False)
class Arrivals:
    """The limits are those of now; `of_listener` by the listener's name."""

    of_broker: Callable[[], float]
    of_listener: Callable[[str], float]
    protected_listeners: frozenset[str]
    window_count: int
    window_s: float
    clock_s: Callable[[], float]
    _broker: Rate = attrs.field(init=False)
    _listeners: dict[str, Rate] = attrs.field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self._broker = self._new_rate()

    def held_s(self, listener_name: str) -> float:
        """Count a new connection; for how long it must wait."""
        rate = self._listeners.setdefault(listener_name, self._new_rate())
        held_s = self._record(rate, self.of_listener(listener_name))
        if listener_name not in self.protected_listeners:
            held_s = max(held_s, self._record(self._broker, self.of_broker()))
        return held_s

    def take_back(self, listener_name: str) -> None:
        """The one who was counted last is turned away."""
        self._listeners[listener_name].take_back(1)
        if listener_name not in self.protected_listeners:
            self._broker.take_back(1)

    def _record(self, rate: Rate, limit: float) -> float:
        now_s = self.clock_s()
        rate.record(1, now_s)
        return min(rate.quiet_s(limit, now_s), self.window_s)

    def _new_rate(self) -> Rate:
        return Rate(WindowedSum(self.window_count, self.window_s))
