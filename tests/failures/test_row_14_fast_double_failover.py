"""Row 14: two failovers in a row, faster than a follower fetches, and the logs differ for ever.

Source: KIP-279, KAFKA-6361: a follower asked for the end of an epoch that the new leader never had.

Provoked by leader epochs 0, 1 and 2 (and the one in which nobody leads between), whose leaders each
append at the same offset while nobody fetches: brokers 1, 2 and 3 hold three different tails. In
the second story the last leader never had epoch 1, and its epoch 0 is longer than the whole log of
the follower that asks: by offsets alone the two logs look the same. When they meet, all logs are
the last leader's, byte for byte.
"""

from pathlib import Path

import pytest

from tests.simulation.checker import stored_batches
from tests.simulation.looking import T0, events, leads, state
from tests.simulation.stage import Stage, play


@pytest.mark.long
def test_logs_that_parted_meet_again_at_their_epochs(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        ensemble, client = stage.ensemble, stage.client
        await stage.three_brokers(controller=4)  # which has no replica
        await client.produce(T0, "common")
        for pair in ((1, 2), (1, 3), (2, 3)):
            ensemble.cut(*pair)
        await client.produce(T0, "x1", "x2", "x3", acks=1, at=1)
        await ensemble.crash(1)
        await ensemble.until(lambda: leads(stage, 2), "2 leads")
        await client.produce(T0, "y1", "y2", acks=1, at=2)
        await ensemble.crash(2)
        await ensemble.until(lambda: leads(stage, 3), "3 leads")
        assert state(stage).leader_epoch >= 2
        await client.produce(T0, "z1", acks=1, at=3)
        ensemble.heal()
        await ensemble.start(1, 2)
        await stage.checker.settled()
        assert (await client.fetch(T0)).values == ("common", "z1")
        assert_equal_logs(stage)
        assert [e.facts["before"] for e in events(stage, "partition.truncated", broker=1)] == [4]
        assert [e.facts["before"] for e in events(stage, "partition.truncated", broker=2)] == [3]

    play(story, tmp_path, replica_lag_time_max_ms="60000")


@pytest.mark.long
def test_a_leader_that_never_had_the_followers_epoch(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        ensemble, client = stage.ensemble, stage.client
        await stage.three_brokers(controller=4)
        await client.produce(T0, "common")
        ensemble.cut(1, 2)
        ensemble.cut(2, 3)
        await client.produce(T0, "x1", "x2", "x3", acks=1, at=1)
        replica = ensemble.broker(3).replicas.partitions[T0]
        await ensemble.until(lambda: replica.log.log_end_offset == 4, "3 has them")
        await ensemble.crash(1)
        await ensemble.until(lambda: leads(stage, 2), "2 leads")
        await client.produce(T0, "y1", "y2", acks=1, at=2)
        await ensemble.crash(2)
        await ensemble.until(lambda: leads(stage, 3), "3 leads")
        await client.produce(T0, "z1", acks=1, at=3)
        ensemble.heal()
        await ensemble.start(1, 2)
        await stage.checker.settled()
        assert (await client.fetch(T0)).values == ("common", "x1", "x2", "x3", "z1")
        assert_equal_logs(stage)
        assert [e.facts["before"] for e in events(stage, "partition.truncated", broker=2)] == [3]

    play(story, tmp_path, replica_lag_time_max_ms="60000")


def assert_equal_logs(stage: Stage) -> None:
    """Of brokers 1 to 3, byte for byte."""
    logs = []
    for broker_id in (1, 2, 3):
        partition = stage.ensemble.broker(broker_id).replicas.partitions[T0]
        logs.append(list(stored_batches(partition, 0, partition.log.log_end_offset)))
    assert logs[0] == logs[1] == logs[2]
