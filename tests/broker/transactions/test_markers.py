"""Markers come to every partition of a transaction, through whatever happens to their leaders."""

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from broker.wire.errors import ErrorCode
from broker.wire.messages.write_txn_markers import WriteTxnMarkersRequest
from tests.broker.transactions.support import T0, T1, U0, know, running_coordinator


async def test_the_markers_of_many_go_in_one_request(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        setting.brokers.gate = trio.Event()
        ids = [f"id-{number}" for number in range(20)]
        producers = {name: await setting.begin(name, T0) for name in ids}
        for name, producer in producers.items():
            await setting.end(producer, name)
        await wait_all_tasks_blocked()
        setting.brokers.gate.set()
        await wait_all_tasks_blocked()
        requests = [each for _, each in setting.brokers.asked]
        assert all(isinstance(each, WriteTxnMarkersRequest) for each in requests)
        assert [len(each.markers) for each in requests] == [1, 19]
        assert len(setting.brokers.marked) == 20


@pytest.mark.parametrize(
    "error",
    [
        ErrorCode.NOT_LEADER_OR_FOLLOWER,
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        ErrorCode.NOT_ENOUGH_REPLICAS,
        ErrorCode.REQUEST_TIMED_OUT,
        ErrorCode.UNKNOWN_SERVER_ERROR,
    ],
)
async def test_a_marker_that_is_refused_is_sent_again(
    autojump_clock: MockClock, error: ErrorCode
) -> None:
    async with running_coordinator() as setting:
        producer = await setting.begin("x", T0, U0)
        setting.brokers.errors = {T0: error}
        await setting.end(producer)
        await trio.sleep(1)
        assert setting.brokers.partitions() == [U0]
        # Tools see who is waited for.
        assert setting.coordinator.describe("x").partitions == {T0}
        assert setting.state() == "PrepareCommit"
        setting.brokers.errors = {}
        await trio.sleep(1)
        assert setting.brokers.partitions() == [U0, T0]
        assert setting.state() == "CompleteCommit"


async def test_the_next_leader_gets_it(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        producer = await setting.begin("x", T0)
        setting.brokers.unavailable = {1}
        await setting.end(producer)
        await trio.sleep(1)
        know(setting.metadata, {T0: 2})
        await trio.sleep(1)
        assert [(each.broker_id, each.partition) for each in setting.brokers.marked] == [(2, T0)]
        [delayed] = setting.trace.facts("transaction.markers_delayed")
        assert delayed["broker_id"] == 1, "said once, not for each time"


@pytest.mark.parametrize("leader", [-1, 9])
async def test_a_partition_without_a_leader_alive_waits_for_one(
    autojump_clock: MockClock, leader: int
) -> None:
    async with running_coordinator() as setting:
        producer = await setting.begin("x", T0, T1)
        know(setting.metadata, {T0: leader})
        await setting.end(producer)
        await trio.sleep(5)
        assert setting.brokers.partitions() == [T1]
        know(setting.metadata, {})
        await trio.sleep(5)
        assert setting.state() == "PrepareCommit"
        know(setting.metadata, {T0: 1})
        await trio.sleep(1)
        assert setting.brokers.partitions() == [T1, T0]
        assert setting.state() == "CompleteCommit"


async def test_a_deleted_partition_needs_no_marker(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        producer = await setting.begin("x", T0, U0)
        know(setting.metadata, {T0: -1})
        await setting.end(producer)
        await trio.sleep(1)
        know(setting.metadata, {T0: -2})
        await trio.sleep(1)
        assert setting.brokers.partitions() == [U0]
        assert setting.state() == "CompleteCommit"


async def test_a_partition_whose_format_has_no_markers(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        producer = await setting.begin("x", T0)
        setting.brokers.errors = {T0: ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT}
        await setting.end(producer)
        await wait_all_tasks_blocked()
        assert setting.state() == "CompleteCommit"


@pytest.mark.parametrize(
    "error", [ErrorCode.TRANSACTION_COORDINATOR_FENCED, ErrorCode.INVALID_PRODUCER_EPOCH]
)
async def test_who_is_superseded_leaves_it_to_the_other(
    autojump_clock: MockClock, error: ErrorCode
) -> None:
    async with running_coordinator() as setting:
        producer = await setting.begin("x", T0, T1)
        setting.brokers.errors = {T0: error}
        await setting.end(producer)
        await trio.sleep(5)
        assert setting.state() == "PrepareCommit"
        assert len([each for each in setting.brokers.asked if each[0] == 1]) == 1
        [refused] = setting.trace.facts("transaction.markers_refused")
        assert refused["error"] == error.name


async def test_completion_is_written_until_it_is_replicated(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        producer = await setting.begin("x", T0)
        setting.brokers.gate = trio.Event()
        await setting.end(producer)
        setting.log.commit_error = ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND
        setting.brokers.gate.set()
        await trio.sleep(1)
        assert setting.state() == "PrepareCommit"
        setting.log.commit_error = None
        await trio.sleep(1)
        assert setting.state() == "CompleteCommit"
        assert len(setting.brokers.marked) == 1
