"""How many connections an address may open a second (KIP-612).

One too many is not answered: it's held for as long as the address is to be quiet, one window at
most, and closed; so who tries again at once doesn't come again at once. It counts as not opened.

Kafka: ConnectionQuotas.recordIpConnectionMaybeThrottle, Acceptor.closeThrottledConnections.
"""

from collections.abc import Callable, Mapping

import attrs

from broker.quotas.lately_used import LatelyUsed
from broker.quotas.rate import Rate
from broker.quotas.windowed_sum import WindowedSum
from coordination.client_quotas import IP, QuotaEntity

QUOTA = "connection_creation_rate"


@attrs.define(eq=False)
class ConnectionRates:
    """`limits` are those that are set now, by address; None is any that has none of its own."""

    window_count: int
    window_s: float
    clock_s: Callable[[], float]
    limits: Mapping[str | None, float] = attrs.field(factory=dict, init=False)
    _rates: LatelyUsed[str, Rate] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._rates = LatelyUsed(lambda: Rate(WindowedSum(self.window_count, self.window_s)))

    def changed(self, current: Mapping[QuotaEntity, Mapping[str, float]]) -> None:
        self.limits = {
            entity.name_of[IP]: limits[QUOTA]
            for entity, limits in current.items()
            if IP in entity.name_of and QUOTA in limits
        }
        if not self.limits:
            self._rates.clear()

    def admit(self, host: str) -> float:
        """Count a new connection, or say for how long to hold one that is too many; else 0."""
        if not self.limits:
            return 0.0
        limit = self.limits.get(host, self.limits.get(None))
        if limit is None:
            return 0.0
        now_s = self.clock_s()
        rate = self._rates.get(host, now_s)
        rate.record(1, now_s)
        quiet_s = min(rate.quiet_s(limit, now_s), self.window_s)
        if quiet_s:
            rate.take_back(1)
        return quiet_s
