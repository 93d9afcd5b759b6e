"""What stories ask of the partition t-0 and of the ensemble around it."""

from broker.events import Event
from broker.replica.roles import Leading
from coordination.values import LeaderAndIsr, TopicPartition
from coordination.znodes import decode_partition_state, paths
from tests.simulation.stage import Stage

T0 = TopicPartition("t", 0)


def state(stage: Stage) -> LeaderAndIsr:
    """What ZooKeeper says of t-0."""
    return decode_partition_state(T0, stage.ensemble.store.tree.node(paths.partition_state(T0)))


def leads(stage: Stage, broker_id: int) -> bool:
    partition = stage.ensemble.broker(broker_id).replicas.partitions.get(T0)
    return partition is not None and isinstance(partition.role, Leading)


def controller(stage: Stage) -> int:
    found = stage.ensemble.controller
    return -1 if found is None else found.broker_id


def epoch_of_controller(stage: Stage) -> int:
    return int(stage.ensemble.store.tree.node(paths.CONTROLLER_EPOCH).data)


def events(stage: Stage, kind: str, broker: int | None = None) -> list[Event]:
    return [
        event
        for event in stage.ensemble.events()
        if event.kind == kind and broker in (None, event.broker)
    ]
