"""Row 16, the controller's half: a consumer misses that the log was truncated.

An unclean election makes a leader of a replica that lacks acknowledged records; the log's end goes
back, and whoever has read beyond it must be able to notice. Source: KIP-320. For that the election
must be visible: a new leader epoch, an ISR of the new leader alone, and the state marked as
recovering (KIP-704). Provoked by an ISR that dies whole, in the controller's world in memory: it
elects nobody until somebody allows it, and then says so.
"""

from coordination.values import LeaderAndIsr, LeaderRecoveryState, TopicPartition
from coordination.znodes import decode_partition_state, paths
from tests.golden.controller_world import ControllerWorld
from tests.golden.script import Command

ORDERS_0 = TopicPartition("orders", 0)


def state(world: ControllerWorld) -> LeaderAndIsr:
    return decode_partition_state(ORDERS_0, world.tree.node(paths.partition_state(ORDERS_0)))


def test_an_unclean_election_is_made_only_when_allowed_and_never_in_silence() -> None:
    world = ControllerWorld()

    def script(*lines: str) -> list[str]:
        return [line for each in lines for line in world.run(Command.parse(each))]

    script("broker 1", "broker 2", "topic orders 0=1,2", "controller 2")
    script("alter-partition orders-0 broker=1 isr=1", "broker-dies 1")
    dead = state(world)
    assert (dead.leader, dead.isr) == (-1, (1,)), "who is not in sync may not lead by itself"

    said = script("alter-config topics/orders unclean.leader.election.enable=true")
    led = state(world)
    assert (led.leader, led.isr) == (2, (2,))
    assert led.leader_epoch == dead.leader_epoch + 1
    assert led.leader_recovery_state is LeaderRecoveryState.RECOVERING
    assert any("partition.leader_elected" in line and "election=unclean" in line for line in said)
    assert any("LeaderAndIsr" in line and "recovering" in line for line in said)

    # The old leader returns as a follower, with records that are none any more.
    script("broker 1", "alter-partition orders-0 broker=2 isr=2,1")
    assert state(world).leader_recovery_state is LeaderRecoveryState.RECOVERED
