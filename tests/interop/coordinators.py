"""Who coordinates a group or a transactional id: who leads its partition of an internal topic."""

from typing import Final

from broker.coordinators.log import partition_for
from broker.groups.offsets_log import OFFSETS_TOPIC
from tests.interop.faults.watch import ClusterWatch

TRANSACTIONS: Final = "__transaction_state"


def partition_of(watch: ClusterWatch, topic: str, name: str) -> int:
    """`topic` is OFFSETS_TOPIC for a group, TRANSACTIONS for a transactional id."""
    return partition_for(name, len(watch.replicas(topic)))


def coordinator(watch: ClusterWatch, topic: str, name: str) -> int:
    """The broker that leads the partition; -1 if none does now."""
    leader: int = watch.states(topic)[partition_of(watch, topic, name)]["leader"]
    return leader


def neighbour(watch: ClusterWatch, group: str, what: str) -> str:
    """The name of another group, with `what` in it, that has the same coordinator."""
    names = (f"{group}-{what}-{number}" for number in range(1000))
    wanted = partition_of(watch, OFFSETS_TOPIC, group)
    return next(name for name in names if partition_of(watch, OFFSETS_TOPIC, name) == wanted)
