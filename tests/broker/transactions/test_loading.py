"""A coordinator moves: its transactions are read from the log, and forgotten where they were."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from broker.coordinators.loading import RECORDS_A_TURN, RETRY_S
from broker.coordinators.log import partition_for
from broker.transactions.decisions import Producer
from broker.transactions.ending import Ending
from broker.transactions.inspection import Filters
from broker.transactions.transaction_records import transaction_tombstone
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.record_batch import RecordBatch, batches, build_batch
from broker.wire.records import Record
from tests.broker.groups.support import PARTITION_COUNT, MemoryLog
from tests.broker.transactions.support import T0, T1, U0, Setting, refusal, running_coordinator

X = partition_for("x", PARTITION_COUNT)


async def test_a_transaction_goes_on_at_its_next_coordinator(autojump_clock: MockClock) -> None:
    log = MemoryLog()
    async with running_coordinator(log=log) as first:
        producer = await first.begin("x", T0)
        before = first.coordinator.describe("x")
    async with running_coordinator(log=log, leader_epoch=1) as second:
        after = second.coordinator.describe("x")
        assert (after.state, after.partitions) == (before.state, before.partitions)
        assert (after.start_ms, after.timeout_ms) == (before.start_ms, before.timeout_ms)
        await second.coordinator.add_partitions("x", producer, [U0])
        await second.end(producer)
        await wait_all_tasks_blocked()
        assert set(second.brokers.partitions()) == {T0, U0}
        assert {marked.coordinator_epoch for marked in second.brokers.marked} == {1}


@pytest.mark.parametrize("commit", [True, False])
async def test_what_was_prepared_is_ended_by_the_next_one(
    autojump_clock: MockClock, commit: bool
) -> None:
    log = MemoryLog()
    async with running_coordinator(log=log) as first:
        producer = await first.begin("x", T0, T1)
        first.brokers.unavailable = {1, 2}
        await first.end(producer, commit=commit)
        await trio.sleep(1)
        assert first.brokers.marked == []
    async with running_coordinator(log=log, leader_epoch=7) as second:
        assert {(marked.partition, marked.commit) for marked in second.brokers.marked} == {
            (T0, commit),
            (T1, commit),
        }
        assert second.state() == ("CompleteCommit" if commit else "CompleteAbort")
        [*_, loaded] = second.trace.facts("transaction.loaded")
        assert any(facts["prepared"] == ["x"] for facts in second.trace.facts("transaction.loaded"))
        assert loaded["unknown_records"] == 0
        [ended] = second.trace.facts("transaction.ended")
        assert ended["state"] == second.state()
        [cause] = second.trace.causes("transaction.ended")
        assert cause == "transaction.loaded"


async def test_nothing_is_done_about_what_the_next_leader_may_not_have(
    autojump_clock: MockClock,
) -> None:
    """The former leader died before all had his last records: whoever is next decides anew."""
    log = MemoryLog()
    async with running_coordinator(log=log) as first:
        producer = await first.begin("x", T0, T1)
        await first.begin("y", T0)  # in another partition
        first.brokers.unavailable = {1, 2}
        await first.end(producer)
    log.kept = trio.Event()
    async with running_coordinator(log=log, leader_epoch=1) as second:
        await trio.sleep(60)
        assert second.brokers.asked == [], "no marker"
        with pytest.raises(KafkaError) as refused:
            second.state()
        assert refused.value.code is ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
        assert len(second.trace.facts("transaction.loaded")) == PARTITION_COUNT - 2, (
            "no other waits"
        )
        log.kept.set()
        await trio.sleep(1)
        assert set(second.brokers.partitions()) == {T0, T1}
        assert second.state() == "CompleteCommit"


async def test_who_is_followed_meanwhile_has_done_nothing(autojump_clock: MockClock) -> None:
    log = MemoryLog()
    async with running_coordinator(log=log) as first:
        producer = await first.begin("x", T0)
        first.brokers.unavailable = {1}
        await first.end(producer)
    log.kept = trio.Event()
    async with running_coordinator(log=log, leader_epoch=1) as second:
        second.resign(2)
        log.kept.set()
        await trio.sleep(1)
        assert second.brokers.asked == []
        assert await refusal(second.init()) is ErrorCode.NOT_COORDINATOR


async def test_nothing_is_loaded_before_the_partitions_have_been_counted(
    autojump_clock: MockClock,
) -> None:
    """By the planned number an id might belong to one of them in whose log it never was."""
    log = MemoryLog(counted=trio.Event())
    async with running_coordinator(log=log) as setting:
        assert await refusal(setting.init()) is ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
        assert log.counted is not None
        log.counted.set()
        await wait_all_tasks_blocked()
        assert await setting.init() == Producer(1000, 0)


async def test_requests_while_loading(autojump_clock: MockClock) -> None:
    log = MemoryLog(read_gate=trio.Event())
    async with running_coordinator(log=log) as setting:
        loading = ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
        assert await refusal(setting.init()) is loading
        assert await refusal(setting.end(Producer(1, 1))) is loading
        for look in (setting.state, lambda: setting.coordinator.list(Filters())):
            with pytest.raises(KafkaError) as refused:
                look()
            assert refused.value.code is loading
        assert log.read_gate is not None
        log.read_gate.set()
        await wait_all_tasks_blocked()
        assert await setting.init() == Producer(1000, 0)


async def test_requests_to_the_wrong_broker(autojump_clock: MockClock) -> None:
    async with running_coordinator(elect=False) as setting:
        assert await refusal(setting.init()) is ErrorCode.NOT_COORDINATOR
        assert await refusal(setting.end(Producer(1, 1))) is ErrorCode.NOT_COORDINATOR
        assert setting.coordinator.list(Filters()) == []


async def test_resigning_stops_the_markers(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        producer = await setting.begin("x", T0)
        setting.brokers.unavailable = {1}
        await setting.end(producer)
        await trio.sleep(1)
        setting.resign(1)
        await trio.sleep(1)
        setting.brokers.unavailable = set()
        asked = len(setting.brokers.asked)
        await trio.sleep(5)
        assert (setting.brokers.marked, len(setting.brokers.asked)) == ([], asked)
        assert len(setting.log.records()) == 3, "completed by whoever leads now"
        assert setting.trace.facts("transaction.unloaded")


async def test_resigning_between_the_loading_and_the_first_step_of_ending(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody would ever stop that delivery: what was given up is given up once."""
    log = MemoryLog()
    async with running_coordinator(log=log) as first:
        producer = await first.begin("x", T0)
        first.brokers.unavailable = {1}
        await first.end(producer)
    async with running_coordinator(log=log, elect=False) as second:
        resume = Ending.resume

        def resume_and_resign(*args: Any) -> None:
            resume(*args)
            second.resign(2)

        monkeypatch.setattr(Ending, "resume", resume_and_resign)
        second.brokers.errors = {T0: ErrorCode.TRANSACTION_COORDINATOR_FENCED}
        second.elect(1)
        await trio.sleep(5)
        assert second.trace.facts("transaction.unloaded")
        assert second.brokers.asked == []


async def test_elected_again_while_a_write_is_on_its_way(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        producer = await setting.begin("x", T0)
        setting.log.replicated = trio.Event()
        outcomes = []

        async def end() -> None:
            outcomes.append(await refusal(setting.end(producer)))

        setting.nursery.start_soon(end)
        await wait_all_tasks_blocked()
        setting.resign(1)
        setting.elect(2)
        await wait_all_tasks_blocked()
        setting.log.replicated.set()
        await wait_all_tasks_blocked()
        assert outcomes == [ErrorCode.NOT_COORDINATOR]
        # The new leadership has read what the old one wrote, and ended it: once.
        assert setting.state() == "CompleteCommit"
        assert [marked.coordinator_epoch for marked in setting.brokers.marked] == [2]


async def test_old_news_and_the_same_news_twice(autojump_clock: MockClock) -> None:
    async with running_coordinator(leader_epoch=5) as setting:
        await setting.begin("x", T0)
        setting.resign(4)
        setting.elect(5)
        await wait_all_tasks_blocked()
        assert setting.state() == "Ongoing"
        setting.resign(6)
        setting.resign(6)
        assert await refusal(setting.init()) is ErrorCode.NOT_COORDINATOR


async def test_what_expired_stays_away_and_strangers_are_counted(
    autojump_clock: MockClock,
) -> None:
    log = MemoryLog()
    async with running_coordinator(log=log) as first:
        await first.init()
        log.append(X, [Record(b"\0\0\0\1x", None, 0), Record(b"\0\7later", b"?", 0)])
    async with running_coordinator(log=log) as second:
        assert second.coordinator.list(Filters()) == []
        assert sum(_unknown(second)) == 1


def _unknown(setting: Setting) -> list[int]:
    facts = setting.trace.facts("transaction.loaded")
    return [each["unknown_records"] for each in facts]  # type: ignore[misc]


@pytest.mark.parametrize("record", [Record(None, b"v", 0), Record(b"\0\0\0\1x", b"\0\0", 0)])
async def test_a_partition_that_cannot_be_read_is_not_served_until_it_can(
    autojump_clock: MockClock, record: Record
) -> None:
    log = MemoryLog(data={X: bytearray(build_batch([record]))})
    async with running_coordinator(log=log) as setting:
        assert await refusal(setting.init()) is ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
        [failed] = setting.trace.facts("transaction.load_failed")
        assert failed["partition"] == X
        del log.data[X]
        await trio.sleep(RETRY_S + 1)
        assert await refusal(setting.init()) is ErrorCode.NONE


async def test_one_that_is_lost_is_not_tried_again(autojump_clock: MockClock) -> None:
    log = MemoryLog(data={X: bytearray(build_batch([Record(None, b"v", 0)]))})
    async with running_coordinator(log=log) as setting:
        setting.resign(1)
        await trio.sleep(2 * RETRY_S)
        assert len(setting.trace.facts("transaction.load_failed")) == 1
        setting.elect(2)
        await trio.sleep(1)
        assert len(setting.trace.facts("transaction.load_failed")) == 2


async def test_elected_again_before_it_has_heard_of_its_successor(
    autojump_clock: MockClock,
) -> None:
    """The successor sent markers with his epoch, and ours are refused until we have a newer one."""
    async with running_coordinator(leader_epoch=5) as setting:
        producer = await setting.begin("x", T0)
        setting.brokers.errors = {T0: ErrorCode.TRANSACTION_COORDINATOR_FENCED}
        await setting.end(producer)
        await trio.sleep(1)
        setting.elect(7)
        setting.brokers.errors = {}
        await trio.sleep(1)
        assert setting.state() == "CompleteCommit"
        assert [marked.coordinator_epoch for marked in setting.brokers.marked] == [7]


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
    for _ in range(10):
        log.append(X, [transaction_tombstone("x", 0)] * (RECORDS_A_TURN // 2))
    async with running_coordinator(log=log, elect=False) as setting:

        async def count_turns() -> None:
            nonlocal turns
            while True:
                turns += 1
                await trio.lowlevel.checkpoint()

        setting.coordinator.elected(X, 0, "election")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(count_turns)
            while "transaction.loaded" not in setting.trace.kinds():
                await trio.lowlevel.checkpoint()
            nursery.cancel_scope.cancel()
    assert len(set(turns_before)) >= 3
