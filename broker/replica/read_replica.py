"""Which replica a consumer should read from: a near one (KIP-392).

A consumer says in which rack it is. With `replica.selector.class` set to Kafka's
RackAwareReplicaSelector the leader tells it to fetch from a follower in that rack, if it isn't
there itself. Only members of the ISR that have what is asked for are named: one that lags would
send the consumer back again and again.

Kafka: RackAwareReplicaSelector, ReplicaManager.findPreferredReadReplica.
"""

from collections.abc import Mapping

from broker.replica.roles import Leading
from coordination.values import BrokerRegistration


def preferred_read_replica(
    client_rack: str,
    listener: str,
    fetch_offset: int,
    leader_rack: str | None,
    leading: Leading,
    live: Mapping[int, BrokerRegistration],
) -> int | None:
    """The broker to fetch from instead of the leader; None for the leader itself.

    It must be alive, and listen by the name by which the client came. Of several followers it's
    the one with the longest log, then the one caught up last, then that of the largest id.
    """
    if client_rack == leader_rack:
        return None
    near = [
        (state.log_end_offset, state.caught_up_s, broker)
        for broker, state in leading.followers.items()
        if broker in leading.isr
        and state.log_start_offset <= fetch_offset <= state.log_end_offset
        and broker in live
        and live[broker].rack == client_rack
        and live[broker].endpoint(listener) is not None
    ]
    return max(near)[2] if near else None
