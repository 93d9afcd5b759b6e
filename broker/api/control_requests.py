"""Letting in what a controller sends: LeaderAndIsr, StopReplica and UpdateMetadata.

All three are refused as a whole when they were meant for this broker before its
restart, or come from a controller that is none any more; see
`broker.replica.control` for the table.
"""

from typing import Protocol

from broker.broker import Broker
from broker.replica.control import fence_controller
from broker.wire.errors import ErrorCode, KafkaError


class ControlRequest(Protocol):
    """What the three have in common."""

    controller_id: int
    controller_epoch: int
    broker_epoch: int


def refusal(broker: Broker, name: str, request: ControlRequest) -> ErrorCode | None:
    """The error that the request is answered with, None if it's to be obeyed."""
    try:
        broker.check_broker_epoch(request.broker_epoch)
        fence_controller(broker.replicas, request.controller_id, request.controller_epoch)
    except KafkaError as refused:
        broker.events(
            "control.refused",
            request=name,
            controller=request.controller_id,
            controller_epoch=request.controller_epoch,
            error=refused.code.name,
        )
        return refused.code
    return None
