"""Every path of the tree, in one place.

    /admin/delete_topics/T                  a topic to delete
    /admin/reassign_partitions              reassignments under way, as old tools ask for them
    /admin/preferred_replica_election       partitions to elect their preferred leader for
    /brokers/ids/N                          ephemeral: broker N is alive
    /brokers/seqid                          its version counts generated broker ids
    /brokers/topics/T                       replicas of each partition
    /brokers/topics/T/partitions/P/state    leader and ISR
    /cluster/id
    /config/{topics,brokers,users,clients,ips}/E
    /config/changes/config_change_          sequential: E's config has changed
    /consumers/G/offsets/T/P                group G's offset, as consumers before 0.9 keep it
    /controller                             ephemeral: who is controller
    /controller_epoch                       how often one was elected
    /feature                                finalized features
    /isr_change_notification/isr_change_    sequential: old brokers changed an ISR themselves
    /latest_producer_id_block               the last block of producer ids handed out
    /log_dir_event_notification/log_dir_event_   sequential: a broker lost a log directory

Source: kafka.zk.ZkData.
"""

from coordination.values import TopicPartition

CONTROLLER = "/controller"
CONTROLLER_EPOCH = "/controller_epoch"
CLUSTER_ID = "/cluster/id"
FEATURE = "/feature"
PRODUCER_ID_BLOCK = "/latest_producer_id_block"

BROKER_IDS = "/brokers/ids"
BROKER_SEQID = "/brokers/seqid"
TOPICS = "/brokers/topics"

CONSUMERS = "/consumers"

DELETE_TOPICS = "/admin/delete_topics"
REASSIGN_PARTITIONS = "/admin/reassign_partitions"
PREFERRED_REPLICA_ELECTION = "/admin/preferred_replica_election"

CONFIG = "/config"
CONFIG_CHANGES = "/config/changes"
CONFIG_CHANGE_PREFIX = "/config/changes/config_change_"

ISR_CHANGE_NOTIFICATION = "/isr_change_notification"
ISR_CHANGE_PREFIX = "/isr_change_notification/isr_change_"
LOG_DIR_EVENT_NOTIFICATION = "/log_dir_event_notification"
LOG_DIR_EVENT_PREFIX = "/log_dir_event_notification/log_dir_event_"

PERSISTENT = (
    CONSUMERS,
    BROKER_IDS,
    TOPICS,
    CONFIG_CHANGES,
    DELETE_TOPICS,
    BROKER_SEQID,
    ISR_CHANGE_NOTIFICATION,
    PRODUCER_ID_BLOCK,
    LOG_DIR_EVENT_NOTIFICATION,
    "/config/topics",
    "/config/clients",
    "/config/users",
    "/config/brokers",
    "/config/ips",
)
"""What every broker makes at its start if it is not there (ZkData.PersistentZkPaths)."""


def broker(broker_id: int) -> str:
    return f"{BROKER_IDS}/{broker_id}"


def topic(name: str) -> str:
    return f"{TOPICS}/{name}"


def partitions(topic_name: str) -> str:
    return f"{TOPICS}/{topic_name}/partitions"


def partition(tp: TopicPartition) -> str:
    return f"{TOPICS}/{tp.topic}/partitions/{tp.partition}"


def partition_state(tp: TopicPartition) -> str:
    return f"{TOPICS}/{tp.topic}/partitions/{tp.partition}/state"


def consumer_offset(group_id: str, tp: TopicPartition) -> str:
    return f"{CONSUMERS}/{group_id}/offsets/{tp.topic}/{tp.partition}"


def delete_topic(name: str) -> str:
    return f"{DELETE_TOPICS}/{name}"


def config(entity_path: str) -> str:
    """`entity_path` as config changes name it: `topics/orders`, `brokers/<default>`."""
    return f"{CONFIG}/{entity_path}"


def topic_entity(name: str) -> str:
    return f"topics/{name}"


def broker_entity(broker_id: int | None) -> str:
    """None means the default of all brokers."""
    return f"brokers/{'<default>' if broker_id is None else broker_id}"


def name_of(path: str) -> str:
    """The last part of a path: `orders` of /brokers/topics/orders."""
    return path.rpartition("/")[2]
