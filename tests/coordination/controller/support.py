"""A controller on the memory store, with a channel that only notes what it is given."""

import uuid
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import attrs
import trio

from coordination.controller.channel import Orders
from coordination.controller.commands import Command, CommandAnswered, StopReplicaCommand
from coordination.controller.lifecycle import run_controller_lifecycle
from coordination.controller.requests import ControlledShutdown, KafkaErrorName
from coordination.controller.runner import ActiveController, ControllerSeat
from coordination.memory_store import MemorySession, MemoryStore
from coordination.store import Session, SessionLost, Suspended
from coordination.values import (
    BrokerRegistration,
    Endpoint,
    LeaderAndIsr,
    PartitionAssignment,
    TopicAssignment,
    TopicPartition,
)
from coordination.znodes import (
    decode_partition_state,
    encode_broker,
    encode_topic,
    paths,
    topic_id_from_text,
)

TOPIC_ID = topic_id_from_text("ew3DRA8aSpqj2ZcRtOzxyQ")
NOBODY = 999


@attrs.define(eq=False)
class Trace:
    """Takes the place of the broker's trace: `what[id]` is (kind, cause, facts)."""

    events: list[tuple[str, str, str | None, dict[str, object]]] = attrs.field(factory=list)
    _grown: trio.Event = attrs.field(factory=trio.Event)

    def __call__(self, kind: str, *, cause: str | None = None, **facts: object) -> str:
        event_id = f"e{len(self.events)}"
        self.events.append((event_id, kind, cause, facts))
        self._grown.set()
        return event_id

    def of(self, kind: str) -> list[dict[str, object]]:
        return [facts for _, each, _, facts in self.events if each == kind]

    async def wait_for(self, kind: str, count: int = 1) -> dict[str, object]:
        """The facts of the `count`th event of that kind."""
        with trio.fail_after(10):
            while len(self.of(kind)) < count:
                self._grown = trio.Event()
                await self._grown.wait()
        return self.of(kind)[count - 1]

    def causes(self, kind: str) -> list[str]:
        """The kinds from the last event of that kind back to its first cause."""
        known = {event_id: (each, cause) for event_id, each, cause, _ in self.events}
        event_id: str | None = [i for i, each, _, _ in self.events if each == kind][-1]
        chain = []
        while event_id is not None:
            each, event_id = known[event_id]
            chain.append(each)
        return chain


@attrs.define(eq=False)
class RecordingChannel:
    """Brokers that do all they are told: StopReplica is answered, the rest only noted."""

    answers: trio.MemorySendChannel[CommandAnswered]
    open: dict[int, int] = attrs.field(factory=dict)
    sent: deque[tuple[int, Command]] = attrs.field(factory=deque)

    def broker_joined(self, registration: BrokerRegistration) -> None:
        self.open[registration.broker_id] = registration.epoch

    def broker_left(self, broker_id: int) -> None:
        del self.open[broker_id]

    async def send(self, broker_id: int, command: Command) -> None:
        assert self.open[broker_id] == command.broker_epoch
        self.sent.append((broker_id, command))
        if isinstance(command, StopReplicaCommand):
            errors = dict.fromkeys(command.partitions, 0)
            await self.answers.send(CommandAnswered(broker_id, command, 0, errors))

    def orders(self) -> dict[int, Orders]:
        return {broker_id: Orders() for broker_id in self.open}


@attrs.define(eq=False)
class Cluster:
    """Broker sessions on one store; any of them may stand for controller."""

    nursery: trio.Nursery
    store: MemoryStore = attrs.field(factory=MemoryStore)
    trace: Trace = attrs.field(factory=Trace)
    channels: list[RecordingChannel] = attrs.field(factory=list)
    sessions: dict[int, MemorySession] = attrs.field(factory=dict)

    async def start_broker(self, broker_id: int) -> MemorySession:
        session = await self.store.open_session()
        self.sessions[broker_id] = session
        endpoint = Endpoint("PLAINTEXT", "PLAINTEXT", "localhost", 9090 + broker_id)
        registration = encode_broker(BrokerRegistration(broker_id, (endpoint,)))
        await session.create(paths.broker(broker_id), registration, ephemeral=True)
        return session

    def candidate(self, broker_id: int) -> ControllerSeat:
        """Let the broker stand for controller, until its session is lost."""
        seat = ControllerSeat()
        self.nursery.start_soon(self._stand, broker_id, seat)
        return seat

    async def _stand(self, broker_id: int, seat: ControllerSeat) -> None:
        try:
            await run_controller_lifecycle(
                self.sessions[broker_id],
                broker_id,
                seat,
                self.open_channel,
                recorder=self.trace,
                clock_ms=lambda: 0,
            )
        except* SessionLost:
            pass

    @asynccontextmanager
    async def open_channel(
        self, answers: trio.MemorySendChannel[CommandAnswered]
    ) -> AsyncIterator[RecordingChannel]:
        channel = RecordingChannel(answers)
        self.channels.append(channel)
        yield channel

    async def state(self, partition: TopicPartition) -> LeaderAndIsr:
        node = self.store.tree.node(paths.partition_state(partition))
        return decode_partition_state(partition, node)


@asynccontextmanager
async def cluster(broker_ids: Iterable[int] = (1, 2, 3)) -> AsyncIterator[Cluster]:
    """Brokers, registered, and ZooKeeper as the first broker's start leaves it."""
    async with trio.open_nursery() as nursery:
        made = Cluster(nursery)
        admin = await made.store.open_session()
        for path in paths.PERSISTENT:
            parts = path.split("/")
            for depth in range(2, len(parts) + 1):
                if await admin.exists("/".join(parts[:depth])) is None:
                    await admin.create("/".join(parts[:depth]))
        for broker_id in broker_ids:
            await made.start_broker(broker_id)
        yield made
        nursery.cancel_scope.cancel()


async def seated(seat: ControllerSeat) -> ActiveController:
    """The controller, once it has taken over: before, it answers nothing."""
    with trio.fail_after(10):
        while seat.active is None:
            await trio.lowlevel.checkpoint()
        active = seat.active
        answer = await active.submit(ControlledShutdown(NOBODY, -1))
        assert answer is KafkaErrorName.BROKER_NOT_AVAILABLE
    return active


async def write_topic(
    session: Session, topic: str, *replicas: tuple[int, ...], topic_id: uuid.UUID = TOPIC_ID
) -> None:
    partitions = {number: PartitionAssignment(each) for number, each in enumerate(replicas)}
    await session.create(
        paths.topic(topic), encode_topic(TopicAssignment(topic, topic_id, partitions))
    )


@asynccontextmanager
async def reconnecting(session: MemorySession) -> AsyncIterator[None]:
    """Whenever the session is suspended, it is connected again."""

    async def reconnect() -> None:
        async for event in events:
            if isinstance(event, Suspended):
                session.reconnect()

    with session.subscribe() as events:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(reconnect)
            yield
            nursery.cancel_scope.cancel()
