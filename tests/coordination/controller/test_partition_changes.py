"""What a controller does not do with a state that a newer one has written."""

import pytest

from coordination.values import TopicPartition
from coordination.znodes import paths
from tests.failures.interrupted import three_brokers

STATE = paths.partition_state(TopicPartition("orders", 0))


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("reassign orders-0=1,3", id="a replica is added"),
        pytest.param("alter-partition orders-0 broker=1 isr=1", id="an ISR that was overtaken"),
    ],
)
def test_no_leader_epoch_is_begun_on_it(line: str) -> None:
    """A soft failure: we were asleep. Kafka: StateChangeFailedException."""
    newer = '{"version":1,"leader":1,"leader_epoch":4,"isr":[1,2],"controller_epoch":7}'
    world = three_brokers("topic orders 0=1,2", "controller 3")
    world.script(f"interfere {STATE} '{newer}'", line)
    assert world.tree.node(STATE).data.decode() == newer
    [told] = [line for line in world.output if "leader_epoch_kept" in line]
    assert "by a controller of epoch 7" in told
