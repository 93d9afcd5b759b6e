"""Row 17: somebody changes a partition's state znode, and the leader's ISR never changes again.

Source: KAFKA-2729, seen in https://github.com/confluentinc/librdkafka/issues/948: "Cached zkVersion
not equal to that in zookeeper", for ever. KIP-497 made it the controller's business.

Provoked by a foreign write to the znode of a partition whose leader then wants another ISR: a
follower falls behind, and later catches up. The controller finds another version than it knew,
reads the state again and begins a new leader epoch on it; the leader asks once more and gets its
ISR. Nobody asks in vain, however often it happens, whoever is controller.
"""

from pathlib import Path

import attrs
import pytest

from broker.wire.errors import ErrorCode
from coordination.memory_store import MemoryStore
from coordination.store import Set
from coordination.znodes import encode_partition_state, paths
from tests.simulation.looking import T0, events, state
from tests.simulation.stage import Stage, play


@pytest.mark.long
@pytest.mark.parametrize("controller", [1, 2], ids=["the leader's broker", "another"])
def test_the_leader_gets_its_isr_all_the_same(tmp_path: Path, controller: int) -> None:
    async def story(stage: Stage) -> None:
        ensemble = stage.ensemble
        await stage.three_brokers(controller=controller, min_insync_replicas="2")
        for times in range(1, 3):
            meddle(stage)
            ensemble.cut(1, 3)
            await stage.client.produce(T0, f"3 lags, {times}", acks=1)
            await ensemble.until(lambda: set(state(stage).isr) == {1, 2}, "the ISR shrinks")
            assert (await stage.client.produce(T0, f"without 3, {times}")).error is ErrorCode.NONE
            meddle(stage)
            ensemble.heal()
            await stage.checker.settled()
            assert (await stage.client.produce(T0, f"with 3, {times}")).error is ErrorCode.NONE
            # Once in vain and once again, for each change of the ISR.
            assert len(events(stage, "isr.change_asked", broker=controller)) <= 4 * times
        assert state(stage).leader_epoch >= 4  # each of the four writes was found

    play(story, tmp_path)


def meddle(stage: Stage) -> None:
    """Write the state as it is: what counts is the version. Past the checker, which would say that
    this is no controller."""
    now = attrs.evolve(state(stage), isr=state(stage).isr[::-1])
    write = Set(paths.partition_state(T0), encode_partition_state(now))
    MemoryStore.commit(stage.ensemble.store, [write], session_id=0)
