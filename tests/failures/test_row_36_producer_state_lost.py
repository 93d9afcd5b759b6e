"""Row 36: a producer's records are deleted, its state is lost with them, and its next batch is out
of order: UNKNOWN_PRODUCER_ID.

Source: KIP-360 (https://cwiki.apache.org/confluence/pages/viewpage.action?pageId=89069337).

Provoked by DeleteRecords past the last batch of an idempotent producer. What is known of it isn't
deleted along: neither in memory nor, other than in Kafka, by a restart. Where a leader really knows
nothing of it, because it got its log from a leader that had deleted the records, the producer goes
on with any sequence, as its next one or in a new epoch from 0 on; from then on duplicates are
recognised again. Nobody is ever answered UNKNOWN_PRODUCER_ID.
"""

from pathlib import Path

from trio.testing import MockClock

from broker.broker import Broker
from broker.wire.errors import ErrorCode
from broker.wire.messages.delete_records import (
    DeleteRecordsPartition,
    DeleteRecordsRequest,
    DeleteRecordsTopic,
)
from broker.wire.messages.produce import (
    PartitionProduceData,
    ProduceRequest,
    TopicProduceData,
)
from tests.broker.log.logs import make_batch, values
from tests.broker.support import call, lead, open_broker, tp


async def produce(broker: Broker, sequence: int, epoch: int = 0) -> int | ErrorCode:
    """Producer 7 sends one record, named by epoch and sequence; its offset."""
    batch = make_batch(f"{epoch}/{sequence}", producer=(7, epoch, sequence))
    request = ProduceRequest(
        acks=1,
        topic_data=[
            TopicProduceData(
                name="t",
                partition_data=[PartitionProduceData(index=0, records=memoryview(batch))],
            )
        ],
    )
    [answer] = (await call(broker, request, 10)).responses[0].partition_responses
    return ErrorCode(answer.error_code) if answer.error_code else int(answer.base_offset)


async def delete_all(broker: Broker) -> None:
    request = DeleteRecordsRequest(
        timeout_ms=1000,
        topics=[DeleteRecordsTopic(name="t", partitions=[DeleteRecordsPartition(offset=-1)])],
    )
    [result] = (await call(broker, request, 2)).topics[0].partitions
    assert result.error_code == ErrorCode.NONE
    broker.replicas.partitions[tp("t-0")].log.delete_old_segments()


async def test_what_is_known_of_a_producer_outlives_its_records(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0")
        assert [await produce(broker, sequence) for sequence in range(3)] == [0, 1, 2]
        await delete_all(broker)
        assert await produce(broker, 2) == 2, "sent again"
        assert await produce(broker, 4) is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
        assert broker.replicas.partitions[tp("t-0")].log.log_end_offset == 3
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0", leader_epoch=1)
        assert await produce(broker, 2) == 2
        assert await produce(broker, 3) == 3
        assert values(broker.replicas.partitions[tp("t-0")].log) == ["0/3"]


async def test_a_leader_that_never_knew_it_lets_it_go_on(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0", (1, 2), leader=2)
        log = broker.replicas.partitions[tp("t-0")].log
        log.truncate_fully_and_start_at(3)  # where the leader's log starts
        await lead(broker, "t-0", (1,), (1, 2), leader_epoch=1)
        assert await produce(broker, 3) == 3
        assert await produce(broker, 3) == 3, "sent again"
        assert await produce(broker, 5) is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
        assert values(log) == ["0/3"]


async def test_a_new_epoch_begins_anew_and_ends_the_old_one(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0")
        assert [await produce(broker, sequence) for sequence in range(3)] == [0, 1, 2]
        await delete_all(broker)
        assert await produce(broker, 0, epoch=1) == 3
        assert await produce(broker, 0, epoch=1) == 3, "sent again"
        assert await produce(broker, 3) is ErrorCode.INVALID_PRODUCER_EPOCH
        assert values(broker.replicas.partitions[tp("t-0")].log) == ["1/0"]
