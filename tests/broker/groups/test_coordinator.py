"""A group's life, as its members see it: rounds of joining, assignments, heartbeats, failures."""

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from broker.groups.leaving import LeavingMember
from broker.wire.errors import ErrorCode
from tests.broker.groups.support import Config, running_coordinator, stable_group
from tests.broker.groups.test_offsets import T0, commit_of


async def test_the_first_member_leads_and_gets_its_assignment(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        a = setting.member()
        joined = await a.join()
        assert (joined.error, joined.generation, joined.leader_id) == (0, 1, a.member_id)
        assert (joined.protocol_type, joined.protocol_name) == ("consumer", "range")
        assert [member.member_id for member in joined.members] == [a.member_id]
        assert await setting.state() == "CompletingRebalance"
        synced = await a.sync()
        assert (synced.error, synced.assignment) == (0, a.member_id.encode())
        assert await setting.state() == "Stable"
        assert await a.heartbeat() is ErrorCode.NONE


async def test_a_second_member_makes_the_first_join_again(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        a, b = setting.member(), setting.member()
        await stable_group(setting, a)
        b.start_join()
        await wait_all_tasks_blocked()
        assert await a.heartbeat() is ErrorCode.REBALANCE_IN_PROGRESS
        assert b.joined is None
        await a.join()
        await wait_all_tasks_blocked()
        assert b.joined is not None
        assert (a.generation, b.generation) == (2, 2)
        assert a.is_leader
        assert len(a.joined.members if a.joined else ()) == 2
        assert b.joined.members == ()
        b.start_sync()
        await wait_all_tasks_blocked()
        assert b.synced is None, "a follower waits for the leader's assignment"
        await a.sync()
        await wait_all_tasks_blocked()
        assert b.synced is not None
        assert b.synced.assignment == b.member_id.encode()


async def test_the_first_round_waits_for_latecomers(autojump_clock: MockClock) -> None:
    async with running_coordinator(Config(group_initial_rebalance_delay_ms=3_000)) as setting:
        a, b, c = setting.member(), setting.member(), setting.member()
        a.start_join()
        await trio.sleep(2)
        b.start_join()  # extends the round to 6 s
        await trio.sleep(3)
        c.start_join()  # and to 9 s
        await trio.sleep(3)
        assert a.joined is None
        await trio.sleep(0.5)
        assert a.joined is None
        await trio.sleep(1)
        assert a.joined is not None
        assert (a.generation, b.generation, c.generation) == (1, 1, 1)


async def test_the_first_round_never_lasts_longer_than_the_rebalance_timeout(
    autojump_clock: MockClock,
) -> None:
    async with running_coordinator(Config(group_initial_rebalance_delay_ms=3_000)) as setting:
        members = [setting.member(rebalance_timeout_ms=5_000) for _ in range(10)]
        for member in members:
            member.start_join()
            await trio.sleep(1)
        assert members[0].joined is not None
        assert members[4].generation == 1
        assert members[7].generation != 1


async def test_a_member_that_does_not_rejoin_is_left_behind(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        a = setting.member(session_timeout_ms=100_000, rebalance_timeout_ms=5_000)
        b = setting.member(session_timeout_ms=100_000, rebalance_timeout_ms=5_000)
        await stable_group(setting, a, b)
        c = setting.member(rebalance_timeout_ms=5_000)
        started = trio.current_time()
        c.start_join()
        await wait_all_tasks_blocked()
        await a.join()
        await wait_all_tasks_blocked()
        assert trio.current_time() - started == pytest.approx(5)
        assert c.joined is not None
        assert c.joined.error is ErrorCode.NONE
        assert await b.heartbeat() is ErrorCode.UNKNOWN_MEMBER_ID


async def test_a_leader_that_does_not_rejoin_is_succeeded(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        a, b = (
            setting.member(rebalance_timeout_ms=5_000),
            setting.member(rebalance_timeout_ms=5_000),
        )
        await stable_group(setting, a, b)
        leader, other = (a, b) if a.is_leader else (b, a)
        await leader.heartbeat()
        other.protocols = (("range", b"\0\0changed"),)
        result = await other.join()
        assert result.leader_id == other.member_id


async def test_a_member_without_heartbeats_is_removed(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        a, b = setting.member(), setting.member(session_timeout_ms=30_000)
        await stable_group(setting, a, b)
        for _ in range(3):
            await trio.sleep(4)
            assert await b.heartbeat() in (ErrorCode.NONE, ErrorCode.REBALANCE_IN_PROGRESS)
        assert await b.heartbeat() is ErrorCode.REBALANCE_IN_PROGRESS
        assert await a.heartbeat() is ErrorCode.UNKNOWN_MEMBER_ID
        await b.join_and_sync()
        assert await setting.state() == "Stable"
        [left] = setting.trace.facts("group.member_left")
        assert left["reason"] == f"removing member {a.member_id} on heartbeat expiration"


async def test_a_waiting_member_needs_no_heartbeats(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        a, b = setting.member(rebalance_timeout_ms=60_000), setting.member()
        await stable_group(setting, a)
        b.start_join()
        for _ in range(8):
            await trio.sleep(5)
            await a.heartbeat()
        assert b.joined is None
        await a.join()
        await wait_all_tasks_blocked()
        assert b.joined is not None
        assert b.joined.error is ErrorCode.NONE


async def test_a_new_member_that_waits_too_long_must_come_back(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        a = setting.member(rebalance_timeout_ms=1_000_000, session_timeout_ms=1_000_000)
        b = setting.member(session_timeout_ms=1_000_000)
        await stable_group(setting, a)
        b.start_join()
        await trio.sleep(299)
        assert b.joined is None
        await trio.sleep(2)
        assert b.joined is not None
        assert b.joined.error is ErrorCode.UNKNOWN_MEMBER_ID


async def test_a_leader_that_never_syncs_is_replaced(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        a = setting.member(session_timeout_ms=100_000, rebalance_timeout_ms=5_000)
        b = setting.member(session_timeout_ms=100_000, rebalance_timeout_ms=5_000)
        await stable_group(setting, a, b)
        leader, follower = (a, b) if a.is_leader else (b, a)
        leader.start_join()
        await wait_all_tasks_blocked()
        await follower.join()
        await wait_all_tasks_blocked()
        generation = follower.generation
        follower.start_sync()
        await trio.sleep(6)
        assert follower.synced is not None
        assert follower.synced.error is ErrorCode.REBALANCE_IN_PROGRESS
        await follower.join_and_sync()
        assert follower.is_leader
        assert follower.generation == generation + 1
        assert await leader.heartbeat() is ErrorCode.UNKNOWN_MEMBER_ID


async def test_the_last_member_leaves_an_empty_group(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        a = setting.member()
        await stable_group(setting, a)
        errors = await setting.coordinator.leave("g", [LeavingMember(a.member_id)])
        assert errors == [ErrorCode.NONE]
        assert await setting.state() == "Empty"
        assert await a.heartbeat() is ErrorCode.UNKNOWN_MEMBER_ID


async def test_leaving_answers_whoever_waits(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        a, b = setting.member(), setting.member()
        await stable_group(setting, a)
        b.start_join()
        await wait_all_tasks_blocked()
        await setting.coordinator.leave("g", [LeavingMember(b.member_id)])
        await wait_all_tasks_blocked()
        assert b.joined is not None
        assert b.joined.error is ErrorCode.UNKNOWN_MEMBER_ID


async def test_members_vote_for_a_protocol_that_all_support(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        protocols = {"range": b"r", "sticky": b"s", "own": b"o"}

        def offering(*names: str) -> tuple[tuple[str, bytes], ...]:
            return tuple((name, protocols[name]) for name in names)

        a = setting.member(protocols=offering("own", "range", "sticky"))
        b = setting.member(protocols=offering("sticky", "range"))
        c = setting.member(protocols=offering("sticky", "range", "own"))
        await stable_group(setting, a, b, c)
        assert a.joined is not None
        assert a.joined.protocol_name == "sticky"
        d = setting.member(protocols=offering("own"))
        assert (await d.join()).error is ErrorCode.INCONSISTENT_GROUP_PROTOCOL
        e = setting.member(protocol_type="connect")
        assert (await e.join()).error is ErrorCode.INCONSISTENT_GROUP_PROTOCOL


async def test_a_follower_that_rejoins_unchanged_disturbs_nobody(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        a, b = setting.member(), setting.member()
        await stable_group(setting, a, b)
        leader, follower = (a, b) if a.is_leader else (b, a)
        generation = follower.generation
        assert (await follower.join()).generation == generation
        assert await setting.state() == "Stable"
        assert (await follower.sync()).assignment == follower.member_id.encode()
        leader.start_join()
        await wait_all_tasks_blocked()
        assert await setting.state() == "PreparingRebalance"


async def test_a_second_join_of_a_member_replaces_the_first(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        a, b = setting.member(), setting.member()
        await stable_group(setting, a)
        b.start_join()
        await wait_all_tasks_blocked()
        again = setting.member()
        again.member_id = b.member_id
        again.start_join()
        await wait_all_tasks_blocked()
        assert b.joined is not None
        assert b.joined.error is ErrorCode.REBALANCE_IN_PROGRESS
        await a.join()
        await wait_all_tasks_blocked()
        assert again.joined is not None
        assert again.joined.error is ErrorCode.NONE


async def test_old_clients_are_let_in_without_a_member_id(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        old = setting.member(version=3)
        assert (await old.join()).error is ErrorCode.NONE
        assert old.member_id.startswith("client-")


async def test_a_pending_member_holds_the_round_and_expires(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        a = setting.member(session_timeout_ms=100_000)
        await stable_group(setting, a)
        pending = await setting.coordinator.join(setting.member(session_timeout_ms=5_000).request())
        assert pending.error is ErrorCode.MEMBER_ID_REQUIRED
        assert await setting.state() == "Stable"
        started = trio.current_time()
        await a.join()
        assert trio.current_time() - started == pytest.approx(5)
        late = setting.member()
        late.member_id = pending.member_id
        assert (await late.join()).error is ErrorCode.UNKNOWN_MEMBER_ID


async def test_a_failed_write_of_the_assignment_starts_another_round(
    autojump_clock: MockClock,
) -> None:
    async with running_coordinator() as setting:
        a = setting.member()
        await a.join()
        setting.log.commit_error = ErrorCode.NOT_ENOUGH_REPLICAS
        assert (await a.sync()).error is ErrorCode.COORDINATOR_NOT_AVAILABLE
        assert await setting.state() == "PreparingRebalance"
        setting.log.commit_error = None
        await a.join_and_sync()
        assert (await setting.state(), a.generation) == ("Stable", 2)


async def test_an_assignment_is_given_out_only_when_it_is_replicated(
    autojump_clock: MockClock,
) -> None:
    async with running_coordinator() as setting:
        a = setting.member()
        await a.join()
        setting.log.replicated = trio.Event()
        a.start_sync()
        await wait_all_tasks_blocked()
        assert a.synced is None
        setting.log.replicated.set()
        await wait_all_tasks_blocked()
        assert a.synced is not None
        assert a.synced.error is ErrorCode.NONE


async def test_a_round_that_begins_while_the_assignment_is_written_makes_it_void(
    autojump_clock: MockClock,
) -> None:
    async with running_coordinator() as setting:
        a, b = setting.member(version=3), setting.member(version=3)
        await a.join()
        setting.log.replicated = trio.Event()
        a.start_sync()
        await wait_all_tasks_blocked()
        b.start_join()
        await wait_all_tasks_blocked()
        assert a.synced is not None
        assert a.synced.error is ErrorCode.REBALANCE_IN_PROGRESS
        setting.log.replicated.set()
        await wait_all_tasks_blocked()
        assert await setting.state() == "PreparingRebalance"


async def test_a_full_group_refuses_one_more(autojump_clock: MockClock) -> None:
    async with running_coordinator(Config(group_max_size=2)) as setting:
        a, b, c = setting.member(), setting.member(), setting.member()
        await stable_group(setting, a, b)
        refused = await c.join()
        assert (refused.error, refused.member_id) == (ErrorCode.GROUP_MAX_SIZE_REACHED, "")
        assert await setting.state() == "Stable"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"session_timeout_ms": 999}, ErrorCode.INVALID_SESSION_TIMEOUT),
        ({"session_timeout_ms": 1_800_001}, ErrorCode.INVALID_SESSION_TIMEOUT),
        ({"group_id": ""}, ErrorCode.INVALID_GROUP_ID),
        ({"member_id": "nobody"}, ErrorCode.UNKNOWN_MEMBER_ID),
        ({"protocols": ()}, ErrorCode.INCONSISTENT_GROUP_PROTOCOL),
        ({"protocol_type": ""}, ErrorCode.INCONSISTENT_GROUP_PROTOCOL),
    ],
)
async def test_a_join_that_is_refused(
    autojump_clock: MockClock, changes: dict[str, object], error: ErrorCode
) -> None:
    async with running_coordinator() as setting:
        result = await setting.coordinator.join(setting.member().request(**changes))
        assert result.error is error
        assert result.generation == -1


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"generation": 7}, ErrorCode.ILLEGAL_GENERATION),
        ({"member_id": "nobody"}, ErrorCode.UNKNOWN_MEMBER_ID),
        ({"group_id": "another"}, ErrorCode.UNKNOWN_MEMBER_ID),
        ({"group_id": ""}, ErrorCode.INVALID_GROUP_ID),
        ({"protocol_type": "connect"}, ErrorCode.INCONSISTENT_GROUP_PROTOCOL),
        ({"protocol_name": "sticky"}, ErrorCode.INCONSISTENT_GROUP_PROTOCOL),
        ({"group_instance_id": "unknown"}, ErrorCode.UNKNOWN_MEMBER_ID),
    ],
)
async def test_a_sync_that_is_refused(
    autojump_clock: MockClock, changes: dict[str, object], error: ErrorCode
) -> None:
    async with running_coordinator() as setting:
        a = setting.member()
        await stable_group(setting, a)
        result = await setting.coordinator.sync(a.sync_request({}, **changes))
        assert result.error is error


async def test_a_group_that_does_not_run_is_not_available(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        stopped = setting
    assert (await stopped.member().join()).error is ErrorCode.COORDINATOR_NOT_AVAILABLE


async def test_every_change_names_its_cause(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        await stable_group(setting, setting.member())
        events = [(kind, facts["cause"]) for kind, facts in setting.trace.events]
        story = [kind for kind, _ in events if not kind.startswith("group.loaded")]
        assert story == [
            "group.member_joined",
            "group.rebalance",
            "group.generation",
            "group.stable",
        ]
        first = len(events) - len(story)
        assert [cause for _, cause in events[first + 1 :]] == [
            str(first + position) for position in range(1, len(story))
        ]


async def test_a_member_whose_id_would_be_too_long_is_refused(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        member = setting.member(client_id="c" * 0x7FFF)
        assert (await member.join()).error is ErrorCode.INVALID_REQUEST


async def test_what_has_no_room_in_a_record_is_refused_and_nothing_ends(
    autojump_clock: MockClock,
) -> None:
    async with running_coordinator() as setting:
        refused = await setting.coordinator.commit_offsets(commit_of(1 << 63))
        assert refused == {T0: ErrorCode.UNKNOWN_SERVER_ERROR}
        assert await setting.coordinator.commit_offsets(commit_of(1)) == {T0: ErrorCode.NONE}
