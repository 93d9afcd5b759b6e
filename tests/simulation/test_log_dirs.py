"""Stories of log directories that fail, in the whole ensemble: who leads then, and what is kept.

Each broker has two directories, and disks that can break (see SimulatedDisk).
"""

from pathlib import Path

import pytest
import trio

from broker.wire.errors import ErrorCode
from coordination.values import TopicPartition
from coordination.znodes import decode_partition_state, paths
from tests.simulation.stage import Stage, play

T0, T1 = TopicPartition("t", 0), TopicPartition("t", 1)


async def two_partitions(stage: Stage, **configs: str) -> None:
    """t-0 and t-1, led by broker 1, which has them in different directories; 3 is controller."""
    await stage.ensemble.start(3)
    await stage.ensemble.start(1, 2)
    await stage.client.create_topic("t", {0: (1, 2, 3), 1: (1, 2, 3)}, **configs)
    await stage.checker.settled()


def disk_of(stage: Stage, broker_id: int, partition: TopicPartition) -> int:
    directory = stage.ensemble.broker(broker_id).replicas.partitions[partition].log.directory
    return stage.ensemble.log_dirs(broker_id).index(directory.parent)


def isr(stage: Stage, partition: TopicPartition) -> set[int]:
    node = stage.ensemble.store.tree.node(paths.partition_state(partition))
    return set(decode_partition_state(partition, node).isr)


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_leaders_directory_fails_and_another_broker_leads(tmp_path: Path, seed: int) -> None:
    """Producers see a retriable error, and lose nothing; the other directory goes on."""

    async def story(stage: Stage) -> None:
        ensemble = stage.ensemble
        await two_partitions(stage, min_insync_replicas="2")
        producer = await stage.client.producer()
        for number in range(5):
            await producer.send(T0, f"before-{number}")
        broken = disk_of(stage, 1, T0)
        ensemble.break_directory(1, broken)
        began_s = trio.current_time()
        await producer.send(T0, "after")
        assert trio.current_time() - began_s < 2, "no session had to end"
        assert await stage.client.leader(T0) in (2, 3)
        assert await stage.client.leader(T1) == 1
        assert (await stage.client.produce(T1, "goes on")).error is ErrorCode.NONE
        assert isr(stage, T0) == {2, 3}
        assert isr(stage, T1) == {1, 2, 3}
        metadata = await stage.client.metadata(at=2)
        [topic] = metadata.topics
        offline = {p.partition_index: p.offline_replicas for p in topic.partitions}
        assert offline == {0: [1], 1: []}
        # With a new disk it's a follower again, with all that it had.
        await ensemble.stop(1)
        ensemble.mend_disks(1)
        await ensemble.start(1)
        await stage.checker.settled()
        assert len((await stage.client.fetch(T0)).values) == 6

    play(story, tmp_path, seed, power_may_fail=True, directories=2)


@pytest.mark.long
def test_a_followers_directory_fails_and_only_it_leaves_the_isr(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        ensemble = stage.ensemble
        await two_partitions(stage, min_insync_replicas="2")
        ensemble.break_directory(2, disk_of(stage, 2, T0))
        produced = await stage.client.produce(T0, "a", timeout_s=30)
        assert produced.error is ErrorCode.NONE
        await ensemble.until(lambda: isr(stage, T0) == {1, 3}, "2 left the ISR")
        await trio.sleep(30)
        assert isr(stage, T0) == {1, 3}
        assert isr(stage, T1) == {1, 2, 3}

    play(story, tmp_path, power_may_fail=True, directories=2)


def test_a_broker_starts_without_one_of_its_directories(tmp_path: Path) -> None:
    """What was there is offline, and not made anew elsewhere; the rest it follows as before."""

    async def story(stage: Stage) -> None:
        ensemble = stage.ensemble
        await two_partitions(stage)
        number = disk_of(stage, 1, T0)
        await ensemble.stop(1)
        gone = ensemble.log_dirs(1)[number]
        moved = gone.rename(gone.with_name("moved"))
        gone.write_text("not a directory")
        await ensemble.start(1)
        await ensemble.until(lambda: isr(stage, T1) == {1, 2, 3}, "t-1 is followed")
        assert isr(stage, T0) == {2, 3}
        assert ensemble.broker(1).replicas.offline == {T0}
        other = ensemble.log_dirs(1)[1 - number]
        assert sorted(path.name for path in other.glob("t-*")) == ["t-1"]
        await ensemble.stop(1)
        gone.unlink()
        moved.rename(gone)
        await ensemble.start(1)
        await stage.checker.settled()

    play(story, tmp_path, power_may_fail=True, directories=2)
