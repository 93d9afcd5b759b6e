"""What the controller orders, as values: see `broker.replica.control` for how they are obeyed."""

from uuid import UUID

import attrs

from coordination.values import LeaderAndIsr


@attrs.frozen
class ReplicaState:
    """One partition of a LeaderAndIsr request."""

    leader_and_isr: LeaderAndIsr
    replicas: tuple[int, ...]
    topic_id: UUID
    is_new: bool
    # What a reassignment is about to do, both of them among the replicas until it's done.
    adding: tuple[int, ...] = ()
    removing: tuple[int, ...] = ()


@attrs.frozen
class StopOrder:
    """One partition of a StopReplica request.

    `leader_epoch` may be NO_LEADER_EPOCH or LEADER_EPOCH_DURING_DELETE.
    """

    leader_epoch: int
    delete: bool
