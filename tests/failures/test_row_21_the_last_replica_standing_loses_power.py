"""Row 21: the last replica standing loses acknowledged records with its power.

Kafka doesn't sync what it acknowledges; the other members of the ISR are its safety. When the ISR
has shrunk to one, that one acknowledges alone (min.insync.replicas=1), and then its machine loses
power: the records that weren't synced are gone, and it's the only one that may lead. This is the
**expected loss** of the design: only KRaft's eligible leader replicas prevent it (the motivation of
KIP-966). min.insync.replicas=2 does, too: it refuses the records that one broker alone would hold.

What we add is that it's said: the trace of the broker that leads again has an alert,
`partition.loss_possible`. Simulated, for power has to fail and the mock clock to run.
"""

from pathlib import Path

import pytest

from broker.events import Event
from broker.wire.errors import ErrorCode
from coordination.values import TopicPartition
from tests.simulation.stage import Stage, play

T0 = TopicPartition("t", 0)
RECORDS = 20


def alerts(stage: Stage) -> list[Event]:
    return [event for event in stage.ensemble.events() if event.kind == "partition.loss_possible"]


@pytest.mark.long
def test_what_one_broker_acknowledged_alone_is_lost_and_that_is_said(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        ensemble = stage.ensemble
        await stage.three_brokers(controller=3, min_insync_replicas="1")
        await ensemble.crash(2)
        await ensemble.stop(3)
        for number in range(RECORDS):
            produced = await stage.client.produce(T0, str(number), timeout_s=60)
            assert produced.error is ErrorCode.NONE, "acks=all, of an ISR of one"
        assert stage.ensemble.broker(1).replicas.partitions[T0].leading().isr == (1,)
        await ensemble.lose_power(1, everything=True)
        await ensemble.start(1, 2, 3)
        await ensemble.until(lambda: len(alerts(stage)) > 0, "it is said")
        log_end_offset = ensemble.broker(1).replicas.partitions[T0].log.log_end_offset
        assert log_end_offset < RECORDS, "nothing was lost"
        # The expected loss; all the rest must be there at the story's end.
        stage.client.acknowledged[:] = [
            a for a in stage.client.acknowledged if a.offset < log_end_offset
        ]
        [alert] = alerts(stage)
        assert alert.broker == 1
        assert (alert.facts["partition"], alert.facts["log_end_offset"]) == ("t-0", log_end_offset)

    play(story, tmp_path, power_may_fail=True)


def test_two_in_sync_lose_nothing_when_one_of_them_loses_power(tmp_path: Path) -> None:
    """And there is nothing to be alerted about: the other one has it all, and leads."""

    async def story(stage: Stage) -> None:
        ensemble = stage.ensemble
        await stage.three_brokers(controller=3, min_insync_replicas="2")
        for number in range(RECORDS):
            await stage.client.produce(T0, str(number), timeout_s=60)
        await ensemble.lose_power(1)
        await ensemble.until(lambda: ensemble.controller is not None, "a controller")
        await ensemble.start(1)
        await stage.checker.settled()
        assert len((await stage.client.fetch(T0)).values) == RECORDS
        assert alerts(stage) == []

    play(story, tmp_path, power_may_fail=True)
