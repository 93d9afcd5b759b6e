"""Row 13: a replica that cuts its log to its own high watermark loses what was acknowledged.

Source: KIP-101 (https://cwiki.apache.org/confluence/display/KAFKA/KIP-101+-+Alter+Replication+
Protocol+to+use+Leader+Epoch+rather+than+High+Watermark+for+Truncation), KAFKA-1211.

Provoked as its two scenarios tell: a follower gets a new epoch (or restarts) before it has learnt
the high watermark, and is elected before it could fetch again; and after a power failure the
replica that has lost a record leads, while the one that has kept it comes back later and believes
it committed. What was acknowledged is in the final log (the checker holds every story to that), and
the replicas' logs are the same.
"""

from pathlib import Path

import pytest
import trio

from tests.simulation.checker import stored_batches
from tests.simulation.looking import T0, events, leads, state
from tests.simulation.stage import Stage, play


def test_a_follower_that_learnt_no_high_watermark_is_elected(tmp_path: Path) -> None:
    """First scenario: 2 has a record that is acknowledged, and doesn't know that it is committed.
    It follows in a new epoch, for 3 dies, and leads in the next, for 1 does: it must not have cut
    its log in between."""

    async def story(stage: Stage) -> None:
        ensemble, client = stage.ensemble, stage.client
        await stage.three_brokers(controller=4)
        ensemble.network.delay("broker-1", "broker-2", 0.2)
        await client.produce(T0, "promised")
        ensemble.cut(1, 2)  # the answer that tells the high watermark is under way
        replica = ensemble.broker(2).replicas.partitions[T0]
        assert (replica.log.log_end_offset, replica.high_watermark) == (1, 0)
        await ensemble.crash(3)
        await ensemble.until(lambda: state(stage).isr == (1, 2), "3 is noticed")
        epoch = state(stage).leader_epoch
        await ensemble.until(lambda: replica.leader_epoch == epoch, "2 follows in a new epoch")
        await ensemble.crash(1)
        await ensemble.until(lambda: leads(stage, 2), "2 is elected")
        ensemble.heal()
        await ensemble.start(1, 3)
        await stage.checker.settled()
        assert (await client.fetch(T0)).values == ("promised",)

    play(story, tmp_path)


@pytest.mark.long
def test_a_follower_that_restarts_keeps_what_it_had_above_its_high_watermark(
    tmp_path: Path,
) -> None:
    """The same by a restart: a follower that cut its log to its own, lagging high watermark lost
    acknowledged records when it was elected before it could fetch them again."""

    async def story(stage: Stage) -> None:
        await stage.ensemble.start(1, 2, 3)
        await stage.topic((1, 2))
        await stage.client.produce(T0, "first", "second")
        await stage.ensemble.crash(2)
        await stage.ensemble.start(2)
        replica = stage.ensemble.broker(2).replicas.partitions[T0]
        assert replica.log.log_end_offset == 2
        await stage.ensemble.until(lambda: 2 in state(stage).isr, "it rejoins the ISR")
        await stage.ensemble.crash(1)
        await stage.ensemble.until(lambda: state(stage).leader == 2, "it is elected")
        await stage.ensemble.start(1)
        await stage.checker.settled()
        assert (await stage.client.fetch(T0)).values == ("first", "second")
        assert not events(stage, "partition.truncated")

    # No checkpoint of high watermarks in this story: each life begins at 0.
    play(story, tmp_path, replica_high_watermark_checkpoint_interval_ms="1000000")


def test_logs_that_parted_in_a_power_failure_are_one_again(tmp_path: Path) -> None:
    """Second scenario: the leader 1 has both records on its disk, the follower 2 only the first;
    2 is back first, leads, and takes another record at the offset of the second."""

    async def story(stage: Stage) -> None:
        ensemble, client = stage.ensemble, stage.client
        await ensemble.start(3)  # the controller, without replicas
        await ensemble.start(1, 2)
        await stage.topic((1, 2))
        replica = ensemble.broker(2).replicas.partitions[T0]
        await client.produce(T0, "first")
        await ensemble.until(lambda: replica.high_watermark == 1, "2 has the first record")
        replica.log.flush()
        # acks=1: whoever loses power may lose what nobody promised to keep.
        await client.produce(T0, "second", acks=1)
        await ensemble.until(lambda: replica.high_watermark == 2, "2 has the second record")
        await trio.sleep(6)  # 1 notes its high watermark
        await ensemble.crash(1)
        await ensemble.lose_power(2, everything=True)
        stage.checker.forget()  # the second record was committed, and may be lost all the same
        await ensemble.until(lambda: state(stage).leader == -1, "both are noticed")
        assert state(stage).isr == (2,)

        await ensemble.start(2)
        assert (await client.produce(T0, "third")).offset == 1
        await ensemble.start(1)
        await stage.checker.settled()
        assert (await client.fetch(T0)).values == ("first", "third")
        [truncated] = events(stage, "partition.truncated", broker=1)
        assert (truncated.facts["before"], truncated.facts["log_end_offset"]) == (2, 1)
        logs = [
            list(stored_batches(broker.replicas.partitions[T0], 0, 2))
            for broker in ensemble.brokers()
            if broker.broker_id != 3
        ]
        assert logs[0] == logs[1]

    play(story, tmp_path, power_may_fail=True)
