"""What the controller orders, as values: see `broker.replica.control` for how they are obeyed."""

from uuid import UUID

import attrs

from coordination.values import LeaderAndIsr

# In place of a leader epoch in StopReplica (KIP-570).
NO_EPOCH = -1
EPOCH_DURING_DELETE = -2


@attrs.frozen
class ReplicaState:
    """One partition of a LeaderAndIsr request."""

    leader_and_isr: LeaderAndIsr
    replicas: tuple[int, ...]
    topic_id: UUID
    is_new: bool


@attrs.frozen
class StopOrder:
    """One partition of a StopReplica request; `leader_epoch` may be one of the two above."""

    leader_epoch: int
    delete: bool
