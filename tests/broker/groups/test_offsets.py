"""Who may commit offsets, when they are seen, and what comes back."""

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from broker.groups.committed_offsets import CommittedOffset
from broker.groups.offsets import CommitRequest, FetchedOffset
from broker.wire.errors import ErrorCode
from coordination.values import TopicPartition
from tests.broker.groups.support import Setting, running_coordinator, stable_group

T0, T1 = TopicPartition("t", 0), TopicPartition("t", 1)


def commit_of(offset: int = 5, **changes: object) -> CommitRequest:
    fields: dict[str, object] = {
        "group_id": "g",
        "generation": -1,
        "member_id": "",
        "group_instance_id": None,
        "offsets": {T0: CommittedOffset(offset, leader_epoch=2, metadata="note")},
    }
    return CommitRequest(**(fields | changes))  # type: ignore[arg-type]


async def fetched(setting: Setting, *, require_stable: bool = False) -> FetchedOffset:
    found = await setting.coordinator.fetch_offsets("g", [T0], require_stable=require_stable)
    return found[T0]


async def test_a_client_without_a_group_stores_offsets(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        assert (await fetched(setting)).committed.offset == -1
        assert await setting.coordinator.commit_offsets(commit_of(5)) == {T0: ErrorCode.NONE}
        found = await fetched(setting)
        assert found.committed == CommittedOffset(5, leader_epoch=2, metadata="note")
        assert await setting.state() == "Empty"


async def test_null_asks_for_all_that_is_committed(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        await setting.coordinator.commit_offsets(commit_of())
        await setting.coordinator.commit_offsets(commit_of(offsets={T1: CommittedOffset(9)}))
        found = await setting.coordinator.fetch_offsets("g", None)
        assert {tp: each.committed.offset for tp, each in found.items()} == {T0: 5, T1: 9}
        assert await setting.coordinator.fetch_offsets("nobody", None) == {}


async def test_an_offset_is_seen_only_when_it_is_replicated(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        await setting.coordinator.commit_offsets(commit_of(5))
        setting.log.replicated = trio.Event()
        setting.nursery.start_soon(setting.coordinator.commit_offsets, commit_of(6))
        await wait_all_tasks_blocked()
        assert (await fetched(setting)).committed.offset == 5
        unstable = await fetched(setting, require_stable=True)
        assert (unstable.error, unstable.committed.offset) == (
            ErrorCode.UNSTABLE_OFFSET_COMMIT,
            -1,
        )
        setting.log.replicated.set()
        await wait_all_tasks_blocked()
        assert (await fetched(setting, require_stable=True)).committed.offset == 6


async def test_a_commit_goes_on_when_its_connection_breaks(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        setting.log.replicated = trio.Event()
        with trio.CancelScope() as connection:
            setting.nursery.start_soon(_replicate_later, setting)
            connection.cancel()
            await setting.coordinator.commit_offsets(commit_of(6))
        assert (await fetched(setting)).committed.offset == 6


async def _replicate_later(setting: Setting) -> None:
    await trio.sleep(1)
    assert setting.log.replicated is not None
    setting.log.replicated.set()


@pytest.mark.parametrize(
    ("log_error", "answer"),
    [
        (ErrorCode.NOT_LEADER_OR_FOLLOWER, ErrorCode.NOT_COORDINATOR),
        (ErrorCode.NOT_ENOUGH_REPLICAS, ErrorCode.COORDINATOR_NOT_AVAILABLE),
        (ErrorCode.MESSAGE_TOO_LARGE, ErrorCode.INVALID_COMMIT_OFFSET_SIZE),
        (ErrorCode.REQUEST_TIMED_OUT, ErrorCode.REQUEST_TIMED_OUT),
    ],
)
@pytest.mark.parametrize("when", ["append_error", "commit_error"])
async def test_what_the_log_refuses_changes_nothing(
    autojump_clock: MockClock, log_error: ErrorCode, answer: ErrorCode, when: str
) -> None:
    async with running_coordinator() as setting:
        await setting.coordinator.commit_offsets(commit_of(5))
        setattr(setting.log, when, log_error)
        assert await setting.coordinator.commit_offsets(commit_of(6)) == {T0: answer}
        assert (await fetched(setting, require_stable=True)).committed.offset == 5


async def test_members_commit_for_their_generation(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        a = setting.member()
        await stable_group(setting, a)
        commit = setting.coordinator.commit_offsets

        def of_member(**changes: object) -> CommitRequest:
            return commit_of(**({"generation": 1, "member_id": a.member_id} | changes))

        assert await commit(of_member()) == {T0: ErrorCode.NONE}
        assert await commit(of_member(generation=0)) == {T0: ErrorCode.ILLEGAL_GENERATION}
        assert await commit(of_member(member_id="x")) == {T0: ErrorCode.UNKNOWN_MEMBER_ID}
        assert await commit(commit_of()) == {T0: ErrorCode.UNKNOWN_MEMBER_ID}
        assert await commit(of_member(group_id="new")) == {T0: ErrorCode.ILLEGAL_GENERATION}


async def test_commits_during_a_rebalance(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        a, b = setting.member(), setting.member()
        await stable_group(setting, a)
        b.start_join()
        await wait_all_tasks_blocked()
        request = commit_of(generation=a.generation, member_id=a.member_id)
        assert await setting.coordinator.commit_offsets(request) == {T0: ErrorCode.NONE}
        await a.join()
        request = commit_of(generation=a.generation, member_id=a.member_id)
        assert await setting.coordinator.commit_offsets(request) == {
            T0: ErrorCode.REBALANCE_IN_PROGRESS
        }


async def test_metadata_that_is_too_large_is_refused_alone(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        offsets = {
            T0: CommittedOffset(1, metadata="x" * 4_096),
            T1: CommittedOffset(1, metadata="x" * 4_097),
        }
        answer = await setting.coordinator.commit_offsets(commit_of(offsets=offsets))
        assert answer == {T0: ErrorCode.NONE, T1: ErrorCode.OFFSET_METADATA_TOO_LARGE}


async def test_a_commit_keeps_a_session_alive(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        a = setting.member()
        await stable_group(setting, a)
        for _ in range(5):
            await trio.sleep(8)
            request = commit_of(generation=a.generation, member_id=a.member_id)
            assert await setting.coordinator.commit_offsets(request) == {T0: ErrorCode.NONE}
