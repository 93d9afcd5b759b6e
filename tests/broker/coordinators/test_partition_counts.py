"""The number that everybody divides by: it is counted whole, and stays what it was."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from broker.control.metadata_cache import MetadataCache, PartitionMetadata
from broker.coordinators.partition_counts import RETRY_S, PartitionCounts
from broker.zookeeper import ZooKeeper
from coordination.assignment import BrokerRack
from coordination.memory_store import MemoryStore
from coordination.registration import create_persistent_paths
from coordination.store import Session
from coordination.topics import create_partitions, create_topic
from coordination.values import (
    LEADER_DURING_DELETE,
    ZERO_UUID,
    LeaderAndIsr,
    TopicPartition,
)
from coordination.znodes import BadZnode, paths

FIRST, SECOND = UUID(int=1), UUID(int=2)


@attrs.frozen
class World:
    """A topic "a" that will be made with 5 partitions, and "b" with 50."""

    session: Session
    zookeeper: ZooKeeper
    metadata: MetadataCache
    counts: PartitionCounts

    async def make(self, topic: str, partitions: int, topic_id: UUID = FIRST) -> None:
        assignment = dict.fromkeys(range(partitions), (1,))
        await create_topic(self.session, topic, assignment, {}, topic_id=topic_id)

    async def know(
        self, topic: str, partitions: int, topic_id: UUID = FIRST, leader: int = 1
    ) -> None:
        """What UpdateMetadata says of the first ones."""
        state = PartitionMetadata(LeaderAndIsr(leader, 0, (1,), 1, 0), (1,), ())
        told = {TopicPartition(topic, number): state for number in range(partitions)}
        self.metadata.update(1, [], told, {topic: topic_id})
        await wait_all_tasks_blocked()

    def now(self) -> tuple[int, int]:
        return self.counts.of("a"), self.counts.of("b")


@asynccontextmanager
async def world() -> AsyncIterator[World]:
    session = await MemoryStore(lambda: 0).open_session()
    await create_persistent_paths(session)
    zookeeper, metadata = ZooKeeper(), MetadataCache()
    zookeeper.opened(session)
    counts = PartitionCounts({"a": 5, "b": 50}, metadata, zookeeper)
    async with trio.open_nursery() as nursery:
        await nursery.start(counts.run)
        yield World(session, zookeeper, metadata, counts)
        nursery.cancel_scope.cancel()


async def test_what_is_there_at_the_start(autojump_clock: MockClock) -> None:
    async with world() as it:
        assert it.now() == (5, 50)
        await it.make("a", 3)
        await it.counts.count(it.session)
        assert it.now() == (3, 50)


async def test_the_beginning_of_a_term_names_them_in_pieces(autojump_clock: MockClock) -> None:
    async with world() as it:
        await it.make("a", 3)
        await it.counts.count(it.session)
        for known in (1, 2, 3):
            await it.know("a", known)
            assert it.now() == (3, 50)


async def test_a_topic_that_grows_counts_as_it_was(autojump_clock: MockClock) -> None:
    async with world() as it:
        await it.make("a", 3)
        await it.counts.count(it.session)
        await it.know("a", 3)
        await create_partitions(it.session, "a", 9, [BrokerRack(1)])
        await it.know("a", 9)
        assert it.now() == (3, 50)


async def test_a_topic_that_is_made_later(autojump_clock: MockClock) -> None:
    """By hand, or by a broker that is configured otherwise."""
    async with world() as it:
        await it.counts.count(it.session)
        await it.make("b", 4)
        await it.know("b", 4)
        assert it.now() == (5, 4)


async def test_a_topic_that_is_made_while_zookeeper_is_away(autojump_clock: MockClock) -> None:
    async with world() as it:
        await it.make("b", 4)
        await it.session.aclose()
        await it.know("b", 4)
        assert it.now() == (5, 50)
        other = await MemoryStore(lambda: 0).open_session()
        await create_persistent_paths(other)
        it.zookeeper.opened(other)
        await trio.sleep(RETRY_S + 0.1)
        assert it.now() == (5, 50), "it is not there either"
        assignment = dict.fromkeys(range(4), (1,))
        await create_topic(other, "b", assignment, {}, topic_id=FIRST)
        await trio.sleep(RETRY_S + 0.1)
        assert it.now() == (5, 4)


async def test_a_topic_that_is_deleted_and_made_again(autojump_clock: MockClock) -> None:
    async with world() as it:
        await it.make("a", 3)
        await it.know("a", 3)
        assert it.now() == (3, 50)
        await it.session.delete(paths.topic("a"))
        await it.know("a", 3, leader=LEADER_DURING_DELETE)
        assert it.now() == (5, 50)
        await it.make("a", 2, SECOND)
        await it.know("a", 2, SECOND)
        assert it.now() == (2, 50)
        # And once more, without our hearing of the end.
        await it.session.delete(paths.topic("a"))
        await it.make("a", 4)
        await it.know("a", 4)
        assert it.now() == (4, 50)


async def test_a_damaged_topic_keeps_no_other_from_being_counted(
    autojump_clock: MockClock,
) -> None:
    async with world() as it:
        for topic in ("a", "b"):
            await it.make(topic, 3)
        await it.session.set(paths.topic("a"), b"{")
        with pytest.raises(BadZnode):
            await it.counts.count(it.session)
        assert it.now() == (5, 3)


async def test_a_topic_that_is_made_again_counts_as_it_was_until_it_is_counted(
    autojump_clock: MockClock,
) -> None:
    async with world() as it:
        await it.make("a", 3)
        await it.know("a", 3)
        await it.session.aclose()
        await it.know("a", 2, SECOND)
        assert it.now() == (3, 50)
        other = await MemoryStore(lambda: 0).open_session()
        await create_persistent_paths(other)
        await create_topic(other, "a", dict.fromkeys(range(2), (1,)), {}, topic_id=SECOND)
        it.zookeeper.opened(other)
        with trio.fail_after(RETRY_S + 0.1):
            await it.counts.until_counted("a")
        assert it.now() == (2, 50)


async def test_an_id_that_is_not_named_or_given_late_is_no_other_topic(
    autojump_clock: MockClock,
) -> None:
    async with world() as it:
        await it.make("a", 3)
        await it.know("a", 3, ZERO_UUID)
        await it.session.aclose()
        for topic_id in (FIRST, ZERO_UUID):
            await it.know("a", 3, topic_id)
            await it.counts.until_counted("a")
            assert it.now() == (3, 50)


async def test_who_needs_the_number_waits_until_it_is_counted(autojump_clock: MockClock) -> None:
    async with world() as it:
        with trio.move_on_after(60) as waiting:
            await it.counts.until_counted("b")
        assert waiting.cancelled_caught
        await it.make("b", 4)
        await it.know("b", 4)
        with trio.fail_after(0):
            await it.counts.until_counted("b")
        assert it.now() == (5, 4)
