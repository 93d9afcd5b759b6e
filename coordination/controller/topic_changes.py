"""Topics appear, and grow: whoever wrote the znode (this broker's API, another's, a tool by hand).

    a new name in /brokers/topics     its assignment is taken over, its partitions get leaders
    a topic's znode changes           partitions that are new in it get leaders
    a name is gone from /brokers/topics   somebody removed it past us: forget it, and that it was to
                                      be deleted

A topic without an id (written by a tool older than Kafka 2.8) is given one. A topic that had one
and is rewritten without (KAFKA-14190: such a tool added partitions) gets its old id back: replicas
are stamped with it on disk.

While a topic is to be deleted it does not grow: the added partitions are taken out of its znode
again, or their replicas would survive the topic.

Source: kafka.controller.KafkaController.{processTopicChange,processPartitionModifications,
onNewPartitionCreation,processTopicIds}.
"""

from collections.abc import Iterable, Sequence

import attrs

from coordination.controller import partition_changes, replica_changes
from coordination.controller.context import ControllerContext, Replica
from coordination.controller.leader_election import Strategy
from coordination.controller.partition_states import PartitionState
from coordination.controller.replica_states import ReplicaState
from coordination.controller.story import (
    Story,
    headline,
    list_children,
    persist,
    read,
    record,
    record_bad_znode,
)
from coordination.store import Delete, Node, Set, StoreError
from coordination.values import TopicAssignment, TopicPartition
from coordination.znodes import BadZnode, decode_topic, encode_topic, paths, topic_id_text

__all__ = ["read_topics", "topics_changed", "topics_modified"]


def topics_changed(context: ControllerContext) -> Story[None]:
    names = yield from list_children(paths.TOPICS, watch=True)
    for topic in sorted(context.topics.keys() - set(names)):
        yield from _vanished(context, topic)
    new = [name for name in names if name not in context.topics]
    found = yield from read_topics(context, new)
    yield from _topics_appeared(context, found)


def topics_modified(context: ControllerContext, topics: Sequence[str]) -> Story[None]:
    known = [topic for topic in topics if topic in context.topics]
    if len(known) < len(topics):
        yield from topics_changed(context)  # a znode that could not be read may be mended
    for found in (yield from read_topics(context, known)):
        if found.topic_id != context.topic_ids.get(found.topic):
            # Removed and made again behind our back, between two looks.
            yield from _vanished(context, found.topic)
            yield from _topics_appeared(context, [found])
            continue
        assigned = context.topics[found.topic]
        added = {n: each for n, each in found.partitions.items() if n not in assigned}
        if added and found.topic in context.topics_to_be_deleted:
            yield from _refuse_growth(context, found.topic, sorted(added))
        elif added:
            yield from _topic_grew(context, attrs.evolve(found, partitions=added))


def _vanished(context: ControllerContext, topic: str) -> Story[None]:
    """If it was to be deleted, the request goes too: it is not for the next topic of that name."""
    asked = topic in context.topics_to_be_deleted | context.deletions_waiting
    context.remove_topic(topic)
    yield from headline("topic.vanished", topic=topic)
    if asked:
        yield from persist(context, [[Delete(paths.delete_topic(topic))]])


def read_topics(context: ControllerContext, topics: Sequence[str]) -> Story[list[TopicAssignment]]:
    """The topics' znodes that the context does not know yet, each with an id; arms the watches of
    all. Unreadable ones are left out: nothing is known of them, so nothing is done about them."""
    found: list[TopicAssignment] = []
    remaining = list(topics)
    while remaining:
        nodes = yield from read([paths.topic(topic) for topic in remaining], watch=True)
        changed_meanwhile: list[str] = []
        for topic, node in zip(remaining, nodes, strict=True):
            if node is None or node.stat.mzxid == context.topics_as_of.get(topic):
                continue
            try:
                assignment = decode_topic(topic, node)
            except BadZnode as error:
                yield from record_bad_znode(error)
                continue
            if assignment.topic_id is not None:
                owner = _owner_of_id(context, assignment, found)
                if owner is None:
                    context.topics_as_of[topic] = node.stat.mzxid
                    found.append(assignment)
                else:
                    why = f"topic_id: it is that of topic {owner}"
                    yield from record_bad_znode(BadZnode(paths.topic(topic), why))
                continue
            with_id = yield from _give_id(context, assignment, node)
            if with_id is None:
                changed_meanwhile.append(topic)
            else:
                found.append(with_id)
        remaining = changed_meanwhile
    return found


def _owner_of_id(
    context: ControllerContext, topic: TopicAssignment, found: Iterable[TopicAssignment]
) -> str | None:
    """The other topic that has this one's id: somebody copied a znode. None if there is none."""
    assert topic.topic_id is not None
    known = context.topic_names.get(topic.topic_id)
    others = (each.topic for each in found if each.topic_id == topic.topic_id)
    return known if known not in (None, topic.topic) else next(others, None)


def _give_id(
    context: ControllerContext, topic: TopicAssignment, node: Node
) -> Story[TopicAssignment | None]:
    """Write the id that the topic had, or a new one. None if the znode has changed meanwhile."""
    topic_id = context.topic_ids.get(topic.topic) or context.new_topic_id()
    with_id = attrs.evolve(topic, topic_id=topic_id)
    write = Set(paths.topic(topic.topic), encode_topic(with_id), node.stat.version)
    outcomes = yield from persist(context, [[write]])
    if isinstance(outcomes[0], StoreError):
        return None
    yield from record("topic.id_given", topic=topic.topic, topic_id=topic_id_text(topic_id))
    return with_id


def _topics_appeared(context: ControllerContext, topics: Sequence[TopicAssignment]) -> Story[None]:
    partitions: list[TopicPartition] = []
    for topic in topics:
        context.put_topic(topic)
        partitions += context.partitions_of_topic(topic.topic)
        yield from headline(
            "topic.created",
            topic=topic.topic,
            topic_id=topic_id_text(context.topic_ids[topic.topic]),
            assignment=_replicas(topic),
        )
    yield from _begin(context, partitions)


def _topic_grew(context: ControllerContext, added: TopicAssignment) -> Story[None]:
    context.put_topic(added)
    yield from headline("topic.partitions_added", topic=added.topic, assignment=_replicas(added))
    yield from _begin(context, [TopicPartition(added.topic, n) for n in added.partitions])


def _replicas(topic: TopicAssignment) -> dict[int, tuple[int, ...]]:
    return {number: each.replicas for number, each in topic.partitions.items()}


def _begin(context: ControllerContext, partitions: Sequence[TopicPartition]) -> Story[None]:
    """From nothing to online. A replica whose broker is not live is offline until it joins."""
    if not partitions:
        return
    replicas = context.replicas_of(partitions)
    partition_changes.mark_all(context, partitions, PartitionState.NEW)
    replica_changes.mark_all(context, replicas, ReplicaState.NEW)
    yield from partition_changes.bring_online(context, partitions, Strategy.OFFLINE)
    yield from replica_changes.bring_online(context, _online(context, replicas))
    replica_changes.mark_all(context, _offline(context, replicas), ReplicaState.OFFLINE)


def _online(context: ControllerContext, replicas: Iterable[Replica]) -> list[Replica]:
    return [replica for replica in replicas if context.is_replica_online(replica)]


def _offline(context: ControllerContext, replicas: Iterable[Replica]) -> list[Replica]:
    return [replica for replica in replicas if not context.is_replica_online(replica)]


def _refuse_growth(context: ControllerContext, topic: str, added: list[int]) -> Story[None]:
    """Write the topic back as it was before partitions were added to it: over what was judged, and
    nothing that came since. Of that the watch tells."""
    [node] = yield from read([paths.topic(topic)])
    if node is None or node.stat.mzxid != context.topics_as_of.get(topic):
        return
    before = TopicAssignment(topic, context.topic_ids.get(topic), context.topics[topic])
    yield from headline("topic.partitions_refused", topic=topic, partitions=added)
    write = Set(paths.topic(topic), encode_topic(before), node.stat.version)
    yield from persist(context, [[write]])
