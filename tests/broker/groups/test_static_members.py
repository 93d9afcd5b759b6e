"""Static members (KIP-345): a restart does not cost a rebalance, and nobody is two at once."""

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from broker.groups.group import Group
from broker.groups.leaving import LeavingMember
from broker.groups.rebalancing import Rebalancing
from broker.groups.replay import Replay
from broker.wire.errors import ErrorCode
from broker.wire.record_batch import batches
from tests.broker.groups.support import PARTITION_COUNT, Client, Setting, running_coordinator
from tests.broker.groups.support import stable_group as let_them_join


async def static_pair(setting: Setting) -> tuple[Client, Client]:
    """The leader and the follower of a Stable group."""
    a, b = setting.member(instance_id="a"), setting.member(instance_id="b")
    await let_them_join(setting, a, b)
    return (a, b) if a.is_leader else (b, a)


async def test_a_restarted_follower_keeps_its_assignment(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        leader, follower = await static_pair(setting)
        again = setting.member(instance_id=follower.instance_id)
        result = await again.join()
        assert (result.error, result.generation) == (ErrorCode.NONE, leader.generation)
        assert again.member_id != follower.member_id
        assert await setting.state() == "Stable"
        assert (await again.sync()).assignment == follower.member_id.encode()
        assert await follower.heartbeat() is ErrorCode.FENCED_INSTANCE_ID
        assert await leader.heartbeat() is ErrorCode.NONE


async def test_a_restarted_leader_skips_the_assignment(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        leader, _ = await static_pair(setting)
        again = setting.member(instance_id=leader.instance_id)
        result = await again.join()
        assert (result.leader_id, result.skip_assignment) == (again.member_id, True)
        assert len(result.members) == 2


async def test_an_older_restarted_leader_is_not_told_that_it_leads(
    autojump_clock: MockClock,
) -> None:
    async with running_coordinator() as setting:
        leader, _ = await static_pair(setting)
        again = setting.member(instance_id=leader.instance_id, version=8)
        result = await again.join()
        assert (result.leader_id, result.members) == (leader.member_id, ())
        assert not result.skip_assignment


async def test_the_new_member_id_is_stored(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        _, follower = await static_pair(setting)
        again = setting.member(instance_id=follower.instance_id)
        await again.join()
        stored = set()
        for partition in range(PARTITION_COUNT):
            replay = Replay()
            for batch in batches(bytes(setting.log.data.get(partition, b""))):
                replay.apply(batch)
            for group in replay.loaded(0).groups.values():
                stored |= set(group.members)
        assert again.member_id in stored
        assert follower.member_id not in stored


async def test_a_return_that_cannot_be_stored_did_not_happen(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        _, follower = await static_pair(setting)
        setting.log.commit_error = ErrorCode.NOT_ENOUGH_REPLICAS
        again = setting.member(instance_id=follower.instance_id)
        assert (await again.join()).error is ErrorCode.COORDINATOR_NOT_AVAILABLE
        assert await follower.heartbeat() is ErrorCode.NONE


async def test_a_return_with_another_protocol_makes_a_round(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        a = setting.member(instance_id="a")
        await let_them_join(setting, a)
        again = setting.member(instance_id="a", protocols=(("sticky", b""),))
        assert (await again.join()).error is ErrorCode.INCONSISTENT_GROUP_PROTOCOL
        both = (("sticky", b""), ("range", b""))
        more = setting.member(instance_id="a", protocols=both)
        result = await more.join()
        assert (result.generation, result.protocol_name) == (2, "sticky")


async def test_a_return_during_the_assignment_makes_a_round(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        leader, follower = await static_pair(setting)
        leader.start_join()
        await wait_all_tasks_blocked()
        await follower.join()
        follower.start_sync()
        await wait_all_tasks_blocked()
        again = setting.member(instance_id=follower.instance_id)
        again.start_join()
        await wait_all_tasks_blocked()
        assert follower.synced is not None
        assert follower.synced.error is ErrorCode.FENCED_INSTANCE_ID
        assert await setting.state() == "PreparingRebalance"


async def test_who_waits_under_the_old_id_is_fenced(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        leader, follower = await static_pair(setting)
        follower.protocols = (("range", b"changed"),)
        follower.start_join()
        await wait_all_tasks_blocked()
        again = setting.member(instance_id=follower.instance_id)
        again.start_join()
        await wait_all_tasks_blocked()
        assert follower.joined is not None
        assert follower.joined.error is ErrorCode.FENCED_INSTANCE_ID
        await leader.join()
        await wait_all_tasks_blocked()
        assert again.joined is not None
        assert again.joined.error is ErrorCode.NONE


async def test_an_administrator_removes_a_member_by_its_instance(
    autojump_clock: MockClock,
) -> None:
    async with running_coordinator() as setting:
        leader, follower = await static_pair(setting)
        errors = await setting.coordinator.leave(
            "g",
            [
                LeavingMember("", follower.instance_id),
                LeavingMember("", "nobody"),
                LeavingMember("another", leader.instance_id),
            ],
        )
        assert errors == [
            ErrorCode.NONE,
            ErrorCode.UNKNOWN_MEMBER_ID,
            ErrorCode.FENCED_INSTANCE_ID,
        ]
        assert await follower.heartbeat() is ErrorCode.UNKNOWN_MEMBER_ID
        assert await leader.heartbeat() is ErrorCode.REBALANCE_IN_PROGRESS


async def test_a_round_with_only_absent_static_members_goes_on(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        a = setting.member(instance_id="a", session_timeout_ms=100_000, rebalance_timeout_ms=5_000)
        await let_them_join(setting, a)
        late = setting.member(session_timeout_ms=100_000, rebalance_timeout_ms=5_000)
        late.start_join()
        await wait_all_tasks_blocked()
        await setting.coordinator.leave("g", [LeavingMember(late.member_id)])
        await wait_all_tasks_blocked()
        assert await setting.state() == "PreparingRebalance"
        assert (await a.join()).error is ErrorCode.NONE


async def test_members_that_give_a_round_no_time_do_not_take_all_of_ours(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = []
    end_round = Rebalancing._end_round

    def counted(rebalancing: Rebalancing, group: Group) -> None:
        rounds.append(trio.current_time())
        end_round(rebalancing, group)

    async with running_coordinator() as setting:
        absent = setting.member(instance_id="a", session_timeout_ms=100_000, rebalance_timeout_ms=0)
        patient = setting.member(session_timeout_ms=100_000, rebalance_timeout_ms=60_000)
        await let_them_join(setting, absent, patient)
        monkeypatch.setattr(Rebalancing, "_end_round", counted)
        await setting.coordinator.leave("g", [LeavingMember(patient.member_id)])
        await trio.sleep(10)
        assert await setting.state() == "PreparingRebalance"
        assert 9 <= len(rounds) <= 11
        assert (await absent.join()).error is ErrorCode.NONE
