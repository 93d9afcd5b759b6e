"""TxnOffsetCommit and WriteTxnMarkers, through the handlers and into the log and back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from broker.broker import Broker
from broker.groups.offsets_log import OFFSETS_TOPIC
from broker.wire.errors import ErrorCode
from broker.wire.messages.offset_fetch import OffsetFetchRequest, OffsetFetchRequestGroup
from broker.wire.messages.txn_offset_commit import (
    TxnOffsetCommitRequest,
    TxnOffsetCommitRequestPartition,
    TxnOffsetCommitRequestTopic,
)
from broker.wire.messages.write_txn_markers import (
    WritableTxnMarker,
    WritableTxnMarkerTopic,
    WriteTxnMarkersRequest,
)
from tests.broker.support import call, know, lead, make_coordinators_topic, open_broker

OFFSETS = f"{OFFSETS_TOPIC}-0"


@asynccontextmanager
async def coordinating(directory: Path, **properties: str) -> AsyncIterator[Broker]:
    """A broker that leads t-0, and coordinates all groups."""
    properties["offsets_topic_num_partitions"] = "1"
    async with open_broker(directory, **properties) as broker, trio.open_nursery() as nursery:
        await nursery.start(broker.groups.run)
        await make_coordinators_topic(broker, OFFSETS_TOPIC)
        await know(broker, (1,), [("t-0", 1, (1,)), (OFFSETS, 1, (1,))])
        await lead(broker, "t-0")
        await lead(broker, OFFSETS)
        await wait_all_tasks_blocked()
        yield broker
        nursery.cancel_scope.cancel()


async def commit(broker: Broker, version: int = 3, topic: str = "t", **fields: Any) -> ErrorCode:
    partition = TxnOffsetCommitRequestPartition(committed_offset=5)
    defaults = {"transactional_id": "x", "group_id": "g", "producer_id": 7, "producer_epoch": 1}
    request = TxnOffsetCommitRequest(
        topics=[TxnOffsetCommitRequestTopic(name=topic, partitions=[partition])],
        **(defaults | fields),
    )
    answer = await call(broker, request, version)
    return ErrorCode(answer.topics[0].partitions[0].error_code)


async def fetched(broker: Broker) -> tuple[int, ErrorCode]:
    """Of t-0, if it is stable."""
    groups = [OffsetFetchRequestGroup(group_id="g", topics=None)]
    answer = await call(broker, OffsetFetchRequest(groups=groups, require_stable=True), 9)
    assert answer.groups[0].error_code == ErrorCode.NONE
    if not answer.groups[0].topics:
        return -1, ErrorCode.NONE
    [partition] = answer.groups[0].topics[0].partitions
    return partition.committed_offset, ErrorCode(partition.error_code)


async def end(broker: Broker, *, committed: bool, producer_epoch: int = 1) -> ErrorCode:
    marker = WritableTxnMarker(
        producer_id=7,
        producer_epoch=producer_epoch,
        transaction_result=committed,
        topics=[WritableTxnMarkerTopic(name=OFFSETS_TOPIC, partition_indexes=[0])],
    )
    answer = await call(broker, WriteTxnMarkersRequest(markers=[marker]), 1)
    return ErrorCode(answer.markers[0].topics[0].partitions[0].error_code)


async def test_a_marker_decides(tmp_path: Path, autojump_clock: MockClock) -> None:
    unverified = {"transaction_partition_verification_enable": "false"}
    async with coordinating(tmp_path, **unverified) as broker:
        assert await commit(broker) is ErrorCode.NONE
        assert await fetched(broker) == (-1, ErrorCode.NONE)
        assert await end(broker, committed=True) is ErrorCode.NONE
        assert await fetched(broker) == (5, ErrorCode.NONE)
        assert await commit(broker) is ErrorCode.NONE
        assert await fetched(broker) == (-1, ErrorCode.UNSTABLE_OFFSET_COMMIT)
        # Its transaction has ended, and so has that producer.
        assert await end(broker, committed=False, producer_epoch=2) is ErrorCode.NONE
        assert await fetched(broker) == (5, ErrorCode.NONE)
        assert await commit(broker) is ErrorCode.INVALID_PRODUCER_EPOCH
        assert await fetched(broker) == (5, ErrorCode.NONE)


async def test_a_new_life_of_the_coordinator_reads_the_markers(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    unverified = {"transaction_partition_verification_enable": "false"}
    async with coordinating(tmp_path, **unverified) as broker:
        await commit(broker)
        await end(broker, committed=True)
        await commit(broker)
        both = (1, 2)
        await lead(broker, OFFSETS, both, both, leader_epoch=1, leader=2, partition_epoch=1)
        await lead(broker, OFFSETS, (1,), both, leader_epoch=2, leader=1, partition_epoch=2)
        await trio.sleep(10)  # of a clock that jumps: it is loaded by then
        assert await fetched(broker) == (-1, ErrorCode.UNSTABLE_OFFSET_COMMIT)
        await end(broker, committed=False)
        assert await fetched(broker) == (5, ErrorCode.NONE)


@pytest.mark.parametrize(
    ("version", "answer"),
    [(4, ErrorCode.COORDINATOR_NOT_AVAILABLE), (0, ErrorCode.COORDINATOR_NOT_AVAILABLE)],
)
async def test_nobody_knows_of_the_transaction(
    tmp_path: Path, autojump_clock: MockClock, version: int, answer: ErrorCode
) -> None:
    async with coordinating(tmp_path) as broker:
        assert await commit(broker, version) is answer
        assert await fetched(broker) == (-1, ErrorCode.NONE)


async def test_old_producers_do_not_know_of_loading(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with (
        open_broker(tmp_path, offsets_topic_num_partitions="1") as broker,
        trio.open_nursery() as nursery,
    ):
        await nursery.start(broker.groups.run)
        await make_coordinators_topic(broker, OFFSETS_TOPIC)
        await know(broker, (1,), [("t-0", 1, (1,)), (OFFSETS, 1, (1,))])
        await lead(broker, OFFSETS)  # the loading has not had its turn yet
        assert await commit(broker, 2) is ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
        assert await commit(broker, 1) is ErrorCode.COORDINATOR_NOT_AVAILABLE
        nursery.cancel_scope.cancel()


async def test_partitions_that_do_not_exist(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with coordinating(tmp_path) as broker:
        assert await commit(broker, topic="none") is ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
