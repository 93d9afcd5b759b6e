"""Row 12: a StopReplica with the very leader epoch that the broker knows is ignored.

Seen in KAFKA-13972, with controllers of the ZooKeeper era only: a reassignment that is cancelled
before the new replica is in sync stops that replica without a new leader epoch. A broker that took
an equal epoch for an old one kept the replica and its files for ever. Provoked by a new replica
that is cut off its leader, and cannot catch up before the cancellation.
"""

from pathlib import Path

from coordination.values import PartitionAssignment, TopicPartition
from tests.simulation.reassigning import (
    assignment,
    reassign,
    replica_directories,
    under_way,
)
from tests.simulation.stage import Stage, play

T0 = TopicPartition("t", 0)


def test_a_cancelled_reassignment_leaves_no_replica(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        ensemble = stage.ensemble
        await ensemble.start(2)
        await ensemble.start(1, 3)
        await stage.topic((1, 2))
        await stage.client.produce(T0, "kept")
        ensemble.cut(1, 3)
        await reassign(stage.client, T0, (3,))
        await ensemble.until(lambda: T0 in ensemble.broker(3).replicas.partitions, "3 follows")
        assert await under_way(stage.client) == {T0: ([3], [1, 2])}
        added_at_epoch = ensemble.broker(3).replicas.partitions[T0].leader_epoch

        await reassign(stage.client, T0, None)
        await ensemble.until(lambda: replica_directories(ensemble, T0) == {1, 2}, "3 has nothing")
        assert T0 not in ensemble.broker(3).replicas.partitions
        assert await under_way(stage.client) == {}
        assert assignment(ensemble, T0) == PartitionAssignment((1, 2))
        told = [event for event in ensemble.events() if event.broker == 3]
        roles = [e.facts["leader_epoch"] for e in told if e.kind == "partition.role"]
        stopped = [e.facts["deleted"] for e in told if e.kind == "partition.stopped"]
        assert (roles, stopped) == ([added_at_epoch], [False, True])
        ensemble.heal()
        await stage.checker.settled()

    play(story, tmp_path)
