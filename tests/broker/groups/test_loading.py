"""A coordinator moves: its groups are loaded from the log, and dropped where they were."""

import struct
from collections.abc import AsyncGenerator

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from broker.coordinators.loading import RECORDS_A_TURN, RETRY_S
from broker.groups.committed_offsets import CommittedOffset
from broker.groups.leaving import LeavingMember
from broker.groups.offset_records import offset_record
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.record_batch import RecordBatch, batches, build_batch
from broker.wire.records import Record
from coordination.values import TopicPartition
from tests.broker.groups.support import (
    PARTITION_COUNT,
    Config,
    MemoryLog,
    running_coordinator,
    stable_group,
)
from tests.broker.groups.test_offsets import T0, commit_of


def elect_all(setting: object, epoch: int) -> None:
    for partition in range(PARTITION_COUNT):
        setting.coordinator.elected(partition, epoch, "election")  # type: ignore[attr-defined]


async def test_a_group_goes_on_at_its_next_coordinator(autojump_clock: MockClock) -> None:
    log = MemoryLog()
    async with running_coordinator(log=log) as first:
        a = first.member(instance_id="a")
        b = first.member()
        await stable_group(first, a, b)
        await first.coordinator.commit_offsets(
            commit_of(7, generation=a.generation, member_id=a.member_id, group_instance_id="a")
        )
        before = await first.coordinator.describe_group("g")
    async with running_coordinator(log=log) as second:
        assert await second.coordinator.describe_group("g") == before
        a.setting = b.setting = second
        assert await a.heartbeat() is ErrorCode.NONE
        assert await b.heartbeat() is ErrorCode.NONE
        assert (await a.sync()).assignment == a.member_id.encode()
        found = await second.coordinator.fetch_offsets("g", [T0])
        assert found[T0].committed.offset == 7


async def test_loaded_members_must_show_up(autojump_clock: MockClock) -> None:
    log = MemoryLog()
    async with running_coordinator(log=log) as first:
        await stable_group(first, first.member(session_timeout_ms=5_000))
    async with running_coordinator(log=log) as second:
        assert await second.state() == "Stable"
        await trio.sleep(6)
        assert await second.state() == "Empty"


async def test_what_is_removed_stays_removed(autojump_clock: MockClock) -> None:
    log = MemoryLog()
    async with running_coordinator(log=log) as first:
        a = first.member()
        await stable_group(first, a)
        await first.coordinator.leave("g", [LeavingMember(a.member_id)])
        await first.coordinator.commit_offsets(commit_of())
        assert await first.coordinator.delete_groups(["g"]) == {"g": ErrorCode.NONE}
    async with running_coordinator(log=log) as second:
        assert await second.state() == "Dead"
        assert await second.coordinator.fetch_offsets("g", None) == {}


async def test_an_offset_is_shown_when_it_cannot_go_back(autojump_clock: MockClock) -> None:
    """The former leader died before all had his last records: the next may know an older one."""
    log = MemoryLog()
    async with running_coordinator(log=log) as first:
        await first.coordinator.commit_offsets(commit_of(7))
    log.kept = trio.Event()
    async with running_coordinator(log=log) as second:
        await trio.sleep(60)
        with pytest.raises(KafkaError) as refused:
            await second.coordinator.fetch_offsets("g", [T0])
        assert refused.value.code is ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
        log.kept.set()
        await wait_all_tasks_blocked()
        found = await second.coordinator.fetch_offsets("g", [T0])
        assert found[T0].committed.offset == 7


async def test_requests_while_loading(autojump_clock: MockClock) -> None:
    log = MemoryLog(read_gate=trio.Event())
    async with running_coordinator(log=log) as setting:
        a = setting.member()
        loading = ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
        assert (await a.join()).error is loading
        assert (await setting.coordinator.sync(a.sync_request({}))).error is (
            ErrorCode.REBALANCE_IN_PROGRESS
        )
        assert await a.heartbeat() is ErrorCode.NONE
        assert await setting.coordinator.commit_offsets(commit_of()) == {T0: loading}
        assert await setting.coordinator.delete_groups(["g"]) == {"g": loading}
        assert (await setting.coordinator.list_groups())[0] is loading
        with pytest.raises(KafkaError) as refused:
            await setting.coordinator.fetch_offsets("g", [T0])
        assert refused.value.code is loading
        assert log.read_gate is not None
        log.read_gate.set()
        await wait_all_tasks_blocked()
        assert (await a.join()).error is ErrorCode.NONE
        assert (await setting.coordinator.list_groups())[0] is ErrorCode.NONE


async def test_requests_to_the_wrong_broker(autojump_clock: MockClock) -> None:
    async with running_coordinator(elect=False) as setting:
        a = setting.member()
        wrong = ErrorCode.NOT_COORDINATOR
        assert (await a.join()).error is wrong
        assert await a.heartbeat() is wrong
        assert await setting.coordinator.commit_offsets(commit_of()) == {T0: wrong}
        with pytest.raises(KafkaError) as refused:
            await setting.coordinator.leave("g", [LeavingMember("x")])
        assert refused.value.code is wrong


async def test_resigning_answers_everyone_who_waits(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        a, b = setting.member(), setting.member()
        await stable_group(setting, a)
        b.start_join()
        joiner, syncer = setting.member("h"), setting.member("h")
        await stable_group(setting, joiner, syncer)
        leader, follower = (joiner, syncer) if joiner.is_leader else (syncer, joiner)
        leader.start_join()
        await wait_all_tasks_blocked()
        await follower.join()
        follower.start_sync()
        await wait_all_tasks_blocked()
        for partition in range(PARTITION_COUNT):
            setting.coordinator.resigned(partition, 1, "election")
        await wait_all_tasks_blocked()
        assert b.joined is not None
        assert b.joined.error is ErrorCode.NOT_COORDINATOR
        assert follower.synced is not None
        assert follower.synced.error is ErrorCode.NOT_COORDINATOR
        assert await a.heartbeat() is ErrorCode.NOT_COORDINATOR
        assert (await setting.coordinator.list_groups()) == (ErrorCode.NONE, [])


async def test_a_commit_on_its_way_when_resigning(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        setting.log.replicated = trio.Event()
        answers = []

        async def commit() -> None:
            answers.append(await setting.coordinator.commit_offsets(commit_of()))

        setting.nursery.start_soon(commit)
        await wait_all_tasks_blocked()
        for partition in range(PARTITION_COUNT):
            setting.coordinator.resigned(partition, 1, "election")
        setting.log.commit_error = ErrorCode.NOT_LEADER_OR_FOLLOWER
        setting.log.replicated.set()
        await wait_all_tasks_blocked()
        assert answers == [{T0: ErrorCode.NOT_COORDINATOR}]


async def test_old_news_is_no_news(autojump_clock: MockClock) -> None:
    async with running_coordinator(elect=False) as setting:
        elect_all(setting, 5)
        await wait_all_tasks_blocked()
        a = setting.member()
        await stable_group(setting, a)
        for partition in range(PARTITION_COUNT):
            setting.coordinator.resigned(partition, 4, "election")
        assert await a.heartbeat() is ErrorCode.NONE
        elect_all(setting, 6)
        await wait_all_tasks_blocked()
        assert await a.heartbeat() is ErrorCode.NONE, "re-elected in place: nothing is reloaded"
        for partition in range(PARTITION_COUNT):
            setting.coordinator.resigned(partition, 7, "election")
        elect_all(setting, 6)
        await wait_all_tasks_blocked()
        assert await a.heartbeat() is ErrorCode.NOT_COORDINATOR


async def test_a_replica_that_is_deleted_resigns_without_an_epoch(
    autojump_clock: MockClock,
) -> None:
    async with running_coordinator() as setting:
        a = setting.member()
        await stable_group(setting, a)
        for partition in range(PARTITION_COUNT):
            setting.coordinator.resigned(partition, None, "election")
        assert await a.heartbeat() is ErrorCode.NOT_COORDINATOR


async def test_resigning_while_loading(autojump_clock: MockClock) -> None:
    log = MemoryLog()
    async with running_coordinator(log=log) as first:
        await first.coordinator.commit_offsets(commit_of(1))
    log.read_gate = trio.Event()
    async with running_coordinator(log=log) as setting:
        for partition in range(PARTITION_COUNT):
            setting.coordinator.resigned(partition, 1, "election")
        log.read_gate.set()
        await wait_all_tasks_blocked()
        assert "group.loaded" not in setting.trace.kinds()
        elect_all(setting, 2)
        await wait_all_tasks_blocked()
        found = await setting.coordinator.fetch_offsets("g", [T0])
        assert found[T0].committed.offset == 1


async def test_a_log_that_cannot_be_read_is_not_served_until_it_can(
    autojump_clock: MockClock,
) -> None:
    log = MemoryLog()
    async with running_coordinator(log=log) as first:
        await first.coordinator.commit_offsets(commit_of())
        partition = first.coordinator.partition_for("g")
        unreadable = Record(key=b"\0", value=b"")
        log.append(partition, [unreadable])
    async with running_coordinator(log=log) as second:
        assert second.trace.kinds().count("group.load_failed") == 1
        with pytest.raises(KafkaError) as refused:
            await second.coordinator.fetch_offsets("g", [T0])
        assert refused.value.code is ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
        del log.data[partition][-len(build_batch([unreadable])) :]
        await trio.sleep(RETRY_S + 1)
        found = await second.coordinator.fetch_offsets("g", [T0])
        assert found[T0].committed.offset == 5


async def test_groups_that_belong_elsewhere_since_the_topic_was_made_larger(
    autojump_clock: MockClock,
) -> None:
    log = MemoryLog()
    async with running_coordinator(log=log) as first:
        await first.coordinator.commit_offsets(commit_of(7))
        written_to = first.coordinator.partition_for("g")
    log.partition_count += 1
    before = {partition: bytes(data) for partition, data in log.data.items()}
    config = Config(offsets_retention_minutes=1, offsets_retention_check_interval_ms=1_000)
    async with running_coordinator(config, log) as second:
        second.coordinator.elected(PARTITION_COUNT, 0, "election")
        assert second.coordinator.partition_for("g") != written_to
        assert (await second.coordinator.list_groups())[1] == []
        await trio.sleep(300)
        assert {partition: bytes(data) for partition, data in log.data.items()} == before


async def test_nothing_is_loaded_before_the_partitions_have_been_counted(
    autojump_clock: MockClock,
) -> None:
    """With the planned number the group would be taken for one that belongs elsewhere."""
    log = MemoryLog()
    async with running_coordinator(log=log) as first:
        await first.coordinator.commit_offsets(commit_of(7))
    log.partition_count, log.counted = PARTITION_COUNT + 1, trio.Event()
    async with running_coordinator(log=log) as second:
        assert second.trace.kinds() == []
        log.partition_count = PARTITION_COUNT
        log.counted.set()
        await wait_all_tasks_blocked()
        found = await second.coordinator.fetch_offsets("g", [T0])
        assert found[T0].committed.offset == 7


async def test_records_of_later_kafkas_are_passed_over(autojump_clock: MockClock) -> None:
    log = MemoryLog()
    log.append(0, [Record(key=struct.pack(">h", 5) + b"future", value=b"x")])
    async with running_coordinator(log=log) as setting:
        assert sum(facts["unknown_records"] for facts in setting.trace.facts("group.loaded")) == 1


async def test_offsets_of_transactions_count_when_committed(autojump_clock: MockClock) -> None:
    log = MemoryLog()
    partitions = {name: TopicPartition(name, 0) for name in ("committed", "aborted", "open")}
    async with running_coordinator(elect=False, log=log) as setting:
        target = setting.coordinator.partition_for("g")
    data = log.data.setdefault(target, bytearray())
    offset = 0
    for producer_id, name in enumerate(partitions):
        record = offset_record("g", partitions[name], CommittedOffset(3), 0)
        data += build_batch(
            [record],
            base_offset=offset,
            producer_id=producer_id,
            producer_epoch=0,
            base_sequence=0,
            is_transactional=True,
        )
        offset += 1
    for producer_id, kind in ((0, 1), (1, 0)):
        marker = Record(key=struct.pack(">hh", 0, kind), value=struct.pack(">hi", 0, 0))
        data += build_batch(
            [marker],
            base_offset=offset,
            producer_id=producer_id,
            producer_epoch=0,
            is_transactional=True,
            is_control=True,
        )
        offset += 1
    async with running_coordinator(log=log) as setting:
        found = await setting.coordinator.fetch_offsets(
            "g", partitions.values(), require_stable=True
        )
        assert found[partitions["committed"]].committed.offset == 3
        assert found[partitions["aborted"]].committed.offset == -1
        assert found[partitions["open"]].error is ErrorCode.UNSTABLE_OFFSET_COMMIT


async def test_a_loaded_group_over_capacity_rebalances(autojump_clock: MockClock) -> None:
    log = MemoryLog()
    async with running_coordinator(log=log) as first:
        a, b, c = first.member(), first.member(), first.member()
        await stable_group(first, a, b, c)
    async with running_coordinator(Config(group_max_size=2), log=log) as second:
        assert await second.state() == "PreparingRebalance"
        for client in (a, b, c):
            client.setting = second
            client.start_join()
        await trio.sleep(61)
        errors = sorted(client.joined.error for client in (a, b, c) if client.joined)
        assert errors == [ErrorCode.NONE, ErrorCode.NONE, ErrorCode.GROUP_MAX_SIZE_REACHED]


async def test_others_have_their_turn_while_a_chunk_is_loaded(autojump_clock: MockClock) -> None:
    """However much of the log comes at once."""
    turns_before: list[int] = []
    turns = 0

    class Chunk(MemoryLog):
        async def read(self, partition: int) -> AsyncGenerator[RecordBatch, None]:
            for batch in batches(bytes(self.data.get(partition, b""))):
                turns_before.append(turns)
                yield batch

    log = Chunk()
    note = offset_record("g", T0, CommittedOffset(1), 0)
    for _ in range(10):
        log.append(0, [note] * (RECORDS_A_TURN // 2))
    async with running_coordinator(log=log, elect=False) as setting:

        async def count_turns() -> None:
            nonlocal turns
            while True:
                turns += 1
                await trio.lowlevel.checkpoint()

        setting.coordinator.elected(0, 0, "election")
        with trio.CancelScope() as counting:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(count_turns)
                while "group.loaded" not in setting.trace.kinds():
                    await trio.lowlevel.checkpoint()
                counting.cancel()
    assert len(set(turns_before)) >= 3
