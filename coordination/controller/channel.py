"""The controller's way to the brokers, as a protocol: broker/control/channel.py implements it.

A channel belongs to one term of one controller: it is opened when the controller begins and closed,
its tasks cancelled, when it ends. For each broker it has one queue and one connection. Commands
arrive in the order of `send`; one that was lost with its connection is sent again before the next.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeAlias

import attrs
import trio

from coordination.controller.commands import Command, CommandAnswered
from coordination.values import BrokerRegistration

__all__ = ["ControlChannel", "OpenControlChannel", "Orders"]


@attrs.frozen
class Orders:
    """One broker's: how many commands wait for it behind the one that it is to answer.

    since: of trio's clock, when that one was sent first; attempts: how often it was sent.
    """

    waiting: int = 0
    asked: Command | None = None
    since: float = 0.0
    attempts: int = 0


class ControlChannel(Protocol):
    def broker_joined(self, registration: BrokerRegistration) -> None:
        """Begin a queue for this life of the broker."""

    def broker_left(self, broker_id: int) -> None:
        """Drop the broker's queue, what is in it, and its connection."""

    async def send(self, broker_id: int, command: Command) -> None:
        """Put the command into the broker's queue; wait while that is full. Nobody's queue: drop
        it."""

    def orders(self) -> Mapping[int, Orders]:
        """What is on its way to each broker that has a queue."""


OpenControlChannel: TypeAlias = Callable[
    [trio.MemorySendChannel[CommandAnswered]], AbstractAsyncContextManager[ControlChannel]
]
"""Opens a channel that puts each command's answer, once, into the channel it is given."""
