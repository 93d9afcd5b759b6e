"""What admins do to topics: create, add partitions, delete. Any broker may; the controller acts.

An admin's change is a write into ZooKeeper, and the controller learns of it by its watch as if a
tool had written it:

    create_topic        /config/topics/T and /brokers/topics/T, in one multi, so that no topic runs
                        a moment without its config
    create_partitions   /brokers/topics/T, at the version read: no other change is overwritten
    delete_topic        /admin/delete_topics/T; the controller removes the topic when all replicas
                        are gone

And what there is, for a broker that the controller has not told of it: `live_partitions`.

Refusals are AdminError, with Kafka's name of the error and Kafka's words. Topic configs are checked
by who knows them (broker/config), before.

If a write's answer is lost with the connection, what ZooKeeper has tells whether it was done: a new
topic is known by its id.

Source: kafka.zk.AdminZkClient, kafka.server.ZkAdminManager.
"""

import uuid
from collections.abc import Collection, Mapping, Sequence

import attrs

from coordination.assignment import AdminError, BrokerRack
from coordination.store import (
    BadVersion,
    ConnectionLoss,
    Create,
    MultiFailed,
    Node,
    NodeExists,
    NoNode,
    Op,
    Session,
    Set,
)
from coordination.topic_checks import (
    check_topic_assignment,
    check_topic_name,
    is_topic_name,
    new_partitions_assignment,
)
from coordination.values import PartitionAssignment, TopicAssignment
from coordination.znodes import BadZnode, decode_topic, encode_config, encode_topic, paths

__all__ = ["create_partitions", "create_topic", "delete_topic", "live_partitions"]


async def create_topic(
    session: Session,
    topic: str,
    assignment: Mapping[int, Sequence[int]],
    config: Mapping[str, str],
    *,
    topic_id: uuid.UUID,
    validate_only: bool = False,
) -> None:
    """Write the new topic, unless only its possibility is asked for.

    Raises AdminError: INVALID_TOPIC_EXCEPTION, TOPIC_ALREADY_EXISTS, INVALID_REPLICA_ASSIGNMENT.
    """
    check_topic_name(topic)
    if await session.exists(paths.delete_topic(topic)) is not None:
        raise AdminError("TOPIC_ALREADY_EXISTS", f"Topic '{topic}' is marked for deletion.")
    await _check_no_collision(session, topic)
    check_topic_assignment(assignment)
    if validate_only:
        return
    partitions = {n: PartitionAssignment(tuple(assignment[n])) for n in sorted(assignment)}
    new = TopicAssignment(topic, topic_id, partitions)
    config_path = paths.config(paths.topic_entity(topic))
    while True:
        had_config = await session.exists(config_path) is not None
        put: Op = (Set if had_config else Create)(config_path, encode_config(config))
        try:
            await session.multi([put, Create(paths.topic(topic), encode_topic(new))])
            return
        except ConnectionLoss:
            found = await _read_topic(session, topic)
            if found is not None and found.topic_id == topic_id:
                return
        except MultiFailed as failed:
            if failed.index == 1 and isinstance(failed.error, NodeExists):
                raise _already_exists(topic) from failed
            if not isinstance(failed.error, NodeExists | NoNode):
                raise
            # A config came or went under our hands: look again.


async def create_partitions(
    session: Session,
    topic: str,
    total_count: int,
    brokers: Sequence[BrokerRack],
    assignments: Sequence[Sequence[int]] | None = None,
    *,
    validate_only: bool = False,
) -> dict[int, tuple[int, ...]]:
    """Add partitions to make it `total_count`; returns the new ones' replicas.

    Raises AdminError: UNKNOWN_TOPIC_OR_PARTITION, INVALID_TOPIC_EXCEPTION (being deleted),
    INVALID_PARTITIONS, INVALID_REPLICA_ASSIGNMENT, REASSIGNMENT_IN_PROGRESS, BadZnode.
    """
    unknown = AdminError("UNKNOWN_TOPIC_OR_PARTITION", f"The topic '{topic}' does not exist.")
    if not is_topic_name(topic):
        raise unknown
    while True:
        try:
            node = await session.get(paths.topic(topic))
        except NoNode as error:
            raise unknown from error
        if await session.exists(paths.delete_topic(topic)) is not None:
            raise AdminError("INVALID_TOPIC_EXCEPTION", "The topic is queued for deletion.")
        found = decode_topic(topic, node)
        added = new_partitions_assignment(found, total_count, brokers, assignments)
        if validate_only:
            return added
        more = {n: PartitionAssignment(replicas) for n, replicas in added.items()}
        grown = attrs.evolve(found, partitions={**found.partitions, **more})
        try:
            await session.set(paths.topic(topic), encode_topic(grown), node.stat.version)
            return added
        except ConnectionLoss:
            if await _read_topic(session, topic) == grown:
                return added
        except (BadVersion, NoNode):
            continue  # somebody else changed it: look again


async def delete_topic(session: Session, topic: str) -> None:
    """Ask the controller to delete it. Asking twice is asking once.

    Raises AdminError(UNKNOWN_TOPIC_OR_PARTITION).
    """
    if not is_topic_name(topic) or await session.exists(paths.topic(topic)) is None:
        raise AdminError("UNKNOWN_TOPIC_OR_PARTITION", f"Topic `{topic}` to delete does not exist")
    while True:
        try:
            await session.create(paths.delete_topic(topic))
            return
        except NodeExists:
            return
        except ConnectionLoss:
            # Done or not, creating it again makes sure; unless it is carried out already.
            if await session.exists(paths.topic(topic)) is None:
                return


async def _check_no_collision(session: Session, topic: str) -> None:
    """Metric names turn '.' into '_', so that two topics may not differ in these alone."""
    if await session.exists(paths.topic(topic)) is not None:
        raise _already_exists(topic)
    if "." not in topic and "_" not in topic:
        return
    names = await session.children(paths.TOPICS)
    if topic in names:
        raise _already_exists(topic)
    colliding = sorted(name for name in names if name.replace(".", "_") == topic.replace(".", "_"))
    if colliding:
        raise AdminError(
            "INVALID_TOPIC_EXCEPTION",
            f"Topic '{topic}' collides with existing topics: {', '.join(colliding)}",
        )


async def live_partitions(
    session: Session, topics: Collection[str]
) -> dict[str, Collection[int] | BadZnode]:
    """The partitions of those of the topics that there are, and that nobody has asked to delete.

    As they are now, however far behind the ZooKeeper that we are connected to is. Of a topic whose
    znode is damaged nobody can say how many: it has that error in their place.
    """
    names = sorted(topics)
    await session.sync()
    found = await session.get_many([paths.topic(name) for name in names])
    asked = await session.get_many([paths.delete_topic(name) for name in names])
    return {
        name: _partitions_in(name, node)
        for name, node, deletion in zip(names, found, asked, strict=True)
        if node is not None and deletion is None
    }


def _partitions_in(topic: str, node: Node) -> Collection[int] | BadZnode:
    try:
        return decode_topic(topic, node).partitions.keys()
    except BadZnode as error:
        return error


async def _read_topic(session: Session, topic: str) -> TopicAssignment | None:
    try:
        return decode_topic(topic, await session.get(paths.topic(topic)))
    except NoNode:
        return None


def _already_exists(topic: str) -> AdminError:
    return AdminError("TOPIC_ALREADY_EXISTS", f"Topic '{topic}' already exists.")
