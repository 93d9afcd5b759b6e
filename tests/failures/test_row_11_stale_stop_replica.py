"""Row 11: a StopReplica that comes late stops a replica which was given back meanwhile.

Seen in KAFKA-9539. A broker loses a partition and gets it back; the order to stop it was held up
and arrives after the one that began it anew. KIP-570 gave StopReplica a leader epoch, so that the
broker can tell; when a topic is deleted no new epoch begins, and a sentinel (-2) says to obey
whatever epoch is known. Provoked by a controller that says both, and a broker that hears the older
order last.
"""

from pathlib import Path

from broker.replica.roles import Leading
from broker.wire.errors import ErrorCode
from coordination.controller.commands import StopReplicaCommand
from tests.broker.replica.test_control import DURING_DELETE, stop
from tests.broker.support import lead, open_broker, tp
from tests.golden.controller_world import ControllerWorld
from tests.golden.script import Command


async def test_a_late_stop_replica_does_not_stop_what_began_anew(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0", leader_epoch=3)
        await lead(broker, "t-0", leader_epoch=5)
        for delete in (False, True):
            assert await stop(broker, "t-0", 4, delete) is ErrorCode.FENCED_LEADER_EPOCH
        assert isinstance(broker.replicas.partitions[tp("t-0")].role, Leading)
        assert await stop(broker, "t-0", DURING_DELETE, delete=True) is ErrorCode.NONE
        assert tp("t-0") not in broker.replicas.partitions


def test_the_controller_names_the_sentinel_only_to_delete_a_topic() -> None:
    world = ControllerWorld()
    tell(world, "broker 1", "broker 2", "broker 3", "topic orders 0=1,2", "controller 1")
    tell(world, "reassign orders-0=1,3", "reassign orders-0=cancel")
    assert told_to_stop(world, 3) == [1, 1]
    tell(world, "shutdown 2")
    assert told_to_stop(world, 2) == [3]
    tell(world, "delete-topic orders")
    assert told_to_stop(world, 1) == [DURING_DELETE, DURING_DELETE]


def tell(world: ControllerWorld, *lines: str) -> None:
    for line in lines:
        world.run(Command.parse(line))


def told_to_stop(world: ControllerWorld, broker_id: int) -> list[int]:
    """The leader epochs in the StopReplica commands that the broker has been sent."""
    commands: list[StopReplicaCommand] = world.stop_replicas.get(broker_id, [])
    return [state.leader_epoch for command in commands for state in command.partitions.values()]
