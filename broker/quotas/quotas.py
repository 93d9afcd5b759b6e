"""All quotas of this broker, as they are set now."""

from collections.abc import Callable, Mapping

import attrs

from broker.quotas.client_quota import ClientQuota
from broker.quotas.connection_rates import ConnectionRates
from broker.quotas.limits import Limits
from broker.quotas.mutations import MutationQuota
from coordination.client_quotas import QuotaEntity


@attrs.define(eq=False)
class Quotas:
    """`busy_clock_s` takes the time of what the event loop does; it needs no beginning.

    `in_force`: whether there is a limit for anything that comes by requests.
    """

    produce: ClientQuota
    fetch: ClientQuota
    request: ClientQuota
    mutations: MutationQuota
    connections: ConnectionRates
    busy_clock_s: Callable[[], float]
    in_force: bool = attrs.field(default=False, init=False)

    def changed(self, current: Mapping[QuotaEntity, Mapping[str, float]]) -> None:
        """What is set now, by whom it's set for."""
        by_name: dict[str, ClientQuota | MutationQuota] = {
            "producer_byte_rate": self.produce,
            "consumer_byte_rate": self.fetch,
            "request_percentage": self.request,
            "controller_mutation_rate": self.mutations,
        }
        for name, quota in by_name.items():
            quota.changed(Limits.of(name, current))
        self.connections.changed(current)
        self.in_force = any(quota.limits for quota in by_name.values())
