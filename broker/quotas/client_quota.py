"""One quota of users and clients, for all of them: what they use, and how long they be quiet.

Kafka: ClientQuotaManager, ClientRequestQuotaManager.
"""

import math
from collections.abc import Callable

import attrs

from broker.quotas.lately_used import LatelyUsed
from broker.quotas.limits import Limits, Names
from broker.quotas.rate import Rate
from broker.quotas.windowed_sum import WindowedSum


@attrs.define(eq=False)
class ClientQuota:
    """`limits` are those that are set now; nobody is ever told to be quiet beyond `longest_s`."""

    window_count: int
    window_s: float
    clock_s: Callable[[], float]
    longest_s: float = math.inf
    limits: Limits = attrs.field(factory=Limits, init=False)
    _rates: LatelyUsed[Names, Rate] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._rates = LatelyUsed(lambda: Rate(WindowedSum(self.window_count, self.window_s)))

    def changed(self, limits: Limits) -> None:
        """What was counted goes on to count, as long as anybody is limited."""
        self.limits = limits
        if not limits:
            self._rates.clear()

    def use(self, user: str, client_id: str, amount: float) -> float:
        """Count what he has used; returns for how many seconds he is to be quiet."""
        found = self.limits.of_client(user, client_id) if self.limits else None
        if found is None:
            return 0.0
        shared_by, limit = found
        now_s = self.clock_s()
        rate = self._rates.get(shared_by, now_s)
        rate.record(amount, now_s)
        return min(rate.quiet_s(limit, now_s), self.longest_s)

    def give_back(self, user: str, client_id: str, amount: float) -> None:
        """He hasn't had what he was just counted for."""
        found = self.limits.of_client(user, client_id)
        if found is not None:
            self._rates.get(found[0], self.clock_s()).take_back(amount)

    def most_at_once(self, user: str, client_id: str) -> float:
        """More than this at a time is too much even for who has used nothing yet."""
        found = self.limits.of_client(user, client_id) if self.limits else None
        return math.inf if found is None else found[1] * (self.window_count - 1) * self.window_s
