"""Offsets and groups end: by age, with their topic, by deletion (KIP-211, KIP-229)."""

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from broker.groups.committed_offsets import CommittedOffset
from broker.groups.group import Group
from broker.groups.group_states import COMPLETING_REBALANCE, EMPTY, STABLE, GroupState
from broker.groups.leaving import LeavingMember
from broker.groups.retention import expired_offsets
from broker.wire.errors import ErrorCode
from coordination.values import TopicPartition
from tests.broker.groups.support import Config, clock_ms, running_coordinator, stable_group
from tests.broker.groups.test_offsets import T0, T1, commit_of

OLD, YOUNG = TopicPartition("old", 0), TopicPartition("young", 0)
SUBSCRIPTION = b"\0\0" + b"\0\0\0\1" + b"\0\1t" + b"\xff\xff\xff\xff"


@attrs.frozen
class Case:
    state: GroupState
    protocol_type: str | None
    since_ms: int | None
    topics: frozenset[str] | None
    expired: set[TopicPartition]


@pytest.mark.parametrize(
    "case",
    [
        Case(EMPTY, None, 0, None, {OLD}),
        Case(EMPTY, "consumer", 0, None, {OLD, YOUNG}),
        Case(EMPTY, "consumer", 50, None, set()),
        Case(EMPTY, "consumer", None, None, {OLD}),
        Case(STABLE, "consumer", 0, frozenset(), {OLD}),
        Case(STABLE, "consumer", 0, frozenset({"old"}), set()),
        Case(STABLE, "consumer", 0, None, set()),
        Case(STABLE, "connect", 0, None, set()),
        Case(COMPLETING_REBALANCE, "consumer", 0, frozenset(), set()),
    ],
)
def test_what_has_expired(case: Case) -> None:
    group = Group("g", state_since_ms=case.since_ms, state=case.state)
    group.protocol_type, group.subscribed_topics = case.protocol_type, case.topics
    group.offsets.load(OLD, CommittedOffset(1, commit_timestamp_ms=0), 0)
    group.offsets.load(YOUNG, CommittedOffset(1, commit_timestamp_ms=50), 1)
    assert set(expired_offsets(group, now_ms=100, retention_ms=100)) == case.expired


def test_an_offset_with_its_own_expiry_goes_by_that() -> None:
    group = Group("g", state_since_ms=0)
    group.offsets.load(OLD, CommittedOffset(1, commit_timestamp_ms=0, expire_timestamp_ms=150), 0)
    assert expired_offsets(group, now_ms=149, retention_ms=10) == []
    assert expired_offsets(group, now_ms=150, retention_ms=10) == [OLD]


async def test_an_unused_group_goes_with_its_offsets(autojump_clock: MockClock) -> None:
    config = Config(offsets_retention_minutes=1, offsets_retention_check_interval_ms=1_000)
    async with running_coordinator(config) as setting:
        a = setting.member()
        await stable_group(setting, a)
        offsets = {T0: CommittedOffset(1, commit_timestamp_ms=clock_ms())}
        await setting.coordinator.commit_offsets(
            commit_of(generation=a.generation, member_id=a.member_id, offsets=offsets)
        )
        await trio.sleep(5)
        await setting.coordinator.leave("g", [LeavingMember(a.member_id)])
        await trio.sleep(58)
        assert await setting.state() == "Empty"
        await trio.sleep(4)
        assert await setting.state() == "Dead"
        tombstones = [record for record in setting.log.records() if record.value is None]
        assert len(tombstones) == 2
        assert setting.trace.kinds()[-2:] == ["group.offsets_removed", "group.removed"]


async def test_offsets_of_topics_in_use_stay(autojump_clock: MockClock) -> None:
    config = Config(offsets_retention_minutes=1, offsets_retention_check_interval_ms=1_000)
    async with running_coordinator(config) as setting:
        a = setting.member(protocols=(("range", SUBSCRIPTION),), session_timeout_ms=1_000_000)
        await stable_group(setting, a)
        offsets = {
            T0: CommittedOffset(1, commit_timestamp_ms=clock_ms()),
            OLD: CommittedOffset(1, commit_timestamp_ms=clock_ms()),
        }
        await setting.coordinator.commit_offsets(
            commit_of(generation=a.generation, member_id=a.member_id, offsets=offsets)
        )
        await trio.sleep(62)
        assert set(await setting.coordinator.fetch_offsets("g", None)) == {T0}


async def test_deleting_groups(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        await setting.coordinator.commit_offsets(commit_of())
        await stable_group(setting, setting.member("busy"))
        assert await setting.coordinator.delete_groups(["g", "busy", "none", "g"]) == {
            "g": ErrorCode.NONE,
            "busy": ErrorCode.NON_EMPTY_GROUP,
            "none": ErrorCode.GROUP_ID_NOT_FOUND,
        }
        assert await setting.coordinator.fetch_offsets("g", None) == {}


async def test_a_deletion_that_is_not_stored_says_so(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        await setting.coordinator.commit_offsets(commit_of())
        setting.log.append_error = ErrorCode.NOT_LEADER_OR_FOLLOWER
        assert await setting.coordinator.delete_groups(["g"]) == {"g": ErrorCode.NOT_COORDINATOR}


async def test_a_group_goes_from_where_it_is(autojump_clock: MockClock) -> None:
    """Whatever its name says by now: the number of partitions was only known later."""
    async with running_coordinator() as setting:
        await setting.coordinator.commit_offsets(commit_of())
        before = setting.coordinator.partition_for("g")
        setting.log.partition_count += 1
        assert setting.coordinator.partition_for("g") != before
        setting.coordinator.topics_deleted({T0})
        await trio.sleep(1)
        assert "group.removed" in setting.trace.kinds()
        assert (await setting.coordinator.list_groups())[1] == []


async def test_offsets_go_with_their_topic(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        offsets = {T0: CommittedOffset(1), OLD: CommittedOffset(1)}
        await setting.coordinator.commit_offsets(commit_of(offsets=offsets))
        setting.coordinator.topics_deleted({T0, T1})
        assert set(await setting.coordinator.fetch_offsets("g", None)) == {OLD}


async def test_a_deleted_topics_offsets_go_at_once_from_all_groups(
    autojump_clock: MockClock,
) -> None:
    """None is waited for: the topic may be made anew, and have new offsets."""
    async with running_coordinator() as setting:
        for group_id in ("g", "h", "i"):
            await setting.coordinator.commit_offsets(commit_of(1, group_id=group_id))
        setting.log.replicated = trio.Event()
        setting.coordinator.topics_deleted({T0})
        for group_id in ("g", "h", "i"):
            assert await setting.coordinator.fetch_offsets(group_id, None) == {}
        assert sum(record.value is None for record in setting.log.records()) == 3
        setting.log.commit_error = ErrorCode.REQUEST_TIMED_OUT
        setting.log.replicated.set()
        await wait_all_tasks_blocked()
        failures = setting.trace.facts("group.write_failed")
        assert {failure["group"] for failure in failures} == {"g", "h", "i"}
