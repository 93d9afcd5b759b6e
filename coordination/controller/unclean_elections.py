"""A config has changed: may a partition without a leader be led uncleanly now?

A broker applies changed configs itself (coordination/configs.py). The controller follows the same
notifications for one property only, unclean.leader.election.enable, and acts on it only if there
are partitions that wait for it: those without a leader, of the topics named, or of all topics if
it was the config of this broker or of all brokers.

Source: kafka.server.{TopicConfigHandler,DynamicLogConfig}, which tell KafkaController.
"""

from coordination.controller import partition_changes
from coordination.controller.context import ControllerContext
from coordination.controller.leader_election import Strategy
from coordination.controller.partition_states import PartitionState
from coordination.controller.story import Story, headline, list_children, read
from coordination.controller.unclean_topics import topics_electing_uncleanly
from coordination.znodes import BadZnode, decode_config_change, paths

__all__ = ["configs_changed", "skip_config_changes"]


def skip_config_changes(context: ControllerContext) -> Story[None]:
    """When a term begins: every election that follows reads the configs as they are."""
    yield from _new_changes(context)


def configs_changed(context: ControllerContext) -> Story[None]:
    changes = yield from _new_changes(context)
    waiting = [
        partition
        for partition in context.partitions_in(PartitionState.OFFLINE)
        if not context.is_to_be_deleted(partition)
    ]
    if not waiting:
        return
    entities = yield from _entities(changes)
    if not entities & {paths.broker_entity(context.controller_id), paths.broker_entity(None)}:
        waiting = [p for p in waiting if paths.topic_entity(p.topic) in entities]
    unclean = yield from topics_electing_uncleanly(context, waiting)
    if unclean:
        yield from headline("unclean_election.allowed", topics=sorted(unclean))
        partitions = [partition for partition in waiting if partition.topic in unclean]
        yield from partition_changes.bring_online(context, partitions, Strategy.OFFLINE)


def _new_changes(context: ControllerContext) -> Story[list[str]]:
    """The paths of the notifications that were not looked at yet, arming the watch."""
    names = yield from list_children(paths.CONFIG_CHANGES, watch=True)
    new = [name for name in names if name not in context.config_changes_seen]
    context.config_changes_seen = set(names)
    return [f"{paths.CONFIG_CHANGES}/{name}" for name in new]


def _entities(changes: list[str]) -> Story[set[str]]:
    """What has changed. One that cannot be read is named in the trace by who applies configs."""
    nodes = yield from read(changes)
    entities = set()
    for path, node in zip(changes, nodes, strict=True):
        try:
            if node is not None:
                entities.add(decode_config_change(path, node))
        except BadZnode:
            continue
    return entities
