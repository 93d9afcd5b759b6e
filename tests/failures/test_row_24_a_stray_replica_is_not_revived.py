"""Row 24: a replica of a deleted topic is revived as one of the topic made anew.

A broker is down while a topic is deleted and made again. When it's back it finds the old topic's
directory under the new topic's name, and would serve the old records as the new topic's
(KAFKA-14616 is KRaft's twin). `partition.metadata` tells the two apart by the topic's id (KIP-516).

Kafka refuses such a replica with INCONSISTENT_TOPIC_ID, and it never comes back by itself. Here the
old directory is set aside (`-stray`: kept, not used) and the replica begins anew, if nobody counts
on what it has; see `broker.replica.control`. Deletion waits for a dead replica, so the story takes
the way that brings people there: they remove the topic's znodes by hand.
"""

from pathlib import Path

import pytest

from broker.log.log_config import LogConfig
from broker.replica.roles import Following
from broker.wire.errors import ErrorCode
from coordination.values import TopicPartition
from coordination.znodes import paths
from tests.broker.replica.support import batch, values
from tests.broker.replica.test_control import partition_error
from tests.broker.support import lead, open_broker, topic_id, tp
from tests.simulation.stage import Stage, play

T0 = TopicPartition("t", 0)


@pytest.mark.long
def test_down_while_the_topic_is_deleted_and_made_anew(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        ensemble = stage.ensemble
        await stage.three_brokers()
        await stage.client.produce(T0, "old-1", "old-2", "old-3")
        await stage.checker.settled()
        await ensemble.crash(3)
        await stage.client.delete_topic("t")
        await ensemble.until(lambda: all(T0 not in b.logs.logs for b in ensemble.brokers()), "gone")
        await remove_by_hand(stage, paths.topic("t"), f"{paths.DELETE_TOPICS}/t")
        await ensemble.crash(1)  # the controller, whose memory has the old topic
        await ensemble.start(1)
        await stage.client.create_topic("t", {0: (2, 1, 3)})
        await stage.client.produce(T0, "new", timeout_s=60)
        await ensemble.start(3)
        await stage.checker.settled()
        for broker in ensemble.brokers():
            assert values(broker.replicas.partitions[T0]) == ["new"]
        [event] = [e for e in ensemble.events() if e.kind == "partition.set_aside"]
        assert event.broker == 3
        [stray] = (tmp_path / "broker-3").glob("t-0.*-stray")
        assert event.facts["directory"] == str(stray)
        assert b"old-2" in (stray / "00000000000000000000.log").read_bytes()

    play(story, tmp_path)


async def remove_by_hand(stage: Stage, *roots: str) -> None:
    session = await stage.ensemble.store.open_session()

    async def remove(path: str) -> None:
        for child in await session.children(path):
            await remove(f"{path}/{child}")
        await session.delete(path)

    for root in roots:
        if await session.exists(root):
            await remove(root)
    await session.aclose()


async def old_log(tmp_path: Path) -> None:
    """What a former life left: a log of topic t, which had another id."""
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0", id_of_topic=topic_id("old"))
        broker.replicas.partitions[tp("t-0")].append_as_leader(batch("old"), 1, 0.0)


async def test_the_old_log_is_set_aside_where_nobody_counts_on_it(tmp_path: Path) -> None:
    await old_log(tmp_path)
    async with open_broker(tmp_path) as broker:
        answer = await lead(broker, "t-0", isr=(2,), replicas=(1, 2), leader=2, leader_epoch=3)
        assert partition_error(answer) is ErrorCode.NONE
        partition = broker.replicas.partitions[tp("t-0")]
        assert partition.role == Following(epoch=3, leader=2)
        assert (partition.topic_id, values(partition)) == (topic_id("t"), [])
    async with open_broker(tmp_path) as broker:  # and it doesn't come back
        assert set(broker.logs.logs) == {tp("t-0")}
        assert broker.logs.logs[tp("t-0")].topic_id == topic_id("t")


async def test_a_member_of_the_isr_keeps_what_may_be_the_only_copy(tmp_path: Path) -> None:
    """As Kafka: the id in ZooKeeper may be the wrong one (KAFKA-14190), and somebody must look."""
    await old_log(tmp_path)
    async with open_broker(tmp_path) as broker:
        for leader in (1, 2):
            answer = await lead(broker, "t-0", isr=(1, 2), leader=leader, leader_epoch=3)
            assert partition_error(answer) is ErrorCode.INCONSISTENT_TOPIC_ID
        assert tp("t-0") not in broker.replicas.partitions
        assert broker.logs.logs[tp("t-0")].log_end_offset == 1


async def test_a_log_without_an_id_is_adopted(tmp_path: Path) -> None:
    """One from before topic ids: there is nothing that could contradict."""
    async with open_broker(tmp_path) as broker:
        await broker.logs.get_or_create(tp("t-0"), None, LogConfig())
        answer = await lead(broker, "t-0", isr=(2,), replicas=(1, 2), leader=2)
        assert partition_error(answer) is ErrorCode.NONE
        assert broker.logs.logs[tp("t-0")].topic_id == topic_id("t")
