"""The real Kafka's controller and ours, the same story on the same ZooKeeper: the same znodes.

The brokers of the story are only registrations (a controller decides and writes without waiting for
their answers), so every leader, ISR, epoch and znode version is the controller's own doing. The
real controller runs in a real broker, which holds no replica.
"""

import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import attrs
import pytest
import trio
from kazoo.client import KazooClient

from coordination.assignment import BrokerRack
from coordination.controller.lifecycle import run_controller_lifecycle
from coordination.controller.runner import ControllerSeat
from coordination.kazoo_store import KazooStore
from coordination.store import NoNode, Session
from coordination.topics import create_partitions, create_topic, delete_topic
from coordination.values import BrokerRegistration, Endpoint
from coordination.znodes import encode_broker, paths
from tests.coordination.controller.support import RecordingChannel, Trace
from tests.support.broker_process import running_broker

pytestmark = [pytest.mark.server, pytest.mark.matrix]

ORDERS_ID, LONELY_ID = uuid.UUID(int=1), uuid.UUID(int=2)
CONTROLLER = 1  # holds no replicas
PATIENCE_S = 30


@attrs.define(eq=False)
class Side:
    """One cluster: Kafka's controller in it, or ours."""

    store: KazooStore
    admin: Session
    brokers: dict[int, Session] = attrs.field(factory=dict)

    async def start_broker(self, broker_id: int) -> None:
        session = await self.store.open_session(timeout_ms=10_000)
        self.brokers[broker_id] = session
        nowhere = Endpoint("PLAINTEXT", "PLAINTEXT", "127.0.0.1", 1)
        data = encode_broker(BrokerRegistration(broker_id, (nowhere,)))
        await session.create(paths.broker(broker_id), data, ephemeral=True)

    async def stop_broker(self, broker_id: int) -> None:
        await self.brokers.pop(broker_id).aclose()

    async def tree(self) -> dict[str, object]:
        """/brokers/topics: each znode's document and version. Topic ids may be random."""
        found: dict[str, object] = {}
        for topic in await self.admin.children(paths.TOPICS):
            await self._gather(paths.topic(topic), found)
        return found

    async def _gather(self, path: str, found: dict[str, object]) -> None:
        try:
            node = await self.admin.get(path)
            names = await self.admin.children(path)
        except NoNode:
            return
        document = json.loads(node.data) if node.data else None
        if isinstance(document, dict) and "topic_id" in document:
            document["topic_id"] = "an id"
        found[path] = (document, node.stat.version)
        for name in names:
            await self._gather(f"{path}/{name}", found)


async def both(sides: list[Side], action: Callable[[Side], Awaitable[object]]) -> None:
    for side in sides:
        await action(side)


async def same_tree(sides: list[Side], path: str, expected: dict[str, object]) -> None:
    """Both come to have `expected` at the path, and then the same tree."""
    with trio.move_on_after(PATIENCE_S):
        while True:
            theirs, ours = [await side.tree() for side in sides]
            if theirs == ours and _has(theirs, path, expected):
                return
            await trio.sleep(0.05)  # a poll under a deadline: nobody tells when Kafka is done
    assert theirs == ours
    assert _has(theirs, path, expected), f"{path} is {theirs.get(path)}"


def _has(tree: dict[str, object], path: str, expected: dict[str, object]) -> bool:
    match tree.get(path):
        case (dict() as document, _):
            return expected.items() <= document.items()
    return expected == {} and path not in tree


@asynccontextmanager
async def side(connect: str) -> AsyncIterator[Side]:
    store = KazooStore(connect, session_timeout_ms=6000)
    admin = await store.open_session(timeout_ms=10_000)
    side = Side(store, admin)
    try:
        yield side
    finally:
        with trio.CancelScope(shield=True):
            for session in [admin, *side.brokers.values()]:
                await session.aclose()


def make_root(connect: str) -> None:
    host, _, chroot = connect.partition("/")
    client = KazooClient(host)
    client.start()
    for path in paths.PERSISTENT:
        client.ensure_path(f"/{chroot}{path}")
    client.stop()
    client.close()


@asynccontextmanager
async def recording_channel(
    answers: trio.MemorySendChannel[object],
) -> AsyncIterator[RecordingChannel]:
    """Deaf brokers: nothing is answered, as Kafka's controller hears nothing either."""
    silent, _ = trio.open_memory_channel[object](100_000)
    yield RecordingChannel(silent)


@asynccontextmanager
async def our_controller(side: Side) -> AsyncIterator[ControllerSeat]:
    await side.start_broker(CONTROLLER)
    seat = ControllerSeat()
    stand = partial(
        run_controller_lifecycle,
        side.brokers[CONTROLLER],
        CONTROLLER,
        seat,
        recording_channel,
        recorder=Trace(),
        clock_ms=lambda: 0,
    )
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stand)
        yield seat
        nursery.cancel_scope.cancel()


def state(topic: str, partition: int) -> str:
    return f"/brokers/topics/{topic}/partitions/{partition}/state"


@pytest.fixture
def roots(zookeeper: str, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Connect strings of two clusters: in the first the real Kafka is controller already."""
    theirs, ours = f"{zookeeper}/theirs", f"{zookeeper}/ours"
    make_root(theirs)
    make_root(ours)
    with running_broker("kafka", CONTROLLER, theirs, tmp_path):
        yield theirs, ours


async def test_the_same_story_leaves_the_same_znodes(roots: tuple[str, str]) -> None:
    async with side(roots[0]) as theirs, side(roots[1]) as ours, our_controller(ours):
        await tell([theirs, ours])


async def tell(sides: list[Side]) -> None:
    for broker_id in (11, 12, 13):
        await both(sides, lambda s, b=broker_id: s.start_broker(b))

    # Topics appear, one of them without an id.
    orders = {0: [11, 12, 13], 1: [12, 13, 11]}
    await both(sides, lambda s: create_topic(s.admin, "orders", orders, {}, topic_id=ORDERS_ID))
    lonely = {0: [13]}
    await both(sides, lambda s: create_topic(s.admin, "lonely", lonely, {}, topic_id=LONELY_ID))
    old = b'{"version":1,"partitions":{"0":[12,11]}}'
    await both(sides, lambda s: s.admin.create(paths.topic("old"), old))
    await same_tree(sides, state("orders", 1), {"leader": 12, "leader_epoch": 0})
    await same_tree(sides, state("lonely", 0), {"leader": 13})
    await same_tree(sides, state("old", 0), {"leader": 12})

    # A leader dies, and comes back.
    await both(sides, lambda s: s.stop_broker(11))
    await same_tree(sides, state("orders", 0), {"leader": 12, "leader_epoch": 1, "isr": [12, 13]})
    await both(sides, lambda s: s.start_broker(11))

    # Partitions are added.
    brokers = [BrokerRack(11), BrokerRack(12), BrokerRack(13)]
    more = [[11, 12, 13], [12, 13, 11]]
    await both(sides, lambda s: create_partitions(s.admin, "orders", 4, brokers, more))
    await same_tree(sides, state("orders", 3), {"leader": 12, "leader_epoch": 0})

    # The only replica of lonely dies.
    await both(sides, lambda s: s.stop_broker(13))
    await same_tree(sides, state("lonely", 0), {"leader": -1, "leader_epoch": 1, "isr": [13]})

    # The controller changes while it is away.
    await both(sides, lambda s: s.admin.delete(paths.CONTROLLER))
    await same_tree(sides, state("lonely", 0), {"controller_epoch": 2, "leader_epoch": 2})
    await both(sides, lambda s: s.start_broker(13))
    await same_tree(sides, state("lonely", 0), {"leader": 13, "leader_epoch": 3})

    # Deleted while a replica is offline: halted. It may not grow.
    await both(sides, lambda s: s.stop_broker(12))
    await same_tree(sides, state("old", 0), {"leader": -1})
    await both(sides, lambda s: delete_topic(s.admin, "orders"))
    await same_tree(sides, state("orders", 0), {"leader": -1})
    await same_tree(sides, state("orders", 3), {"leader": -1})
