"""Reading committed records only: how far, which transactions to leave out, and who wakes up."""

from pathlib import Path

import attrs
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from broker.broker import Broker
from broker.log.values import Origin
from broker.replica.partition import Partition
from broker.wire.control_records import build_marker
from broker.wire.errors import ErrorCode
from broker.wire.messages.fetch import (
    AbortedTransaction,
    FetchPartition,
    FetchRequest,
    FetchTopic,
    PartitionData,
)
from broker.wire.messages.list_offsets import (
    ListOffsetsPartition,
    ListOffsetsPartitionResponse,
    ListOffsetsRequest,
    ListOffsetsTopic,
)
from broker.wire.record_batch import RecordBatch, batches
from tests.broker.log.logs import START_MS, make_batch
from tests.broker.support import call, lead, open_broker, topic_id, tp

READ_COMMITTED = 1
WHOLE = FetchRequest(
    min_bytes=1,
    max_bytes=1 << 20,
    isolation_level=READ_COMMITTED,
    session_epoch=-1,
    topics=[
        FetchTopic(
            topic="t",
            topic_id=topic_id("t"),
            partitions=[FetchPartition(partition=0, partition_max_bytes=1 << 20)],
        )
    ],
)


async def fetch(broker: Broker, offset: int = 0, **more: object) -> PartitionData:
    """By default of committed records, without waiting."""
    topic = WHOLE.topics[0]
    asked = attrs.evolve(topic.partitions[0], fetch_offset=offset)
    request = attrs.evolve(
        WHOLE,
        topics=[attrs.evolve(topic, partitions=[asked])],
        **more,  # type: ignore[arg-type]
    )
    answer = await call(broker, request, 12)
    data = answer.responses[0].partitions[0]
    assert isinstance(data, PartitionData)
    assert data.error_code == ErrorCode.NONE
    return data


def read(data: PartitionData) -> list[RecordBatch]:
    assert isinstance(data.records, list)
    return list(batches(b"".join(region.read() for region in data.records)))


def end_offset(data: PartitionData) -> int:
    found = read(data)
    return found[-1].end_offset if found else 0


async def led(broker: Broker, isr: tuple[int, ...] = (1,)) -> Partition:
    await lead(broker, "t-0", isr)
    return broker.replicas.partitions[tp("t-0")]


def write(partition: Partition, producer_id: int, timestamp_ms: int = START_MS) -> None:
    last = {e.producer_id: e.last_sequence for e in partition.log.producers.entries()}
    sequence = last.get(producer_id, -1) + 1
    batch = make_batch(
        producer=(producer_id, 0, sequence),
        transactional=True,
        timestamp_ms=timestamp_ms,
    )
    guard = partition.log.begin_verification(producer_id, 0, sequence)
    partition.append_as_leader(memoryview(batch), 1, trio.current_time(), guard=guard)


def end(partition: Partition, producer_id: int, *, commit: bool) -> None:
    marker = build_marker(producer_id, 0, commit=commit, coordinator_epoch=0, timestamp_ms=START_MS)
    partition.append_as_leader(memoryview(marker), 1, trio.current_time(), Origin.COORDINATOR)


async def test_up_to_the_first_open_transaction(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        partition = await led(broker)
        partition.append_as_leader(memoryview(make_batch("a")), 1, trio.current_time())
        write(partition, 7)
        partition.append_as_leader(memoryview(make_batch("b")), 1, trio.current_time())
        data = await fetch(broker)
        assert (data.last_stable_offset, data.high_watermark) == (1, 3)
        assert (end_offset(data), data.aborted_transactions) == (1, [])
        at_the_end = await fetch(broker, offset=1)
        assert (at_the_end.records, at_the_end.aborted_transactions) == ([], [])
        end(partition, 7, commit=True)
        data = await fetch(broker)
        assert (data.last_stable_offset, end_offset(data)) == (4, 4)
        assert data.aborted_transactions == []


async def test_what_was_aborted_comes_along_and_is_named(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        partition = await led(broker)
        write(partition, 7)
        write(partition, 8)
        end(partition, 7, commit=False)
        end(partition, 8, commit=True)
        write(partition, 7)
        end(partition, 7, commit=False)
        data = await fetch(broker)
        assert end_offset(data) == 6
        assert data.aborted_transactions == [
            AbortedTransaction(producer_id=7, first_offset=0),
            AbortedTransaction(producer_id=7, first_offset=4),
        ]
        data = await fetch(broker, offset=3)
        assert data.aborted_transactions == [AbortedTransaction(producer_id=7, first_offset=4)]


async def test_others_read_everything_and_hear_of_no_aborted_ones(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        partition = await led(broker, (1, 2))
        write(partition, 7)
        end(partition, 7, commit=False)
        write(partition, 7)
        partition.follower_fetched(2, 3, 0, trio.current_time(), -1)
        uncommitted = await fetch(broker, isolation_level=0)
        assert (end_offset(uncommitted), uncommitted.aborted_transactions) == (3, None)
        assert uncommitted.last_stable_offset == 2
        follower = await fetch(broker, replica_id=2)
        assert (end_offset(follower), follower.aborted_transactions) == (3, None)


async def test_a_fetch_that_waits_hears_of_the_transactions_end(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """It wakes when the marker is replicated: that moves the last stable offset."""
    async with open_broker(tmp_path) as broker:
        partition = await led(broker, (1, 2))
        write(partition, 7)
        partition.follower_fetched(2, 1, 0, trio.current_time(), -1)
        answers: list[PartitionData] = []

        async def ask() -> None:
            answers.append(await fetch(broker, max_wait_ms=60_000))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            await wait_all_tasks_blocked()
            end(partition, 7, commit=True)
            await wait_all_tasks_blocked()
            assert not answers
            partition.follower_fetched(2, 2, 0, trio.current_time(), -1)
        assert trio.current_time() < 60
        assert [end_offset(answer) for answer in answers] == [2]


async def list_offset(
    broker: Broker, timestamp: int, isolation_level: int = READ_COMMITTED, replica_id: int = -1
) -> ListOffsetsPartitionResponse:
    request = ListOffsetsRequest(
        replica_id=replica_id,
        isolation_level=isolation_level,
        topics=[
            ListOffsetsTopic(
                name="t", partitions=[ListOffsetsPartition(partition_index=0, timestamp=timestamp)]
            )
        ],
    )
    answer = (await call(broker, request, 8)).topics[0].partitions[0]
    assert isinstance(answer, ListOffsetsPartitionResponse)
    return answer


async def test_offsets_are_listed_as_far_as_one_may_read(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        partition = await led(broker)
        first = memoryview(make_batch("a", timestamp_ms=START_MS))
        partition.append_as_leader(first, 1, trio.current_time())
        write(partition, 7, START_MS + 10)
        assert (await list_offset(broker, -1)).offset == 1
        assert (await list_offset(broker, -1, isolation_level=0)).offset == 2
        assert (await list_offset(broker, -1, replica_id=2)).offset == 2
        assert (await list_offset(broker, -2)).offset == 0
        assert (await list_offset(broker, START_MS)).offset == 0
        for undecided in (START_MS + 5, -3):
            hidden = await list_offset(broker, undecided)
            assert (hidden.offset, hidden.timestamp) == (-1, -1)
            assert (await list_offset(broker, undecided, isolation_level=0)).offset == 1
        end(partition, 7, commit=False)
        assert (await list_offset(broker, -1)).offset == 3
        assert (await list_offset(broker, -3)).offset == 1
