"""Offsets that are committed in a transaction: who may, when they count, and who sees what."""

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from broker.groups.committed_offsets import CommittedOffset, EndedTransaction
from broker.groups.offsets import CommitRequest
from broker.groups.offsets_log import TransactionalProducer
from broker.wire.errors import ErrorCode
from broker.wire.record_batch import batches
from coordination.values import TopicPartition
from tests.broker.groups.support import (
    PARTITION_COUNT,
    Config,
    MemoryLog,
    Setting,
    clock_ms,
    running_coordinator,
    stable_group,
)
from tests.broker.groups.test_offsets import T0, T1, commit_of, fetched

PRODUCER = TransactionalProducer("transfers", producer_id=1000, producer_epoch=3)
OTHER = TransactionalProducer("refunds", producer_id=1001, producer_epoch=0)


async def commit(
    setting: Setting,
    offset: int = 5,
    producer: TransactionalProducer = PRODUCER,
    **changes: object,
) -> dict[TopicPartition, ErrorCode]:
    request = commit_of(offset, **changes)
    return await setting.coordinator.commit_offsets_in_transaction(request, producer)


async def end(
    setting: Setting, producer: TransactionalProducer = PRODUCER, *, is_commit: bool = True
) -> None:
    """The marker is written to the group's partition, told, and replicated if it can be."""
    partition = setting.coordinator.partition_for("g")
    ended = setting.log.end_transaction(partition, producer.producer_id, is_commit=is_commit)
    setting.coordinator.marker_appended(partition, ended)
    await wait_all_tasks_blocked()


async def test_offsets_count_when_the_transaction_commits(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        assert await commit(setting) == {T0: ErrorCode.NONE}
        assert (await fetched(setting)).committed.offset == -1
        unstable = await fetched(setting, require_stable=True)
        assert unstable.error is ErrorCode.UNSTABLE_OFFSET_COMMIT
        await end(setting)
        found = await fetched(setting, require_stable=True)
        assert found.committed == CommittedOffset(5, leader_epoch=2, metadata="note")
        assert found.error is ErrorCode.NONE


async def test_offsets_are_dropped_when_it_aborts(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        await setting.coordinator.commit_offsets(commit_of(3))
        await commit(setting, 5)
        await end(setting, is_commit=False)
        assert (await fetched(setting, require_stable=True)).committed.offset == 3
        await commit(setting, 6)
        await end(setting)
        assert (await fetched(setting)).committed.offset == 6


async def test_the_records_are_the_transactions(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        await commit(setting)
        [data] = setting.log.data.values()
        [batch] = batches(bytes(data))
        assert batch.is_transactional
        assert not batch.is_control
        assert (batch.producer_id, batch.producer_epoch, batch.base_sequence) == (1000, 3, 0)


async def test_each_producer_has_its_own(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        await commit(setting, 5)
        await commit(setting, 7, OTHER)
        await end(setting, OTHER)
        assert (await fetched(setting)).committed.offset == 7
        assert (await fetched(setting, require_stable=True)).error is (
            ErrorCode.UNSTABLE_OFFSET_COMMIT
        )
        # Its record is the older one: it does not replace what is there.
        await end(setting, PRODUCER)
        assert (await fetched(setting, require_stable=True)).committed.offset == 7


async def test_of_one_transaction_the_last_offset_counts(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        await commit(setting, 5)
        await commit(setting, 6, offsets={T0: CommittedOffset(6), T1: CommittedOffset(1)})
        await end(setting)
        found = await setting.coordinator.fetch_offsets("g", None)
        assert {tp: each.committed.offset for tp, each in found.items()} == {T0: 6, T1: 1}


async def test_one_marker_ends_it_in_all_groups_of_the_partition(
    autojump_clock: MockClock,
) -> None:
    async with running_coordinator() as setting:
        partition_for = setting.coordinator.partition_for
        names = [f"g{n}" for n in range(100) if partition_for(f"g{n}") == partition_for("g")]
        elsewhere = next(
            f"h{n}" for n in range(100) if partition_for(f"h{n}") != partition_for("g")
        )
        for name in [*names, elsewhere]:
            await commit(setting, group_id=name)
        await end(setting)
        for name in names:
            found = await setting.coordinator.fetch_offsets(name, [T0], require_stable=True)
            assert found[T0].committed.offset == 5
        found = await setting.coordinator.fetch_offsets(elsewhere, [T0], require_stable=True)
        assert found[T0].error is ErrorCode.UNSTABLE_OFFSET_COMMIT


@pytest.mark.parametrize("is_commit", [True, False])
async def test_an_open_transaction_is_loaded_with_its_group(
    autojump_clock: MockClock, is_commit: bool
) -> None:
    log = MemoryLog()
    async with running_coordinator(log=log) as first:
        await first.coordinator.commit_offsets(commit_of(3))
        await commit(first, 5)
    async with running_coordinator(log=log) as second:
        assert (await fetched(second)).committed.offset == 3
        assert (await fetched(second, require_stable=True)).error is (
            ErrorCode.UNSTABLE_OFFSET_COMMIT
        )
        await end(second, is_commit=is_commit)
        expected = 5 if is_commit else 3
        assert (await fetched(second, require_stable=True)).committed.offset == expected
    async with running_coordinator(log=log) as third:
        assert (await fetched(third, require_stable=True)).committed.offset == expected


async def test_a_group_of_nothing_but_an_open_transaction(autojump_clock: MockClock) -> None:
    log = MemoryLog()
    async with running_coordinator(log=log) as first:
        await commit(first)
    async with running_coordinator(log=log) as second:
        assert await second.state() == "Empty"
        await end(second)
        assert (await fetched(second)).committed.offset == 5


async def test_a_marker_that_comes_during_the_loading(autojump_clock: MockClock) -> None:
    """The reading may have stopped where the log ended when it began."""
    log = MemoryLog()
    async with running_coordinator(log=log) as first:
        await commit(first)
    log.read_gate = trio.Event()
    async with running_coordinator(log=log) as second:
        await end(second)
        log.read_gate.set()
        await wait_all_tasks_blocked()
        assert (await fetched(second, require_stable=True)).committed.offset == 5


async def test_a_marker_in_a_partition_of_another_coordinator(autojump_clock: MockClock) -> None:
    async with running_coordinator(elect=False) as setting:
        for partition in range(PARTITION_COUNT):
            setting.coordinator.marker_appended(partition, EndedTransaction(1000, 0, True))


@pytest.mark.parametrize(
    ("verify_error", "answer"),
    [
        (ErrorCode.INVALID_TXN_STATE, ErrorCode.INVALID_TXN_STATE),
        (ErrorCode.INVALID_PRODUCER_ID_MAPPING, ErrorCode.INVALID_PRODUCER_ID_MAPPING),
        (ErrorCode.INVALID_PRODUCER_EPOCH, ErrorCode.INVALID_PRODUCER_EPOCH),
        (ErrorCode.NETWORK_EXCEPTION, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS),
        (ErrorCode.NOT_LEADER_OR_FOLLOWER, ErrorCode.NOT_COORDINATOR),
    ],
)
async def test_a_transaction_that_does_not_include_the_group(
    autojump_clock: MockClock, verify_error: ErrorCode, answer: ErrorCode
) -> None:
    async with running_coordinator() as setting:
        setting.log.verify_error = verify_error
        assert await commit(setting) == {T0: answer}
        assert setting.log.data == {}
        assert (await fetched(setting, require_stable=True)).error is ErrorCode.NONE


async def test_the_group_goes_while_the_transaction_is_verified(
    autojump_clock: MockClock,
) -> None:
    async with running_coordinator() as setting:
        setting.log.verify_gate = trio.Event()
        answers = []

        async def ask() -> None:
            answers.append(await commit(setting))

        setting.nursery.start_soon(ask)
        await wait_all_tasks_blocked()
        for partition in range(PARTITION_COUNT):
            setting.coordinator.resigned(partition, 1, "election")
            setting.coordinator.elected(partition, 2, "election")
        setting.log.verify_gate.set()
        await wait_all_tasks_blocked()
        assert answers == [{T0: ErrorCode.COORDINATOR_NOT_AVAILABLE}]
        assert setting.log.data == {}


async def test_members_are_held_to_their_generation(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        a = setting.member(instance_id="a")
        await stable_group(setting, a)

        async def of_member(**changes: object) -> ErrorCode:
            member = {
                "generation": a.generation,
                "member_id": a.member_id,
                "group_instance_id": "a",
            }
            return (await commit(setting, **(member | changes)))[T0]

        assert await of_member() is ErrorCode.NONE
        assert await of_member(generation=a.generation - 1) is ErrorCode.ILLEGAL_GENERATION
        assert await of_member(generation=-1) is ErrorCode.ILLEGAL_GENERATION
        assert await of_member(member_id="x") is ErrorCode.FENCED_INSTANCE_ID
        assert await of_member(group_instance_id=None, member_id="x") is (
            ErrorCode.UNKNOWN_MEMBER_ID
        )
        assert await of_member(group_instance_id="b") is ErrorCode.UNKNOWN_MEMBER_ID
        # A producer of before KIP-447 names no member at all.
        assert await of_member(generation=-1, member_id="", group_instance_id=None) is (
            ErrorCode.NONE
        )


async def test_a_member_of_a_group_that_is_empty(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        assert (await commit(setting, generation=1, member_id="x"))[T0] is (
            ErrorCode.UNKNOWN_MEMBER_ID
        )
        assert (await commit(setting, member_id="x"))[T0] is ErrorCode.NONE


async def test_commits_in_any_half_of_a_rebalance(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        a = setting.member()
        await stable_group(setting, a)
        await a.join()
        assert await setting.state() == "CompletingRebalance"
        answer = await commit(setting, generation=a.generation, member_id=a.member_id)
        assert answer == {T0: ErrorCode.NONE}


async def test_requests_that_name_no_group_or_too_long_notes(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        assert await commit(setting, group_id="") == {T0: ErrorCode.INVALID_GROUP_ID}
        long = {T0: CommittedOffset(1), T1: CommittedOffset(1, metadata="x" * 4097)}
        assert await commit(setting, offsets=long) == {
            T0: ErrorCode.NONE,
            T1: ErrorCode.OFFSET_METADATA_TOO_LARGE,
        }
        del long[T0]
        assert await commit(setting, offsets=long) == {T1: ErrorCode.OFFSET_METADATA_TOO_LARGE}


async def test_what_the_log_refuses_is_not_in_the_transaction(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        await commit(setting, offsets={T1: CommittedOffset(1)})
        setting.log.append_error = ErrorCode.NOT_ENOUGH_REPLICAS
        assert await commit(setting) == {T0: ErrorCode.COORDINATOR_NOT_AVAILABLE}
        assert (await fetched(setting, require_stable=True)).error is ErrorCode.NONE
        setting.log.append_error = None
        await end(setting)
        found = await setting.coordinator.fetch_offsets("g", None)
        assert {tp: each.committed.offset for tp, each in found.items()} == {T1: 1}


async def test_what_is_in_the_log_is_decided_by_the_marker(autojump_clock: MockClock) -> None:
    """Also if its replication failed, and if the client goes on as if it had not."""
    log = MemoryLog()
    async with running_coordinator(log=log) as setting:
        await commit(setting, 5)
        log.commit_error = ErrorCode.REQUEST_TIMED_OUT
        assert await commit(setting, 6) == {T0: ErrorCode.REQUEST_TIMED_OUT}
        assert await commit(setting, offsets={T1: CommittedOffset(1)}) == {
            T1: ErrorCode.REQUEST_TIMED_OUT
        }
        log.commit_error = None
        await end(setting)
        before = await setting.coordinator.fetch_offsets("g", None, require_stable=True)
        assert {tp: each.committed.offset for tp, each in before.items()} == {T0: 6, T1: 1}
    async with running_coordinator(log=log) as setting:
        assert await setting.coordinator.fetch_offsets("g", None) == before


async def test_a_marker_counts_when_it_is_replicated(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        await commit(setting)
        setting.log.replicated = trio.Event()
        await end(setting)
        assert (await fetched(setting, require_stable=True)).error is (
            ErrorCode.UNSTABLE_OFFSET_COMMIT
        )
        await trio.sleep(3600)
        setting.log.replicated.set()
        await wait_all_tasks_blocked()
        assert (await fetched(setting, require_stable=True)).committed.offset == 5


async def test_a_late_marker_leaves_the_next_transaction_alone(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        await commit(setting, 5)
        setting.log.replicated = late = trio.Event()
        await end(setting)
        setting.log.replicated = None
        # Written once more, since the first one was not answered in time.
        await end(setting)
        assert (await fetched(setting)).committed.offset == 5
        await commit(setting, 6)
        late.set()
        await wait_all_tasks_blocked()
        assert (await fetched(setting, require_stable=True)).error is (
            ErrorCode.UNSTABLE_OFFSET_COMMIT
        )
        await end(setting, is_commit=False)
        assert (await fetched(setting, require_stable=True)).committed.offset == 5


@pytest.mark.parametrize("leads_again", [False, True])
async def test_the_partition_goes_before_the_marker_is_replicated(
    autojump_clock: MockClock, leads_again: bool
) -> None:
    """Who has it next finds the marker in his log, or does not."""
    async with running_coordinator() as setting:
        await commit(setting)
        setting.log.replicated = trio.Event()
        partition = setting.coordinator.partition_for("g")
        setting.coordinator.marker_appended(partition, EndedTransaction(1000, 1, True))
        setting.coordinator.resigned(partition, 1, "election")
        if leads_again:
            setting.coordinator.elected(partition, 2, "election")
            await wait_all_tasks_blocked()
        else:
            setting.log.leader_error = ErrorCode.NOT_LEADER_OR_FOLLOWER
        setting.log.replicated.set()
        await wait_all_tasks_blocked()
        if leads_again:
            assert (await fetched(setting, require_stable=True)).error is (
                ErrorCode.UNSTABLE_OFFSET_COMMIT
            )


async def test_a_plain_commit_after_the_transactions_wins(autojump_clock: MockClock) -> None:
    log = MemoryLog()
    async with running_coordinator(log=log) as setting:
        await commit(setting, 5)
        await setting.coordinator.commit_offsets(commit_of(9))
        await end(setting)
        assert (await fetched(setting)).committed.offset == 9
    async with running_coordinator(log=log) as setting:
        assert (await fetched(setting)).committed.offset == 9


@pytest.mark.parametrize("is_commit", [True, False])
async def test_expiry_leaves_open_transactions_alone(
    autojump_clock: MockClock, is_commit: bool
) -> None:
    """A tombstone behind the transaction's record would remove that, too, whatever memory says."""
    config = Config(offsets_retention_minutes=1, offsets_retention_check_interval_ms=1_000)
    log = MemoryLog()
    async with running_coordinator(config, log) as setting:
        await setting.coordinator.commit_offsets(commit_of(3))
        offsets = {T0: CommittedOffset(5, commit_timestamp_ms=clock_ms() + 70_000)}
        await commit(setting, offsets=offsets)
        await trio.sleep(70)
        assert (await fetched(setting)).committed.offset == 3
        await end(setting, is_commit=is_commit)
        await trio.sleep(2)
        expected = 5 if is_commit else -1
        assert (await fetched(setting)).committed.offset == expected
    async with running_coordinator(config, log) as setting:
        assert (await fetched(setting)).committed.offset == expected


async def test_deletion_takes_open_transactions_along(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        await commit(setting, 5)
        assert await setting.coordinator.delete_groups(["g"]) == {"g": ErrorCode.NONE}
        assert await setting.state() == "Dead"
        await end(setting)
        assert await setting.coordinator.fetch_offsets("g", None) == {}


async def test_a_coordinator_that_does_not_run(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        pass
    request = CommitRequest("g", -1, "", None, {T0: CommittedOffset(1)})
    answer = await setting.coordinator.commit_offsets_in_transaction(request, PRODUCER)
    assert answer == {T0: ErrorCode.COORDINATOR_NOT_AVAILABLE}
