"""Row 18: while an ISR change is under way the leader counts with the wrong ISR, and commits too
much.

Source: KIP-497 (https://cwiki.apache.org/confluence/display/KAFKA/KIP-497%3A+Add+inter-broker+API+
to+alter+ISR), KAFKA-13091 (https://github.com/apache/kafka/pull/11245).

Provoked by an AlterPartition that lets a follower in and whose answer is lost, or comes late: the
follower is in the ISR, as ZooKeeper has it, and its leader doesn't know. Then the follower stops
fetching. The high watermark must stay at or below the least log end offset of the larger ISR: the
follower may be elected next, and is.
"""

from pathlib import Path

import pytest
import trio

from broker.wire.errors import ErrorCode
from tests.simulation.looking import T0, leads, state
from tests.simulation.stage import Stage, play


@pytest.mark.long
@pytest.mark.parametrize("fate", ["lost", "late"])
def test_the_larger_isr_counts_until_the_answer_comes(tmp_path: Path, fate: str) -> None:
    async def story(stage: Stage) -> None:
        ensemble, client = stage.ensemble, stage.client
        await stage.three_brokers(controller=4)
        await client.produce(T0, "common")
        await leave_and_join(stage, fate="known")  # its leader now has a connection to ask over
        await leave_and_join(stage, fate)
        leader = ensemble.broker(1).replicas.partitions[T0]
        assert set(state(stage).isr) == {1, 2, 3}
        assert set(leader.leading().isr) == {1, 2}

        ensemble.cut(1, 3)
        assert (await client.produce(T0, "only on 1 and 2", acks=1, at=1)).error is ErrorCode.NONE
        refused = await client.produce(T0, "as well", at=1)
        assert refused.error is ErrorCode.REQUEST_TIMED_OUT
        await trio.sleep(15)  # replica.lag.time.max.ms and more: 3 is no candidate any more
        ends = {b: ensemble.broker(b).replicas.partitions[T0].log.log_end_offset for b in (1, 2, 3)}
        assert ends == {1: 3, 2: 3, 3: 1}
        assert leader.high_watermark == ends[3]

        await ensemble.crash(1, 2)
        await ensemble.until(lambda: leads(stage, 3), "3 is elected: it was in the ISR")
        ensemble.heal()
        await ensemble.start(1, 2)
        await stage.checker.settled()
        assert (await client.fetch(T0)).values == ("common",)

    play(story, tmp_path)


async def leave_and_join(stage: Stage, fate: str) -> None:
    """Broker 3 dies, is back, and joins the ISR; `fate` is that of AlterPartition's answer."""
    ensemble = stage.ensemble
    await ensemble.crash(3)
    await ensemble.until(lambda: set(state(stage).isr) == {1, 2}, "3 is noticed")
    ensemble.cut(1, 3)
    await ensemble.start(3)
    if fate == "lost":
        ensemble.cut(4, 1, one_way=True)
    elif fate == "late":
        ensemble.network.delay("broker-4", "broker-1", 30)
    ensemble.network.restore("broker-1", "broker-3")
    await ensemble.until(lambda: 3 in state(stage).isr, "3 joins the ISR")
    if fate == "known":
        await stage.checker.settled()
