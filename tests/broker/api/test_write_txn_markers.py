"""WriteTxnMarkers: appended, replicated, answered; and every refusal."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from broker.api.permissions import Operation
from broker.broker import Broker
from broker.groups.committed_offsets import CommittedOffset
from broker.groups.offset_records import offset_record
from broker.groups.offsets_log import OFFSETS_TOPIC
from broker.network.answers import Later
from broker.replica.partition import Partition
from broker.wire.errors import ErrorCode
from broker.wire.messages.write_txn_markers import (
    WritableTxnMarker,
    WritableTxnMarkerTopic,
    WriteTxnMarkersRequest,
    WriteTxnMarkersResponse,
)
from broker.wire.record_batch import build_batch
from broker.wire.records import Record
from tests.broker.log.logs import make_batch, read_batches
from tests.broker.log.transactions import transactions_of
from tests.broker.support import call, know, lead, make_coordinators_topic, open_broker, tp

COMMIT = offset_record("g", tp("t-0"), CommittedOffset(5), 0)

Errors = dict[tuple[int, str], ErrorCode]


def marker(
    *partitions: str,
    producer_id: int = 7,
    epoch: int = 0,
    commit: bool = True,
    coordinator_epoch: int = 0,
) -> WritableTxnMarker:
    topics: dict[str, list[int]] = {}
    for partition in partitions:
        topics.setdefault(tp(partition).topic, []).append(tp(partition).partition)
    return WritableTxnMarker(
        producer_id=producer_id,
        producer_epoch=epoch,
        transaction_result=commit,
        topics=[
            WritableTxnMarkerTopic(name=name, partition_indexes=indexes)
            for name, indexes in topics.items()
        ],
        coordinator_epoch=coordinator_epoch,
    )


def errors_of(answer: WriteTxnMarkersResponse) -> Errors:
    return {
        (each.producer_id, f"{topic.name}-{partition.partition_index}"): ErrorCode.of(
            partition.error_code
        )
        for each in answer.markers
        for topic in each.topics
        for partition in topic.partitions
    }


async def write(broker: Broker, *markers: WritableTxnMarker, version: int = 1) -> Errors:
    request = WriteTxnMarkersRequest(markers=list(markers))
    return errors_of(await call(broker, request, version))


async def in_transaction(
    broker: Broker,
    partition: str = "t-0",
    isr: tuple[int, ...] = (1,),
    records: Sequence[Record] = (Record(b"k", b"v"),),
) -> Partition:
    """A partition that is led here, with records of producer 7's transaction."""
    await lead(broker, partition, isr)
    replica = broker.replicas.partitions[tp(partition)]
    batch = memoryview(
        build_batch(
            records, producer_id=7, producer_epoch=0, base_sequence=0, is_transactional=True
        )
    )
    guard = replica.log.begin_verification(7, 0, 0)
    replica.append_as_leader(batch, 1, trio.current_time(), guard=guard)
    return replica


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("commit", [True, False])
async def test_it_ends_the_transaction(
    tmp_path: Path, autojump_clock: MockClock, version: int, commit: bool
) -> None:
    async with open_broker(tmp_path) as broker:
        partition = await in_transaction(broker)
        assert partition.last_stable_offset == 0
        errors = await write(broker, marker("t-0", commit=commit), version=version)
        assert errors == {(7, "t-0"): ErrorCode.NONE}
        assert partition.last_stable_offset == 2
        [transaction] = transactions_of(read_batches(partition.log))
        assert (transaction.last_offset, transaction.commit) == (1, commit)
        [entry] = partition.log.producers.entries()
        assert entry.last_timestamp_ms == broker.clock_ms()


async def test_it_is_answered_when_it_is_replicated(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with open_broker(tmp_path, request_timeout_ms="3000") as broker:
        partition = await in_transaction(broker, isr=(1, 2))
        request = WriteTxnMarkersRequest(markers=[marker("t-0")])
        later = await call(broker, request, 1, wait=False)
        assert isinstance(later, Later)
        assert partition.log.log_end_offset == 2, "before the next request is looked at"
        partition.follower_fetched(2, 2, 0, trio.current_time(), -1)
        answer = await later.wait()
        assert isinstance(answer, WriteTxnMarkersResponse)
        assert errors_of(answer) == {(7, "t-0"): ErrorCode.NONE}
        late = await write(broker, marker("t-0"))
        assert late == {(7, "t-0"): ErrorCode.REQUEST_TIMED_OUT}
        assert 1.5 <= trio.current_time() < 2, "before who sent it gives it up"


async def test_partitions_are_refused_one_by_one(tmp_path: Path) -> None:
    async with open_broker(tmp_path, min_insync_replicas="2") as broker:
        await know(broker, partitions=[("elsewhere-0", 2, (2, 3))])
        await lead(broker, "here-0", (1, 2))
        await lead(broker, "alone-0", (1,), (1, 2))
        await lead(broker, "followed-0", (1, 2), leader=2)
        names = ("alone-0", "followed-0", "elsewhere-0", "nowhere-0", "nowhere-1")
        assert await write(broker, marker(*names), marker("alone-0", producer_id=8)) == {
            (7, "alone-0"): ErrorCode.NOT_ENOUGH_REPLICAS,
            (7, "followed-0"): ErrorCode.NOT_LEADER_OR_FOLLOWER,
            (7, "elsewhere-0"): ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
            (7, "nowhere-0"): ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
            (7, "nowhere-1"): ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
            (8, "alone-0"): ErrorCode.NOT_ENOUGH_REPLICAS,
        }


async def test_who_is_fenced(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        partition = await in_transaction(broker)
        await write(broker, marker("t-0", epoch=1, coordinator_epoch=5))
        fenced = await write(broker, marker("t-0", epoch=1, coordinator_epoch=4))
        assert fenced == {(7, "t-0"): ErrorCode.TRANSACTION_COORDINATOR_FENCED}
        older = await write(broker, marker("t-0", epoch=0, coordinator_epoch=5))
        assert older == {(7, "t-0"): ErrorCode.INVALID_PRODUCER_EPOCH}
        assert partition.log.log_end_offset == 2
        assert await write(broker, marker("t-0", epoch=1, coordinator_epoch=5)) == {
            (7, "t-0"): ErrorCode.NONE
        }, "sent again, it ends nothing, and is taken"


async def test_a_refused_marker_holds_up_no_producer(tmp_path: Path) -> None:
    """What is remembered of refused batches is about their sequences; a marker has none."""
    async with open_broker(tmp_path, min_insync_replicas="2") as broker:
        await lead(broker, "t-0", (1,), (1, 2))
        partition = broker.replicas.partitions[tp("t-0")]
        assert await write(broker, marker("t-0")) == {(7, "t-0"): ErrorCode.NOT_ENOUGH_REPLICAS}
        batch = memoryview(make_batch(producer=(7, 0, 4)))
        broker.replicas.refusals.check_newcomer(
            tp("t-0"), batch, partition.log.producers.ids, trio.current_time()
        )


async def test_a_marker_of_no_producer_fails_all(tmp_path: Path) -> None:
    """But what came before it is written; and where there is no log, there is nothing to refuse."""
    failed = ErrorCode.UNKNOWN_SERVER_ERROR
    async with open_broker(tmp_path) as broker:
        partition = await in_transaction(broker)
        for nobody in (marker("t-0", producer_id=-1), marker("t-0", producer_id=9, epoch=-1)):
            errors = await write(broker, marker("t-0"), nobody)
            assert errors == {(7, "t-0"): failed, (nobody.producer_id, "t-0"): failed}
        assert partition.log.log_end_offset == 3
        unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        assert await write(broker, marker("u-0", producer_id=-1)) == {(-1, "u-0"): unknown}


async def test_a_partition_that_is_named_twice_gets_one_marker(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        partition = await in_transaction(broker)
        assert await write(broker, marker("t-0", "t-0")) == {(7, "t-0"): ErrorCode.NONE}
        assert partition.log.log_end_offset == 2


async def test_a_producers_markers_are_answered_together(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0")
        await lead(broker, "t-1")
        request = WriteTxnMarkersRequest(markers=[marker("t-0"), marker("t-1"), marker()])
        answer = await call(broker, request, 1)
        [of_producer] = answer.markers
        assert [p.partition_index for p in of_producer.topics[0].partitions] == [0, 1]
        assert (await call(broker, WriteTxnMarkersRequest(), 1)).markers == []
        nothing = WriteTxnMarkersRequest(markers=[marker(producer_id=9)])
        assert (await call(broker, nothing, 1)).markers == []


async def test_offsets_are_committed_whoever_hears_of_it(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """The sender's connection breaks; and another partition's marker is not replicated."""
    offsets_topic = f"{OFFSETS_TOPIC}-0"
    async with (
        open_broker(tmp_path, offsets_topic_num_partitions="1") as broker,
        trio.open_nursery() as nursery,
    ):
        await nursery.start(broker.groups.run)
        await make_coordinators_topic(broker, OFFSETS_TOPIC)
        await in_transaction(broker, isr=(1, 2))
        offsets = await in_transaction(broker, offsets_topic, isr=(1, 2), records=[COMMIT])
        # Led by another, and again: so the transaction is loaded, since the other one has it, too.
        await lead(broker, offsets_topic, (1, 2), leader=2, leader_epoch=1)
        await lead(broker, offsets_topic, (1, 2), leader_epoch=2)
        offsets.follower_fetched(2, 1, 0, trio.current_time(), -1)
        await wait_all_tasks_blocked()
        request = WriteTxnMarkersRequest(markers=[marker("t-0", offsets_topic)])
        await call(broker, request, 1, wait=False)
        await wait_all_tasks_blocked()

        async def committed() -> tuple[int, ErrorCode]:
            found = await broker.groups.fetch_offsets("g", [tp("t-0")], require_stable=True)
            return found[tp("t-0")].committed.offset, found[tp("t-0")].error

        assert await committed() == (-1, ErrorCode.UNSTABLE_OFFSET_COMMIT)
        offsets.follower_fetched(2, 2, 0, trio.current_time(), -1)
        await wait_all_tasks_blocked()
        assert await committed() == (5, ErrorCode.NONE)
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("allowed", [None, Operation.ALTER, Operation.CLUSTER_ACTION])
async def test_who_may(tmp_path: Path, allowed: Operation | None) -> None:
    async with open_broker(tmp_path) as broker:
        partition = await in_transaction(broker)
        answer = await call(
            broker,
            WriteTxnMarkersRequest(markers=[marker("t-0")]),
            1,
            authorizer=lambda _context, operation, _resource, _name: operation is allowed,
        )
        [code] = errors_of(answer).values()
        assert (code, partition.log.log_end_offset) == (
            (ErrorCode.CLUSTER_AUTHORIZATION_FAILED, 1) if allowed is None else (ErrorCode.NONE, 2)
        )
