"""Who coordinates a transactional id: the leader of its partition of an internal topic."""

from typing import Final

from broker.coordinators.log import partition_for
from tests.interop.faults.watch import ClusterWatch

TRANSACTIONS: Final = "__transaction_state"


def coordinator(watch: ClusterWatch, topic: str, name: str) -> int:
    """The broker; `topic` is TRANSACTIONS for a transactional id."""
    partition = partition_for(name, len(watch.replicas(topic)))
    leader: int = watch.states(topic)[partition]["leader"]
    return leader


def transactional_id(group: str, number: int) -> str:
    """That of a loop (see instances.py)."""
    return f"{group}-{number}"
