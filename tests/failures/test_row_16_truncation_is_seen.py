"""Row 16, the broker's half: a consumer misses that the log was truncated.

Broker 2 has one record of the first leader's three when it is elected uncleanly; it goes on at the
same offsets with others. A consumer that has read all three and asks for what comes next would be
given records from the middle of another history, or wait for ever. Source: KIP-320. Each of the
ways in which a client may ask must tell it: its old leader epoch is fenced; with the new one, the
epoch of the last record that it read shows where the two histories part, in the fetch (KIP-595) and
in OffsetForLeaderEpoch. Provoked at a broker's handlers, for a reader in a fetch session too.
"""

from pathlib import Path

import pytest

from broker.broker import Broker
from broker.wire.errors import ErrorCode
from broker.wire.messages import fetch as fe
from broker.wire.messages import offset_for_leader_epoch as ol
from tests.broker.replica.support import batch
from tests.broker.support import call, lead, open_broker, topic_id, tp

READ_UP_TO = 3


async def led_uncleanly(broker: Broker) -> None:
    """Epoch 0 has one record here; since then this broker leads at epoch 2, with three more."""
    await lead(broker, "t-0", (1,), (1, 2))
    partition = broker.replicas.partitions[tp("t-0")]
    partition.append_as_leader(batch("common"), 1, 0.0)
    await lead(broker, "t-0", (1,), (1, 2), leader_epoch=2)
    for value in ("other-1", "other-2", "other-3"):
        partition.append_as_leader(batch(value), 1, 0.0)


async def fetched(
    broker: Broker, session_id: int = 0, epoch: int = -1, **more: int
) -> fe.PartitionData:
    asked = fe.FetchPartition(
        partition=0, fetch_offset=READ_UP_TO, partition_max_bytes=1 << 20, **more
    )
    request = fe.FetchRequest(
        session_id=session_id,
        session_epoch=epoch,
        topics=[fe.FetchTopic(topic_id=topic_id("t"), partitions=[asked])],
    )
    answer = await call(broker, request, 17)
    assert isinstance(answer, fe.FetchResponse)
    [data] = answer.responses[0].partitions
    return data


async def test_the_epoch_that_it_read_in_is_fenced(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await led_uncleanly(broker)
        data = await fetched(broker, current_leader_epoch=0)
        assert (data.error_code, data.records) == (ErrorCode.FENCED_LEADER_EPOCH, [])


@pytest.mark.parametrize("session_epoch", [-1, 0])
async def test_a_fetch_tells_where_the_histories_part(tmp_path: Path, session_epoch: int) -> None:
    async with open_broker(tmp_path) as broker:
        await led_uncleanly(broker)
        data = await fetched(
            broker, epoch=session_epoch, current_leader_epoch=2, last_fetched_epoch=0
        )
        assert (data.error_code, data.records) == (ErrorCode.NONE, [])
        assert data.diverging_epoch == fe.EpochEndOffset(epoch=0, end_offset=1)


async def test_a_session_that_waits_is_told_when_the_election_comes(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0", (1, 2), leader=2)
        partition = broker.replicas.partitions[tp("t-0")]
        partition.log.append_as_follower(batch("common", "lost-1", "lost-2"))
        partition.follow_high_watermark(READ_UP_TO)
        asked = fe.FetchPartition(
            partition=0,
            fetch_offset=READ_UP_TO,
            current_leader_epoch=0,
            last_fetched_epoch=0,
            partition_max_bytes=1 << 20,
        )
        topic = fe.FetchTopic(topic_id=topic_id("t"), partitions=[asked])
        opened = await call(broker, fe.FetchRequest(session_epoch=0, topics=[topic]), 17)
        # It follows the one that was elected uncleanly, and cuts its log to that one's.
        await lead(broker, "t-0", (2,), (1, 2), leader=2, leader_epoch=2)
        partition.log.truncate_to(1)
        partition.moved.happened()
        goes_on = fe.FetchRequest(session_id=opened.session_id, session_epoch=1)
        [data] = (await call(broker, goes_on, 17)).responses[0].partitions
        assert data.error_code == ErrorCode.FENCED_LEADER_EPOCH


async def test_the_end_of_its_epoch_lies_before_what_it_read(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await led_uncleanly(broker)
        asked = ol.OffsetForLeaderPartition(partition=0, current_leader_epoch=2, leader_epoch=0)
        request = ol.OffsetForLeaderEpochRequest(
            replica_id=-1, topics=[ol.OffsetForLeaderTopic(topic="t", partitions=[asked])]
        )
        [found] = (await call(broker, request, 4)).topics[0].partitions
        assert (found.leader_epoch, found.end_offset) == (0, 1)
        assert found.end_offset < READ_UP_TO
