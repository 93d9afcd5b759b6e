"""The ensemble's znodes, read for the doctor: what can't be read of them is a fact, too.

Read after a `sync`, for a ZooKeeper server may be behind the others. They are not read at one
moment: a topic that is made or deleted meanwhile may be there in half, until the next look.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeVar

import attrs

from cli.doctor.facts import Controller, Znodes
from coordination import znodes
from coordination.store import Node, NoNode, Session
from coordination.values import LeaderAndIsr, TopicAssignment, TopicPartition
from coordination.znodes import paths

T = TypeVar("T")


async def read_znodes(session: Session, chroot: str) -> Znodes:
    """Raises `NoNode` where no Kafka cluster has ever been: there is no /brokers/ids."""
    await session.sync()
    reader = _Reader(session, chroot)
    brokers = await reader.brokers()
    topics = await reader.topics()
    return Znodes(
        cluster_id=await reader.value(paths.CLUSTER_ID, znodes.decode_cluster_id),
        controller=await reader.value(paths.CONTROLLER, _controller),
        controller_epoch=await reader.value(paths.CONTROLLER_EPOCH, znodes.decode_controller_epoch),
        brokers=brokers,
        topics=topics,
        states=await reader.states(topics),
        deleting=frozenset(await reader.names(paths.DELETE_TOPICS)),
        unreadable=reader.unreadable,
    )


def _controller(node: Node) -> Controller:
    return Controller(znodes.decode_controller(node).broker_id, node.stat.ephemeral_owner)


@attrs.define(eq=False)
class _Reader:
    """Paths are below the chroot."""

    session: Session
    chroot: str
    unreadable: dict[str, str] = attrs.field(factory=dict)

    async def node(self, path: str) -> Node | None:
        (node,) = await self.session.get_many([self.chroot + path])
        return node

    async def value(self, path: str, decode: Callable[[Node], T]) -> T | None:
        """None if it isn't there, or can't be read."""
        node = await self.node(path)
        return None if node is None else self.decoded(path, decode, node)

    def decoded(self, path: str, decode: Callable[[Node], T], node: Node) -> T | None:
        try:
            return decode(node)
        except znodes.BadZnode as error:
            self.unreadable[path] = error.why
            return None

    async def names(self, path: str) -> list[str]:
        try:
            return sorted(await self.session.children(self.chroot + path))
        except NoNode:
            return []

    async def brokers(self) -> dict[int, int]:
        """The session that owns each registration; one that can't be read is one all the same."""
        found: dict[int, int] = {}
        for name in sorted(await self.session.children(self.chroot + paths.BROKER_IDS)):
            broker_id = znodes.broker_id_of(name)
            if broker_id is None:
                self.unreadable[f"{paths.BROKER_IDS}/{name}"] = "is no broker's id"
                continue
            path = paths.broker(broker_id)
            node = await self.node(path)
            if node is not None:
                self.decoded(path, partial(znodes.decode_broker, broker_id), node)
                found[broker_id] = node.stat.ephemeral_owner
        return found

    async def topics(self) -> dict[str, TopicAssignment]:
        names = await self.names(paths.TOPICS)
        decoders = {paths.topic(name): partial(znodes.decode_topic, name) for name in names}
        return {each.topic: each for each in (await self._many(decoders)).values()}

    async def states(
        self, topics: Mapping[str, TopicAssignment]
    ) -> dict[TopicPartition, LeaderAndIsr]:
        partitions = {
            paths.partition_state(each): each
            for topic, its in topics.items()
            for number in its.partitions
            for each in [TopicPartition(topic, number)]
        }
        decoders = {
            path: partial(znodes.decode_partition_state, each) for path, each in partitions.items()
        }
        return {partitions[path]: state for path, state in (await self._many(decoders)).items()}

    async def _many(self, decoders: Mapping[str, Callable[[Node], T]]) -> dict[str, T]:
        """What is there, and can be read, by its path."""
        nodes = await self.session.get_many([self.chroot + path for path in decoders])
        found = {}
        for (path, decode), node in zip(decoders.items(), nodes, strict=True):
            value = None if node is None else self.decoded(path, decode, node)
            if value is not None:
                found[path] = value
        return found
