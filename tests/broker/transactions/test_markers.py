"""Markers come to every partition of a transaction, through whatever happens to their leaders."""

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from broker.transactions import deliveries
from broker.wire.errors import ErrorCode
from broker.wire.messages.write_txn_markers import WriteTxnMarkersRequest
from coordination.values import TopicPartition
from tests.broker.groups.support import MemoryLog
from tests.broker.transactions.support import T0, T1, U0, Config, know, running_coordinator


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


async def test_a_frozen_leader_is_left_when_others_lead(autojump_clock: MockClock) -> None:
    """It answers nothing, and hangs up on nobody: what waits for it goes to who leads now."""
    async with running_coordinator() as setting:
        setting.brokers.frozen = {1}
        for name in ("in-flight", "behind-it"):
            await setting.end(await setting.begin(name, T0, U0), name)
            await trio.sleep(1)
        know(setting.metadata, {T0: 2, U0: 1})
        await trio.sleep(1)
        assert setting.brokers.marked == [], "it leads another one still"
        know(setting.metadata, {U0: 2}, live=[2])
        await trio.sleep(1)
        assert [each.broker_id for each in setting.brokers.marked] == [2] * 4
        assert setting.state("in-flight") == setting.state("behind-it") == "CompleteCommit"
        assert len(setting.trace.facts("transaction.markers_delayed")) == 1


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
        setting.coordinator.partitions_deleted(know(setting.metadata, {T0: -2}))
        await trio.sleep(1)
        assert setting.brokers.partitions() == [U0]
        assert setting.state() == "CompleteCommit"
        [gone] = setting.trace.facts("transaction.partition_gone")
        assert (gone["partition"], gone["why"]) == ("t-0", "the controller says so")


async def test_a_partition_that_is_deleted_while_its_leader_refuses(
    autojump_clock: MockClock,
) -> None:
    async with running_coordinator() as setting:
        producer = await setting.begin("x", T0)
        setting.brokers.errors = {T0: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION}
        await setting.end(producer)
        await trio.sleep(1)
        setting.coordinator.partitions_deleted(know(setting.metadata, {T0: -2}))
        await trio.sleep(1)
        assert setting.state() == "CompleteCommit"
        asked = len(setting.brokers.asked)
        await trio.sleep(1)
        assert len(setting.brokers.asked) == asked


async def test_a_partition_that_the_metadata_do_not_know_yet_is_not_taken_for_deleted(
    autojump_clock: MockClock,
) -> None:
    """As at the beginning of a controller's term: elected, and told of nothing else."""
    log = MemoryLog()
    async with running_coordinator(log=log) as first:
        producer = await first.begin("x", T0, T1)
        first.brokers.unavailable = {1, 2}
        await first.end(producer)
    async with running_coordinator(log=log, leader_epoch=1, told_nothing=True) as second:
        await trio.sleep(60)
        assert second.state() == "PrepareCommit"
        know(second.metadata, {T0: 1})  # the others come later
        await trio.sleep(60)
        assert second.brokers.partitions() == [T0]
        assert second.state() == "PrepareCommit"
        know(second.metadata, {T1: 2})
        await trio.sleep(1)
        assert second.brokers.partitions() == [T0, T1]
        assert second.state() == "CompleteCommit"


async def test_what_was_deleted_before_we_listened_is_asked_of_zookeeper(
    autojump_clock: MockClock,
) -> None:
    async with running_coordinator() as setting:
        producer = await setting.begin("x", T0, U0)
        know(setting.metadata, {T0: -2})  # and whoever hears it has nothing to end yet
        setting.topics.is_away = True
        await setting.end(producer)
        await trio.sleep(20)
        assert setting.state() == "PrepareCommit"
        setting.topics.is_away = False
        await trio.sleep(20)
        assert setting.state() == "PrepareCommit", "ZooKeeper has it still"
        setting.topics.deleted = {T0}
        await trio.sleep(20)
        assert setting.state() == "CompleteCommit"
        assert setting.brokers.partitions() == [U0]
        [gone] = setting.trace.facts("transaction.partition_gone")
        assert gone["why"] == "ZooKeeper has no such topic"


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
async def test_who_is_superseded_goes_on_until_told_so(
    autojump_clock: MockClock, error: ErrorCode
) -> None:
    async with running_coordinator() as setting:
        producer = await setting.begin("x", T0, T1)
        setting.brokers.errors = {T0: error}
        await setting.end(producer)
        await trio.sleep(5)
        assert setting.state() == "PrepareCommit"
        assert setting.brokers.partitions() == [T1], "what is not refused is ended"
        [refused] = setting.trace.facts("transaction.markers_refused")
        assert refused["error"] == error.name, "said once, not for each time"
        setting.resign(1)
        await trio.sleep(1)
        asked = len(setting.brokers.asked)
        await trio.sleep(5)
        assert len(setting.brokers.asked) == asked


async def test_what_is_refused_holds_up_nobody_else(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        setting.brokers.errors = {T0: ErrorCode.REQUEST_TIMED_OUT}
        await setting.end(await setting.begin("slow", T0), "slow")
        await trio.sleep(5)
        producer = await setting.begin("quick", U0)
        await setting.end(producer, "quick")
        await wait_all_tasks_blocked()
        assert setting.state("quick") == "CompleteCommit", "without a pause"


async def test_a_partition_that_does_not_replicate_holds_up_the_others_once(
    autojump_clock: MockClock,
) -> None:
    """They lie on one broker, which answers a request when all of it is done or has timed out."""
    async with running_coordinator() as setting:
        setting.brokers.slow = {T0: 15.0}
        await setting.end(await setting.begin("both", T0, U0), "both")
        await trio.sleep(16)
        assert setting.brokers.partitions() == [U0]
        for number in range(3):
            await setting.end(await setting.begin(f"slow-{number}", T0), f"slow-{number}")
            producer = await setting.begin("quick", U0)
            await setting.end(producer, "quick")
            await trio.sleep(0.1)
            assert setting.state("quick") == "CompleteCommit"
            await trio.sleep(5)
        setting.brokers.slow = {}
        await trio.sleep(16)
        assert setting.brokers.partitions().count(T0) == 4
        await setting.end(await setting.begin("both", T0, U0), "both")
        await wait_all_tasks_blocked()
        assert setting.state("both") == "CompleteCommit"
        assert len(setting.brokers.asked[-1][1].markers[0].topics) == 2, "in one request again"


async def test_a_receiver_is_heard_that_answers_when_its_own_time_is_over(
    autojump_clock: MockClock,
) -> None:
    """As Kafka does, and its request.timeout.ms is ours: else nobody learns which one is slow."""
    async with running_coordinator() as setting:
        setting.brokers.slow = {T0: Config().request_timeout_ms / 1000}
        await setting.end(await setting.begin("slow", T0), "slow")
        await setting.end(await setting.begin("quick", U0), "quick")
        await trio.sleep(31)
        assert setting.state("quick") == "CompleteCommit"
        await setting.end(await setting.begin("next", U0), "next")
        await wait_all_tasks_blocked()
        assert setting.state("next") == "CompleteCommit", "the slow one waits by itself"


async def test_a_request_has_a_bounded_number_of_markers(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "MAX_MARKERS", 2)
    partitions = [TopicPartition("many", number) for number in range(5)]
    async with running_coordinator() as setting:
        know(setting.metadata, dict.fromkeys(partitions, 1))
        await setting.end(await setting.begin("x", *partitions))
        await wait_all_tasks_blocked()
        requests = [each for _, each in setting.brokers.asked]
        sizes = [sum(len(t.partition_indexes) for t in each.markers[0].topics) for each in requests]
        assert sizes == [2, 2, 1]
        assert set(setting.brokers.partitions()) == set(partitions)


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
