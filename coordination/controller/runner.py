"""Runs the controller for one term: waits, asks ZooKeeper, carries out effects.

    session's events ──► hints ─┐                        ┌─► ZooKeeper (multis pipelined)
    channel's answers ──────────┼─► inbox ─► step ─► effects ─► channel ─► brokers
    handlers' requests ─────────┤                        └─► recorder, replies
    the clock's reminders ──────┘

All decisions are in `step`. What is left here is what only an edge can know:

 - A write whose answer was lost with the connection (ConnectionLoss) is asked for again, after a
   read: the store promises that the lost write cannot happen after that. Done twice it is refused,
   and the story reads back what is there. While the connection is away the calls wait; so the
   controller writes nothing then, and goes on where it was.
 - After Reconnected all watches are gone: WatchesLost, read everything again.
 - A term ends by being cancelled (/controller is another's, the session is lost), or by raising
   Fenced. Requests that wait are then answered NotController.
 - The cause of a record is the last headline before it in its story, the cause of a headline the
   election of this controller.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence

import attrs
import trio

from coordination.controller import effects as eff
from coordination.controller.channel import ControlChannel, OpenControlChannel, Orders
from coordination.controller.context import ControllerContext, ControllerSettings
from coordination.controller.events import (
    Answer,
    Answered,
    CommandAnswered,
    Elected,
    Event,
    LeaderBalanceDue,
    WatchesLost,
    hint_of,
)
from coordination.controller.inbox import Inbox, Item, NotController, Question, Taken
from coordination.controller.leader_balance import FIRST_CHECK_S
from coordination.controller.requests import (
    Request,
    Result,
)
from coordination.controller.step import Controller
from coordination.controller.story import ControllerMoved
from coordination.election import Elected as Election
from coordination.election import Fenced
from coordination.store import (
    ConnectionLoss,
    NoNode,
    Op,
    OpResult,
    Reconnected,
    Session,
    StoreError,
    StoreEvent,
    WatchEvent,
)
from coordination.values import Recorder
from coordination.znodes import paths

__all__ = ["ActiveController", "ControllerSeat", "run_controller"]

PIPELINED_AT_MOST = 500
"""Multis sent before the first answer is awaited. Each is about 300 bytes, far below ZooKeeper's
limit for one request, and 500 take it some 50 ms: enough to hide the round trips, few enough that
a session's ping does not wait behind them."""

ANSWERS_WAITING_AT_MOST = 100
"""Between the channel and the inbox; a task moves them on at once."""


@attrs.frozen
class ActiveController:
    """The controller, for the API handlers of its own broker. `context` is for reading only."""

    context: ControllerContext
    _inbox: Inbox
    _orders: Callable[[], Mapping[int, Orders]] = dict

    @property
    def epoch(self) -> int:
        return self.context.epoch

    @property
    def waiting(self) -> int:
        """How many hints, answers and requests wait for the controller."""
        return len(self._inbox)

    def first_waiting(self, at_most: int) -> Sequence[Item]:
        """The oldest of them, in their order."""
        return self._inbox.first(at_most)

    @property
    def under_way(self) -> Taken | None:
        """What it is doing; None while nothing waits."""
        return self._inbox.taken

    @property
    def orders(self) -> Mapping[int, Orders]:
        """What is on its way to the brokers."""
        return self._orders()

    async def submit(self, request: Request) -> Result:
        """The controller's answer to a request. Raises NotController if it resigns meanwhile."""
        return await self._inbox.ask(request)


@attrs.define(eq=False)
class ControllerSeat:
    """Where handlers look for the controller: taken for as long as this broker is it."""

    active: ActiveController | None = None

    async def submit(self, request: Request) -> Result:
        """As ActiveController.submit; raises NotController if this broker is not the controller."""
        if self.active is None:
            raise NotController
        return await self.active.submit(request)


async def run_controller(
    session: Session,
    broker_id: int,
    election: Election,
    seat: ControllerSeat,
    open_channel: OpenControlChannel,
    *,
    recorder: Recorder,
    cause: str | None = None,
    settings: ControllerSettings | None = None,
    new_topic_id: Callable[[], uuid.UUID] = uuid.uuid4,
) -> None:
    """Be the controller of this epoch, in `seat`: what is asked before the cluster is taken over
    is answered after it.

    Cancel it to resign. Raises Fenced if a newer controller was elected. Returns only if the
    session's events end.
    """
    context = ControllerContext(
        broker_id,
        election.epoch,
        election.epoch_version,
        settings or ControllerSettings(),
        new_topic_id,
    )
    inbox = Inbox()
    to_inbox, answers = trio.open_memory_channel[CommandAnswered](ANSWERS_WAITING_AT_MOST)
    try:
        with session.subscribe() as events:
            async with open_channel(to_inbox) as channel, trio.open_nursery() as nursery:
                nursery.start_soon(_hear_zookeeper, events, inbox, nursery.cancel_scope)
                nursery.start_soon(_hear_brokers, answers, inbox)
                term = _Term(Controller(context), session, channel, recorder, cause)
                # Before the first broker hears of us, for its clients come here at once.
                seat.active = ActiveController(context, inbox, channel.orders)
                inbox.put_hint(Elected())
                await term.tell(await inbox.take())
                if context.settings.auto_leader_rebalance_enable:
                    interval_s = context.settings.leader_imbalance_check_interval_seconds
                    nursery.start_soon(_remind_of_leader_balance, inbox, interval_s)
                while True:
                    await term.tell(await inbox.take())
    finally:
        seat.active = None
        inbox.close()


async def _hear_zookeeper(
    events: trio.MemoryReceiveChannel[StoreEvent], inbox: Inbox, term: trio.CancelScope
) -> None:
    async for event in events:
        match event:
            case WatchEvent(path=path):
                hint = hint_of(path)
                if hint is not None:
                    inbox.put_hint(hint)
            case Reconnected():
                inbox.put_hint(WatchesLost())
            case _:
                pass  # Suspended: our calls wait. Lost: the queue ends now.
    term.cancel()


async def _hear_brokers(answers: trio.MemoryReceiveChannel[CommandAnswered], inbox: Inbox) -> None:
    async for answer in answers:
        inbox.put_answer(answer)


async def _remind_of_leader_balance(inbox: Inbox, interval_s: int) -> None:
    """The only event that no watch, broker or admin gives cause for."""
    await trio.sleep(FIRST_CHECK_S)
    while True:
        inbox.put_hint(LeaderBalanceDue())
        await trio.sleep(interval_s)


@attrs.define(eq=False)
class _Term:
    _controller: Controller
    _session: Session
    _channel: ControlChannel
    _recorder: Recorder
    _elected: str | None
    _headline: str | None = None
    _question: Question | None = None

    async def tell(self, event: Event | Question) -> None:
        """One story, from its event to its end."""
        self._headline = self._elected
        self._question = event if isinstance(event, Question) else None
        next_event: Event = event.request if isinstance(event, Question) else event
        try:
            while True:
                answer: Answer = None
                for effect in self._controller.step(next_event):
                    answer = await self._carry_out(effect)
                if self._controller.is_idle:
                    return
                next_event = Answered(answer)
        except ControllerMoved as moved:
            raise Fenced(str(moved)) from moved

    async def _carry_out(self, effect: eff.Effect) -> Answer:
        match effect:
            case eff.Read(wanted, watch):
                return await self._session.get_many(wanted, watch=watch)
            case eff.Exists(path):
                return await self._session.exists(path, watch=True) is not None
            case eff.ListChildren(path, watch):
                try:
                    return await self._session.children(path, watch=watch)
                except NoNode:
                    return []
            case eff.Persist(multis):
                return await self._persist(multis)
            case eff.Send(broker_id, command):
                await self._channel.send(broker_id, command)
            case eff.OpenChannel(registration):
                self._channel.broker_joined(registration)
            case eff.CloseChannel(broker_id):
                self._channel.broker_left(broker_id)
            case eff.Reply(result):
                assert self._question is not None, "a reply to no question"
                self._question.answer(result)
            case eff.Record(kind, facts, headline):
                cause = self._elected if headline else self._headline
                recorded = self._recorder(kind, cause=cause, **facts)
                if headline:
                    self._headline = recorded
        return None

    async def _persist(self, multis: Sequence[tuple[Op, ...]]) -> list[list[OpResult] | StoreError]:
        outcomes: list[list[OpResult] | StoreError] = []
        for start in range(0, len(multis), PIPELINED_AT_MOST):
            some = multis[start : start + PIPELINED_AT_MOST]
            outcomes += await self._persist_until_answered(some)
        return outcomes

    async def _persist_until_answered(
        self, multis: Sequence[tuple[Op, ...]]
    ) -> list[list[OpResult] | StoreError]:
        outcomes = await self._session.multi_many(multis)
        while True:
            unknown = [i for i, each in enumerate(outcomes) if isinstance(each, ConnectionLoss)]
            if not unknown:
                return outcomes
            await self._session.exists(paths.CONTROLLER_EPOCH)  # the read after the loss
            again = await self._session.multi_many([multis[i] for i in unknown])
            for i, outcome in zip(unknown, again, strict=True):
                outcomes[i] = outcome
