"""Which topics prefer a leader to their data: unclean.leader.election.enable.

When no member of a partition's ISR is live, the others can only be led by losing what they never
had. The first of these that says anything decides whether that is done:

    /config/topics/T            the topic's own config
    /config/brokers/N           the dynamic config of this broker, which is the controller
    /config/brokers/<default>   the dynamic config of all brokers
    server.properties           of this broker; false unless it says otherwise

They are read when an election needs them and not kept, for they are often set in the very
emergency; and a change of one of them makes the controller try again (`configs_changed`). A config
that cannot be read allows nothing.

Source: kafka.controller.PartitionStateMachine.collectUncleanLeaderElectionState,
KafkaController.{processUncleanLeaderElectionEnable,processTopicUncleanLeaderElectionEnable}.
"""

from collections.abc import Iterable, Mapping

from coordination.controller.context import ControllerContext, Replica
from coordination.controller.story import Story, read, record_bad_znode
from coordination.values import TopicPartition
from coordination.znodes import BadZnode, decode_config, paths

__all__ = ["topics_electing_uncleanly"]

PROPERTY = "unclean.leader.election.enable"


def topics_electing_uncleanly(
    context: ControllerContext, partitions: Iterable[TopicPartition]
) -> Story[set[str]]:
    """Of the topics with a partition whose ISR is all dead: those that may be led uncleanly."""
    helpless = sorted({p.topic for p in partitions if _is_isr_dead(context, p)})
    if not helpless:
        return set()
    of_broker = paths.broker_entity(context.controller_id)
    of_all_brokers = paths.broker_entity(None)
    of_topics = {topic: paths.topic_entity(topic) for topic in helpless}
    configs = yield from _read_configs([*of_topics.values(), of_broker, of_all_brokers])
    default = _first_word(
        [configs[of_broker], configs[of_all_brokers]],
        otherwise=context.settings.unclean_leader_election_enable,
    )
    return {topic for topic, entity in of_topics.items() if _first_word([configs[entity]], default)}


def _is_isr_dead(context: ControllerContext, partition: TopicPartition) -> bool:
    state = context.leadership.get(partition)
    return state is not None and not any(
        context.is_replica_online(Replica(partition, member)) for member in state.isr
    )


def _first_word(configs: Iterable[Mapping[str, str]], otherwise: bool) -> bool:
    for config in configs:
        if PROPERTY in config:
            return config[PROPERTY].lower() == "true"
    return otherwise


def _read_configs(entities: list[str]) -> Story[dict[str, Mapping[str, str]]]:
    nodes = yield from read([paths.config(entity) for entity in entities])
    configs: dict[str, Mapping[str, str]] = {}
    for entity, node in zip(entities, nodes, strict=True):
        try:
            configs[entity] = {} if node is None else decode_config(entity, node)
        except BadZnode as error:
            yield from record_bad_znode(error)
            configs[entity] = {PROPERTY: "false"}
    return configs
