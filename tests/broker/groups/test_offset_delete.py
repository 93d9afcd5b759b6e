"""OffsetDelete: single offsets go, but of what the group still consumes (KIP-496)."""

import pytest
from trio.testing import MockClock

from broker.groups.committed_offsets import CommittedOffset
from broker.wire.errors import ErrorCode, KafkaError
from coordination.values import TopicPartition
from tests.broker.groups.support import Setting, running_coordinator, stable_group
from tests.broker.groups.test_offsets import T0, T1, commit_of
from tests.broker.groups.test_retention import OLD, SUBSCRIPTION

NONE = ErrorCode.NONE


async def committed(setting: Setting) -> set[TopicPartition]:
    return set(await setting.coordinator.fetch_offsets("g", None))


async def test_of_a_group_without_members(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        offsets = {T0: CommittedOffset(1), OLD: CommittedOffset(1)}
        await setting.coordinator.commit_offsets(commit_of(offsets=offsets))
        assert await setting.coordinator.delete_offsets("g", [OLD, T1]) == {OLD: NONE, T1: NONE}
        assert await committed(setting) == {T0}
        [tombstone] = [record for record in setting.log.records() if record.value is None]
        assert tombstone.key is not None
        assert b"old" in tombstone.key


async def test_the_last_offset_takes_the_group_along(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        await setting.coordinator.commit_offsets(commit_of())
        assert await setting.coordinator.delete_offsets("g", []) == {}
        assert await setting.state() == "Empty"
        assert await setting.coordinator.delete_offsets("g", [T0]) == {T0: NONE}
        assert await setting.state() == "Dead"


async def test_what_the_members_consume_stays(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        a = setting.member(protocols=(("range", SUBSCRIPTION),))
        await stable_group(setting, a)
        offsets = {T0: CommittedOffset(1), OLD: CommittedOffset(1)}
        await setting.coordinator.commit_offsets(
            commit_of(generation=a.generation, member_id=a.member_id, offsets=offsets)
        )
        assert await setting.coordinator.delete_offsets("g", [T0, OLD]) == {
            T0: ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC,
            OLD: NONE,
        }
        assert await committed(setting) == {T0}


async def test_subscriptions_that_cannot_be_read_protect_all(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        await stable_group(setting, setting.member(protocols=(("range", b"\0"),)))
        assert await setting.coordinator.delete_offsets("g", [T0]) == {
            T0: ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC
        }


async def test_what_is_refused_as_a_whole(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        workers = setting.member(group_id="workers", protocol_type="connect")
        await stable_group(setting, workers)
        for group_id, code in (
            ("workers", ErrorCode.NON_EMPTY_GROUP),
            ("nobody", ErrorCode.GROUP_ID_NOT_FOUND),
            ("", ErrorCode.INVALID_GROUP_ID),
        ):
            with pytest.raises(KafkaError) as refused:
                await setting.coordinator.delete_offsets(group_id, [T0])
            assert refused.value.code is code


async def test_a_deletion_that_is_not_stored_says_so(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        await setting.coordinator.commit_offsets(commit_of())
        setting.log.append_error = ErrorCode.NOT_LEADER_OR_FOLLOWER
        assert await setting.coordinator.delete_offsets("g", [T0]) == {
            T0: ErrorCode.NOT_COORDINATOR
        }
