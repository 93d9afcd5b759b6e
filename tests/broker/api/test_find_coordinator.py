"""FindCoordinator while there is no coordinator; the rest is in the conversation about groups."""

import itertools
from collections.abc import Iterator

import attrs
import pytest
from trio.testing import MockClock

from broker.api import find_coordinator
from broker.control.metadata_cache import PartitionMetadata
from broker.groups.coordinator import GroupCoordinator
from broker.groups.offsets_log import OFFSETS_TOPIC
from broker.transactions.transactions_log import TRANSACTIONS_TOPIC
from broker.wire.apis import ApiKey
from broker.wire.errors import ErrorCode
from broker.wire.messages.find_coordinator import FindCoordinatorRequest, FindCoordinatorResponse
from coordination.values import NO_LEADER, LeaderAndIsr, TopicPartition
from tests.broker.groups.speakers import LISTENER, MemoryTopics, Services, context, metadata_of
from tests.broker.groups.support import PARTITION_COUNT, running_coordinator


async def find(
    services: Services, version: int = 3, listener: str = LISTENER, **fields: object
) -> FindCoordinatorResponse:
    asked = FindCoordinatorRequest(**({"key": "g"} | fields))  # type: ignore[arg-type]
    ctx = attrs.evolve(context(ApiKey.FIND_COORDINATOR, version), listener=listener)
    return await find_coordinator.handle(services, ctx, asked)


async def test_the_first_who_asks_has_the_topic_made(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        services = Services(setting.coordinator, metadata=metadata_of())
        found = await find(services)
        assert (found.error_code, found.node_id) == (ErrorCode.COORDINATOR_NOT_AVAILABLE, -1)
        assert services.topic_admin.created == [OFFSETS_TOPIC]


async def test_a_topic_that_cannot_be_made_yet(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        topics = MemoryTopics(error=ErrorCode.INVALID_REPLICATION_FACTOR)
        services = Services(setting.coordinator, metadata=metadata_of(), topic_admin=topics)
        found = await find(services)
        assert found.error_code == ErrorCode.COORDINATOR_NOT_AVAILABLE
        assert found.error_message == ErrorCode.INVALID_REPLICATION_FACTOR.message


async def test_the_leader_of_the_groups_partition(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        services = Services(setting.coordinator)
        found = await find(services)
        assert (found.error_code, found.node_id, found.host, found.port) == (
            ErrorCode.NONE,
            1,
            "127.0.0.1",
            9092,
        )
        [coordinator] = (await find(services, 4, coordinator_keys=["g"])).coordinators
        assert (coordinator.key, coordinator.node_id, coordinator.port) == ("g", 1, 9092)


@pytest.mark.parametrize("leader", [NO_LEADER, 7])
async def test_no_leader_or_a_dead_one(autojump_clock: MockClock, leader: int) -> None:
    async with running_coordinator() as setting:
        services = Services(setting.coordinator)
        state = PartitionMetadata(LeaderAndIsr(leader, 1, (1,), 1, 1), (1,), (1,))
        partitions = {TopicPartition(OFFSETS_TOPIC, p): state for p in range(PARTITION_COUNT)}
        brokers = services.metadata.current.brokers.values()
        services.metadata.update(1, brokers, partitions, {})
        assert (await find(services)).error_code == ErrorCode.COORDINATOR_NOT_AVAILABLE


async def test_a_coordinator_that_does_not_listen_there(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        found = await find(Services(setting.coordinator), listener="OTHER")
        assert found.error_code == ErrorCode.COORDINATOR_NOT_AVAILABLE


async def test_transactions_have_coordinators_of_their_own(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        services = Services(setting.coordinator)
        found = await find(services, key_type=1)
        assert found.error_code == ErrorCode.COORDINATOR_NOT_AVAILABLE
        assert services.topic_admin.created == [TRANSACTIONS_TOPIC]
        state = PartitionMetadata(LeaderAndIsr(1, 1, (1,), 1, 1), (1,), ())
        brokers = services.metadata.current.brokers.values()
        services.metadata.update(1, brokers, {TopicPartition(TRANSACTIONS_TOPIC, 0): state}, {})
        found = await find(services, key_type=1)
        assert (found.error_code, found.node_id) == (ErrorCode.NONE, 1)


async def test_a_partition_that_the_metadata_do_not_know_yet(autojump_clock: MockClock) -> None:
    """As at the beginning of a term: a part of them is no smaller topic."""
    async with running_coordinator() as setting:
        group_id = next(_groups_of(setting.coordinator, PARTITION_COUNT - 1))
        services = Services(setting.coordinator, metadata=metadata_of())
        state = PartitionMetadata(LeaderAndIsr(1, 1, (1,), 1, 1), (1,), ())
        brokers = services.metadata.current.brokers.values()
        services.metadata.update(1, brokers, {TopicPartition(OFFSETS_TOPIC, 0): state}, {})
        found = await find(services, key=group_id)
        assert found.error_code == ErrorCode.COORDINATOR_NOT_AVAILABLE
        last = TopicPartition(OFFSETS_TOPIC, PARTITION_COUNT - 1)
        services.metadata.update(1, brokers, {last: state}, {})
        assert (await find(services, key=group_id)).node_id == 1


def _groups_of(coordinator: GroupCoordinator, partition: int) -> Iterator[str]:
    names = (f"group-{number}" for number in itertools.count())
    return (name for name in names if coordinator.partition_for(name) == partition)


async def test_kinds_of_coordinators_that_there_are_not(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        services = Services(setting.coordinator)
        answers = [
            (await find(services, version, key_type=kind, coordinator_keys=["g"])).coordinators
            for version, kind in ((6, 2), (5, 2), (6, 3))
        ]
        assert [found.error_code for [found] in answers] == [
            ErrorCode.COORDINATOR_NOT_AVAILABLE,
            ErrorCode.INVALID_REQUEST,
            ErrorCode.INVALID_REQUEST,
        ]


async def test_which_versions_have_words(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        services = Services(setting.coordinator)
        assert (await find(services)).error_message == "NONE"
        unknown = ErrorCode.INVALID_REQUEST.message
        assert (await find(services, key_type=3)).error_message == unknown
        words = [
            (await find(services, 5, key_type=kind, coordinator_keys=["g"])).coordinators[0]
            for kind in (0, 2, 3)
        ]
        assert [found.error_message for found in words] == ["", "", unknown]
