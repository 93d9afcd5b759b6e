"""Behind a batch that was refused nothing is taken, or the producer draws wrong conclusions.

What a real Kafka does instead is shown in tests/interop/test_refused_batches.py.
"""

from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from broker.broker import Broker
from broker.replica.append import ALL, append
from broker.replica.refusals import MEMORY_S, MOST, Refusals
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.record_batch import build_batch
from broker.wire.records import Record
from tests.broker.support import lead, open_broker, tp

T0 = tp("t-0")
NOT_ENOUGH = ErrorCode.NOT_ENOUGH_REPLICAS


def numbered(sequence: int, producer_id: int = 9, producer_epoch: int = 0) -> memoryview:
    """A batch of one record from an idempotent producer."""
    return memoryview(
        build_batch(
            [Record(value=b"a")],
            producer_id=producer_id,
            producer_epoch=producer_epoch,
            base_sequence=sequence,
        )
    )


def sent(broker: Broker, *sequences: int, producer_epoch: int = 0) -> list[int | ErrorCode]:
    """What comes of batches with these sequences: their offset, or the error."""
    done = [
        append(broker.replicas, [(T0, numbered(each, producer_epoch=producer_epoch))], ALL)[0]
        for each in sequences
    ]
    return [entry.base_offset if entry.error is None else entry.error.code for entry in done]


def a_follower_joins(broker: Broker) -> None:
    broker.replicas.partitions[T0].isr_altered((1, 2), 1, trio.current_time())


async def test_out_of_order_behind_a_refused_batch_is_refused_for_the_same_reason(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """Out of order would tell the producer that something is lost."""
    async with open_broker(tmp_path, min_insync_replicas="2") as broker:
        await lead(broker, "t-0", (1, 2))
        assert sent(broker, 0) == [0]
        await lead(broker, "t-0", (1,), (1, 2), leader_epoch=1)
        assert sent(broker, 1) == [NOT_ENOUGH]
        a_follower_joins(broker)
        assert sent(broker, 2) == [NOT_ENOUGH]
        assert sent(broker, 1, 2) == [1, 2]
        await trio.sleep(MEMORY_S + 1)
        assert sent(broker, 7) == [ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER]


async def test_a_newcomer_goes_on_where_it_was_refused(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """librdkafka takes an answer to sequence 1 for one to 0, too: that record would be lost."""
    async with open_broker(tmp_path, min_insync_replicas="2") as broker:
        await lead(broker, "t-0", (1,), (1, 2))
        assert sent(broker, 0, 1) == [NOT_ENOUGH, NOT_ENOUGH]
        a_follower_joins(broker)
        assert sent(broker, 2) == [NOT_ENOUGH]
        assert sent(broker, 0, 1, 2) == [0, 1, 2]


async def test_a_newcomer_is_refused_by_who_does_not_know_yet_that_it_leads(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with open_broker(tmp_path) as broker:
        assert sent(broker, 0) == [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]
        await lead(broker, "t-0", leader=2, replicas=(1, 2))
        assert sent(broker, 0) == [ErrorCode.NOT_LEADER_OR_FOLLOWER]
        await lead(broker, "t-0", leader_epoch=1)
        assert sent(broker, 1) == [ErrorCode.NOT_LEADER_OR_FOLLOWER]
        assert sent(broker, 0, 1) == [0, 1]


async def test_a_newcomer_may_begin_anywhere_if_it_does_not_come_back_to_what_was_refused(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """KIP-360; also a new epoch is a new start, and refusing for this reason isn't remembered."""
    async with open_broker(tmp_path) as broker:
        assert sent(broker, 3) == [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]
        await lead(broker, "t-0")
        for _ in range(int(MEMORY_S)):
            assert sent(broker, 4) == [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]
            await trio.sleep(1)
        await trio.sleep(1)
        assert sent(broker, 4) == [0]
    async with open_broker(tmp_path, broker_id=2) as broker:
        assert sent(broker, 3) == [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]
        await lead(broker, "t-0", (2,))
        assert sent(broker, 0, producer_epoch=1) == [0]


@pytest.mark.long
def test_no_more_is_remembered_than_there_is_room_for() -> None:
    refusals = Refusals()
    refusal = KafkaError(NOT_ENOUGH, "for a while")
    for producer_id in range(MOST + 1):
        refusals.remember(T0, numbered(0, producer_id), refusal, 0.0)
    refusals.check_newcomer(T0, numbered(1, 0), {}, 0.0)
    for producer_id in (1, MOST):
        with pytest.raises(KafkaError):
            refusals.check_newcomer(T0, numbered(1, producer_id), {}, 0.0)
