"""Whose refusal is recorded; what follows is told by orders_refused.golden."""

from types import SimpleNamespace
from typing import cast

import pytest

from coordination.controller.commands import CommandAnswered, StopReplicaCommand
from coordination.controller.context import ControllerContext
from coordination.controller.refused_orders import record_refusal


@pytest.mark.parametrize(
    ("broker_id", "broker_epoch", "error", "recorded"),
    [(1, 20, -1, 1), (1, 20, 0, 0), (1, 19, 77, 0), (2, 20, -1, 0)],
    ids=["refused", "obeyed", "of an earlier life", "by one that has left"],
)
def test_recorded(broker_id: int, broker_epoch: int, error: int, recorded: int) -> None:
    brokers = {1: SimpleNamespace(epoch=20)}
    context = cast(ControllerContext, SimpleNamespace(brokers=brokers))
    command = StopReplicaCommand(1, 1, broker_epoch, {})
    answer = CommandAnswered(broker_id, command, error, {})
    assert len(list(record_refusal(context, answer, command))) == recorded
