"""A transactional id's life, as its producers see it."""

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from broker.transactions.decisions import Producer
from broker.transactions.inspection import Filters
from broker.wire.errors import ErrorCode
from tests.broker.transactions.support import (
    T0,
    T1,
    TIMEOUT_MS,
    U0,
    Config,
    Marked,
    refusal,
    running_coordinator,
)


async def test_a_transaction_is_committed(autojump_clock: MockClock) -> None:
    async with running_coordinator(leader_epoch=5) as setting:
        producer = await setting.begin("x", T0, T1)
        assert producer == Producer(1000, 0)
        assert setting.state() == "Ongoing"
        await setting.end(producer)
        assert setting.state() == "PrepareCommit"
        await wait_all_tasks_blocked()
        assert setting.state() == "CompleteCommit"
        assert set(setting.brokers.marked) == {
            Marked(1, T0, producer, commit=True, coordinator_epoch=5),
            Marked(2, T1, producer, commit=True, coordinator_epoch=5),
        }
        # Init, two partitions, prepare, complete.
        assert len(setting.log.records()) == 4


async def test_a_transaction_is_aborted_and_the_next_one_begins(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        producer = await setting.begin("x", T0)
        await setting.end(producer, commit=False)
        await wait_all_tasks_blocked()
        assert setting.state() == "CompleteAbort"
        assert [marked.commit for marked in setting.brokers.marked] == [False]
        await setting.end(producer, commit=False)  # did not hear of it
        await setting.coordinator.add_partitions("x", producer, [U0])
        assert setting.state() == "Ongoing"
        assert setting.coordinator.describe("x").partitions == {U0}


async def test_nothing_more_while_it_is_being_ended(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        producer = await setting.begin()
        setting.brokers.gate = trio.Event()
        await setting.end(producer)
        concurrent = ErrorCode.CONCURRENT_TRANSACTIONS
        assert await refusal(setting.end(producer)) is concurrent
        assert await refusal(setting.init()) is concurrent
        added = setting.coordinator.add_partitions("x", producer, [U0])
        assert await refusal(added) is concurrent
        setting.brokers.gate.set()
        await wait_all_tasks_blocked()
        await setting.coordinator.add_partitions("x", producer, [U0])


async def test_a_newer_producer_aborts_and_fences(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        old = await setting.begin()
        assert await refusal(setting.init()) is ErrorCode.CONCURRENT_TRANSACTIONS
        await wait_all_tasks_blocked()
        assert setting.state() == "CompleteAbort"
        assert {(marked.producer, marked.commit) for marked in setting.brokers.marked} == {
            (Producer(1000, 1), False)
        }
        assert await setting.init() == Producer(1000, 2)
        assert await refusal(setting.end(old)) is ErrorCode.PRODUCER_FENCED
        [fenced] = setting.trace.facts("transaction.fenced")
        assert fenced["reason"] == "a newer producer"


async def test_two_that_begin_at_once(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        outcomes = []

        async def begin() -> None:
            outcomes.append(await refusal(setting.init()))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(begin)
            nursery.start_soon(begin)
        assert sorted(outcomes) == [ErrorCode.NONE, ErrorCode.CONCURRENT_TRANSACTIONS]


async def test_requests_for_what_is_not_there(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        nobody = Producer(1, 1)
        mapping = ErrorCode.INVALID_PRODUCER_ID_MAPPING
        assert await refusal(setting.end(nobody)) is mapping
        assert await refusal(setting.coordinator.add_partitions("x", nobody, [T0])) is mapping
        assert await refusal(setting.end(nobody, "")) is ErrorCode.INVALID_REQUEST
        assert await refusal(setting.init("")) is ErrorCode.INVALID_REQUEST


@pytest.mark.parametrize("timeout_ms", [-1, 0, 900_001])
async def test_timeouts_that_one_may_not_ask_for(
    autojump_clock: MockClock, timeout_ms: int
) -> None:
    async with running_coordinator() as setting:
        refused = await refusal(setting.init(timeout_ms=timeout_ms))
        assert refused is ErrorCode.INVALID_TRANSACTION_TIMEOUT


async def test_a_write_that_is_not_replicated_changes_nothing(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        producer = await setting.begin("x", T0)
        setting.log.commit_error = ErrorCode.REQUEST_TIMED_OUT
        added = setting.coordinator.add_partitions("x", producer, [U0])
        assert await refusal(added) is ErrorCode.COORDINATOR_NOT_AVAILABLE
        assert await refusal(setting.end(producer)) is ErrorCode.COORDINATOR_NOT_AVAILABLE
        assert setting.coordinator.describe("x").partitions == {T0}
        assert setting.state() == "Ongoing"
        setting.log.commit_error = None
        setting.log.append_error = ErrorCode.NOT_LEADER_OR_FOLLOWER
        assert await refusal(setting.end(producer)) is ErrorCode.NOT_COORDINATOR
        setting.log.append_error = None
        await setting.end(producer)
        assert setting.brokers.marked == []
        await wait_all_tasks_blocked()
        assert setting.brokers.partitions() == [T0]


async def test_a_fence_that_is_not_replicated_holds_and_is_not_raised_again(
    autojump_clock: MockClock,
) -> None:
    async with running_coordinator() as setting:
        producer = await setting.begin("x", T0)
        setting.log.commit_error = ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND
        for _ in range(2):
            assert await refusal(setting.init()) is ErrorCode.COORDINATOR_NOT_AVAILABLE
            assert setting.coordinator.describe("x").producer_epoch == 1
        assert await refusal(setting.end(producer)) is ErrorCode.PRODUCER_FENCED
        setting.log.commit_error = None
        assert await refusal(setting.init()) is ErrorCode.CONCURRENT_TRANSACTIONS
        await wait_all_tasks_blocked()
        assert await setting.init() == Producer(1000, 2)


async def test_a_client_that_goes_away_leaves_nothing_half_done(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        producer = await setting.begin("x", T0)
        setting.log.replicated = trio.Event()
        with trio.move_on_after(1):
            await setting.end(producer)
        assert setting.state() == "Ongoing"
        setting.log.replicated.set()
        await wait_all_tasks_blocked()
        assert setting.state() == "CompleteCommit"


async def test_verification(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        producer = await setting.begin("x", T0)
        assert setting.coordinator.verify_partitions("x", producer, [T0, T1]) == {
            T0: ErrorCode.NONE,
            T1: ErrorCode.TRANSACTION_ABORTABLE,
        }


async def test_epochs_that_are_used_up(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        await setting.init()
        setting.coordinator.describe("x").producer_epoch = (1 << 15) - 2
        assert await setting.init() == Producer(1001, 0)


async def test_listing(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        await setting.begin("open", T0)
        await trio.sleep(10)
        await setting.begin("young", U0)
        done = await setting.begin("done", T1)
        await setting.end(done, "done")
        await wait_all_tasks_blocked()

        def listed(**filters: object) -> list[str]:
            found = setting.coordinator.list(Filters(**filters))  # type: ignore[arg-type]
            return sorted(each.transactional_id for each in found)

        assert listed() == ["done", "open", "young"]
        assert listed(states=["Ongoing"]) == ["open", "young"]
        assert listed(states=["ongoing", "Unheard"]) == []
        assert listed(producer_ids=[1000, 5]) == ["open"]
        assert listed(longer_than_ms=9_999) == ["open"]
        assert listed(longer_than_ms=0) == ["open"]
        assert Filters(states=["Unheard", "Dead"]).unknown_states == ["Unheard"]


async def test_requests_before_the_coordinator_runs(autojump_clock: MockClock) -> None:
    async with running_coordinator(Config()) as setting:
        coordinator = setting.coordinator
    unavailable = ErrorCode.COORDINATOR_NOT_AVAILABLE
    ended = coordinator.end_transaction("x", Producer(1, 1), commit=True)
    assert await refusal(ended) is unavailable
    assert await refusal(coordinator.init_producer_id("x", 1000, None)) is unavailable


async def test_an_id_that_has_no_room_in_a_record_leaves_nothing_behind(
    autojump_clock: MockClock,
) -> None:
    async with running_coordinator() as setting:
        began = setting.coordinator.init_producer_id("x" * 0x8000, TIMEOUT_MS, None)
        assert await refusal(began) is ErrorCode.UNKNOWN_SERVER_ERROR
        assert not setting.coordinator.describe("x" * 0x8000).pending
