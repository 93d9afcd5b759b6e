"""What time ends: transactions that are open for too long, ids that nobody uses."""

import trio
from trio.testing import MockClock

from broker.transactions.decisions import Producer
from broker.transactions.inspection import Filters
from broker.wire.errors import ErrorCode
from tests.broker.transactions.support import T0, Config, refusal, running_coordinator

SOON = Config(
    transactional_id_expiration_ms=60_000,
    transaction_remove_expired_transaction_cleanup_interval_ms=10_000,
)


async def test_a_transaction_that_is_open_for_too_long(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        producer = await setting.begin("x", T0, timeout_ms=15_000)
        await trio.sleep(14)
        assert setting.state() == "Ongoing"
        await trio.sleep(7)
        assert setting.state() == "CompleteAbort"
        [marked] = setting.brokers.marked
        assert (marked.producer, marked.commit) == (Producer(1000, 1), False)
        assert await refusal(setting.end(producer)) is ErrorCode.PRODUCER_FENCED
        [fenced] = setting.trace.facts("transaction.fenced")
        assert fenced["reason"] == "timed out"
        [ended] = setting.trace.facts("transaction.ended")
        assert ended["state"] == "CompleteAbort"
        assert setting.trace.causes("transaction.ended") == ["transaction.fenced"]
        assert await setting.init() == Producer(1000, 2)


async def test_one_that_has_less_time_than_a_follower_takes(autojump_clock: MockClock) -> None:
    """Nobody waits for its end but the readers: it has as much time as any record."""
    async with running_coordinator() as setting:
        await setting.begin("x", T0, timeout_ms=1)
        setting.log.commit_takes_ms = 50
        await trio.sleep(11)
        assert setting.state() == "CompleteAbort"
        assert len(setting.trace.facts("transaction.fenced")) == 1
        assert len(setting.log.records()) == 4, "each once"


async def test_it_is_tried_again_when_it_could_not_be_written(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        await setting.begin("x", T0, timeout_ms=1_000)
        setting.log.append_error = ErrorCode.NOT_ENOUGH_REPLICAS
        await trio.sleep(25)
        assert setting.state() == "Ongoing"
        setting.log.append_error = None
        await trio.sleep(10)
        assert setting.state() == "CompleteAbort"
        assert setting.coordinator.describe("x").producer_epoch == 1


async def test_none_waits_for_another_that_is_not_replicated(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        await setting.begin("stuck", T0, timeout_ms=300_000)
        await setting.begin("x", T0, timeout_ms=320_000)
        await trio.sleep(295)
        setting.log.replicated = trio.Event()
        await trio.sleep(16)
        setting.log.replicated, stuck = None, setting.log.replicated
        assert setting.state("stuck") == "Ongoing"
        await trio.sleep(20)
        assert setting.state("x") == "CompleteAbort"
        assert setting.state("stuck") == "Ongoing"
        stuck.set()
        await trio.sleep(1)
        assert setting.state("stuck") == "CompleteAbort"


async def test_transactional_ids_are_forgotten(autojump_clock: MockClock) -> None:
    async with running_coordinator(SOON) as setting:
        await setting.init("old")
        await setting.begin("open", T0, timeout_ms=900_000)
        await trio.sleep(55)
        await setting.init("young")
        await trio.sleep(10)
        ids = {each.transactional_id for each in setting.coordinator.list(Filters())}
        assert ids == {"open", "young"}
        [gone] = [record for record in setting.log.records() if record.value is None]
        assert gone.key == b"\0\0\0\3old"
        assert setting.trace.facts("transaction.expired")[0]["transactional_ids"] == ["old"]
        assert await setting.init("old") == Producer(1003, 0)


async def test_tombstones_that_are_not_replicated(autojump_clock: MockClock) -> None:
    async with running_coordinator(SOON) as setting:
        producer = await setting.init()
        setting.log.commit_error = ErrorCode.REQUEST_TIMED_OUT
        await trio.sleep(75)
        assert setting.state() == "Empty"
        setting.log.commit_error = None
        await setting.coordinator.add_partitions("x", producer, [T0])


async def test_no_tombstones_where_another_coordinator_was_meanwhile(
    autojump_clock: MockClock,
) -> None:
    """What was decided before the partition was lost and won again is written no more."""
    async with running_coordinator(SOON) as setting:
        await setting.init("x")
        store = setting.coordinator._store
        [(owned, transaction)] = store.ownership.entries()
        setting.coordinator.resigned(owned.partition, owned.leader_epoch + 1, cause="")
        setting.coordinator.elected(owned.partition, owned.leader_epoch + 2, cause="")
        end = len(setting.log.records())
        write = store.append_tombstones(owned, [transaction])
        assert await store.outcome(write) is ErrorCode.NOT_COORDINATOR
        assert len(setting.log.records()) == end


async def test_who_comes_back_before_his_tombstone_is_written_is_not_kept_waiting(
    autojump_clock: MockClock,
) -> None:
    async with running_coordinator(SOON) as setting:
        names = [f"{number:03}".ljust(5_000, ".") for number in range(40)]
        for name in names:
            await setting.init(name)
        await trio.sleep(55)
        setting.log.replicated = trio.Event()  # the first batch's takes long
        await trio.sleep(20)
        setting.log.replicated, stuck = None, setting.log.replicated
        [*_, (_, last)] = setting.coordinator._store.ownership.entries()
        assert (await setting.init(last.transactional_id)).producer_epoch == 1
        stuck.set()
        await trio.sleep(1)
        kept = [each.transactional_id for each in setting.coordinator.list(Filters())]
        assert kept == [last.transactional_id]


async def test_many_go_in_several_batches(autojump_clock: MockClock) -> None:
    async with running_coordinator(SOON) as setting:
        names = [f"{number:03}".ljust(5_000, ".") for number in range(40)]
        for name in names:
            await setting.init(name)
        await trio.sleep(75)
        assert setting.coordinator.list(Filters()) == []
        sizes = [
            len(facts["transactional_ids"])  # type: ignore[arg-type]
            for facts in setting.trace.facts("transaction.expired")
        ]
        assert (sum(sizes), max(sizes)) == (40, 3)
