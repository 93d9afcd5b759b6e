"""DescribeProducers: what a log knows of who writes to it."""

from pathlib import Path

import trio

from broker.broker import Broker
from broker.log.values import Origin
from broker.wire.control_records import build_marker
from broker.wire.errors import ErrorCode
from broker.wire.messages.describe_producers import (
    DescribeProducersRequest,
    PartitionResponse,
    ProducerState,
    TopicRequest,
)
from tests.broker.log.logs import START_MS, make_batch
from tests.broker.support import call, know, lead, open_broker, tp


async def describe(
    broker: Broker, topic: str = "t", partition: int = 0, **more: object
) -> PartitionResponse:
    request = DescribeProducersRequest(
        topics=[TopicRequest(name=topic, partition_indexes=[partition])]
    )
    answer = await call(broker, request, 0, **more)  # type: ignore[arg-type]
    [response] = answer.topics[0].partitions
    assert isinstance(response, PartitionResponse)
    assert (answer.topics[0].name, response.partition_index) == (topic, partition)
    return response


async def test_idempotent_and_transactional_ones(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await know(broker, partitions=[("t-0", 1, (1,))])
        await lead(broker, "t-0")
        assert (await describe(broker)).active_producers == []
        partition = broker.replicas.partitions[tp("t-0")]
        partition.append_as_leader(
            memoryview(make_batch("a", "b", producer=(5, 2, 10))), 1, trio.current_time()
        )
        guard = partition.log.begin_verification(6, 0, 0)
        transactional = memoryview(
            make_batch(producer=(6, 0, 0), transactional=True, timestamp_ms=START_MS + 9)
        )
        partition.append_as_leader(transactional, 1, trio.current_time(), guard=guard)
        marker = memoryview(
            build_marker(6, 0, commit=True, coordinator_epoch=3, timestamp_ms=START_MS + 50)
        )
        idempotent = ProducerState(
            producer_id=5,
            producer_epoch=2,
            last_sequence=11,
            last_timestamp=START_MS + 1,
            coordinator_epoch=-1,
            current_txn_start_offset=-1,
        )
        assert (await describe(broker)).active_producers == [
            idempotent,
            ProducerState(
                producer_id=6,
                producer_epoch=0,
                last_sequence=0,
                last_timestamp=START_MS + 9,
                coordinator_epoch=-1,
                current_txn_start_offset=2,
            ),
        ]
        partition.append_as_leader(marker, 1, trio.current_time(), Origin.COORDINATOR)
        assert (await describe(broker)).active_producers == [
            idempotent,
            ProducerState(
                producer_id=6,
                producer_epoch=0,
                last_sequence=0,
                last_timestamp=START_MS + 50,
                coordinator_epoch=3,
                current_txn_start_offset=-1,
            ),
        ]


async def test_a_follower_says_what_it_has(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await know(broker, partitions=[("t-0", 2, (1, 2))])
        await lead(broker, "t-0", (1, 2), leader=2)
        assert (await describe(broker)).error_code == ErrorCode.NONE


async def test_refusals(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await know(broker, partitions=[("t-0", 1, (1,)), ("t-1", 2, (2,))])
        await lead(broker, "t-0")
        elsewhere = await describe(broker, partition=1)
        assert elsewhere.error_code == ErrorCode.NOT_LEADER_OR_FOLLOWER
        missing = await describe(broker, partition=2)
        assert missing.error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        assert missing.error_message is None
        unknown = await describe(broker, topic="u")
        assert unknown.error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        assert unknown.error_message is not None
        wrong = await describe(broker, topic="a b")
        assert wrong.error_code == ErrorCode.INVALID_TOPIC_EXCEPTION
        denied = await describe(broker, authorizer=lambda *_: False)
        assert denied.error_code == ErrorCode.TOPIC_AUTHORIZATION_FAILED
