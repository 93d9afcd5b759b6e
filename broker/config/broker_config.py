"""What the broker reads from its configuration, typed.

A field's name is the property's name with dots as underscores: `num.partitions` is
`num_partitions`. Having a field *is* being in use: a property without one is recognised, checked
and then named in a warning. A few fields are worked out of several properties; derived.py says
how. `BrokerConfig` is frozen and has no defaults of its own: those are in the
table (broker/config/table), and every instance comes from `BrokerConfig.from_properties`.

It says what counts, wherever it was said: what ZooKeeper holds for this broker stands over the
file (dynamic.py). When that changes, `with_dynamic` makes another BrokerConfig, and the owner
(broker/admin/live_configs.py) puts it in the place of the old one, whole.

Source: Kafka's `KafkaConfig`; the list of its names is https://kafka.apache.org/39/documentation.
"""

import socket
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import attrs

from broker.config.derived import DERIVED
from broker.config.dynamic import LISTENER_SETTING, THROTTLES, DynamicConfigs, of_listeners, overlay
from broker.config.http_listener import KEY as HTTP_LISTENER
from broker.config.http_listener import read_http_listener
from broker.config.listeners import read_listeners
from broker.config.rules import check_rules
from broker.config.table import BROKER_PROPERTIES
from broker.config.zookeeper_connect import ZooKeeperConnect
from coordination.values import Endpoint

CREATION_RATE: Final = "max.connection.creation.rate"
MAX_CONNECTIONS: Final = "max.connections"


@attrs.frozen(kw_only=True)
class BrokerConfig:
    # What the file and the overrides said, as text: DescribeConfigs tells it from the defaults.
    properties: Mapping[str, str]
    # What ZooKeeper holds over that.
    dynamic: DynamicConfigs

    # Who it is. broker_id is -1 until one is generated (broker.id.generation.enable).
    broker_id: int
    broker_id_generation_enable: bool
    reserved_broker_max_id: int
    broker_rack: str | None

    # ZooKeeper
    zookeeper_connect: ZooKeeperConnect
    zookeeper_session_timeout_ms: int
    zookeeper_connection_timeout_ms: int

    # Listeners and connections
    listeners: tuple[Endpoint, ...]  # host "" is every interface
    advertised_listeners: tuple[Endpoint, ...]
    inter_broker_listener_name: str
    control_plane_listener_name: str | None
    http_listener: Endpoint | None  # for monitoring; not Kafka's (http_listener.py)
    socket_listen_backlog_size: int
    socket_request_max_bytes: int
    connections_max_idle_ms: int
    max_connection_creation_rate: int
    # A listener's own, by its name in lower case.
    max_connection_creation_rate_of_listener: Mapping[str, int]
    max_connections: int
    max_connections_of_listener: Mapping[str, int]
    max_connections_per_ip: int
    max_connections_per_ip_overrides: Mapping[str, int]
    request_timeout_ms: int

    # Topics
    auto_create_topics_enable: bool
    delete_topic_enable: bool
    num_partitions: int
    default_replication_factor: int
    unclean_leader_election_enable: bool
    min_insync_replicas: int

    # Replication and fetching
    replica_lag_time_max_ms: int
    replica_fetch_max_bytes: int
    replica_fetch_min_bytes: int
    replica_fetch_wait_max_ms: int
    replica_fetch_response_max_bytes: int
    replica_fetch_backoff_ms: int
    replica_socket_timeout_ms: int
    replica_high_watermark_checkpoint_interval_ms: int
    replica_selector_class: str | None
    fetch_max_bytes: int
    max_incremental_fetch_session_cache_slots: int

    # Limits of replication traffic and of moves between log directories (KIP-73, KIP-113); the
    # rates, bytes a second, are set in ZooKeeper only
    replication_quota_window_num: int
    replication_quota_window_size_seconds: int
    alter_log_dirs_replication_quota_window_num: int
    alter_log_dirs_replication_quota_window_size_seconds: int
    replica_alter_log_dirs_io_max_bytes_per_second: int
    leader_replication_throttled_rate: int
    follower_replication_throttled_rate: int

    # Over how many windows, of which length, clients' quotas are measured (KIP-13, KIP-599)
    quota_window_num: int
    quota_window_size_seconds: int
    controller_quota_window_num: int
    controller_quota_window_size_seconds: int

    # The controller, and leaving in an orderly way
    controller_socket_timeout_ms: int
    auto_leader_rebalance_enable: bool
    leader_imbalance_check_interval_seconds: int
    leader_imbalance_per_broker_percentage: int
    controlled_shutdown_enable: bool
    controlled_shutdown_max_retries: int
    controlled_shutdown_retry_backoff_ms: int

    # Log directories and their upkeep
    log_dirs: tuple[Path, ...]
    num_recovery_threads_per_data_dir: int
    num_replica_alter_log_dirs_threads: int  # as many as there are log directories, if not set
    log_initial_task_delay_ms: int
    log_retention_check_interval_ms: int
    log_flush_offset_checkpoint_interval_ms: int
    log_flush_start_offset_checkpoint_interval_ms: int

    # Compaction
    log_cleaner_enable: bool
    log_cleaner_threads: int
    log_cleaner_backoff_ms: int
    log_cleaner_dedupe_buffer_size: int
    log_cleaner_io_buffer_load_factor: float
    log_cleaner_io_buffer_size: int
    log_cleaner_io_max_bytes_per_second: float

    # What a topic gets that does not say otherwise (topic_configs.py has the topics' names)
    compression_gzip_level: int
    compression_lz4_level: int
    compression_type: str
    compression_zstd_level: int
    log_cleaner_delete_retention_ms: int
    log_cleaner_max_compaction_lag_ms: int
    log_cleaner_min_cleanable_ratio: float
    log_cleaner_min_compaction_lag_ms: int
    log_cleanup_policy: tuple[str, ...]
    log_flush_interval_messages: int
    log_flush_interval_ms: int
    log_index_interval_bytes: int
    log_index_size_max_bytes: int
    log_message_downconversion_enable: bool
    log_message_timestamp_after_max_ms: int
    log_message_timestamp_before_max_ms: int
    log_message_timestamp_type: str
    log_retention_bytes: int
    log_retention_ms: int
    log_roll_jitter_ms: int
    log_roll_ms: int
    log_segment_bytes: int
    log_segment_delete_delay_ms: int
    message_max_bytes: int

    # Consumer groups
    group_initial_rebalance_delay_ms: int
    group_max_session_timeout_ms: int
    group_max_size: int
    group_min_session_timeout_ms: int
    offset_metadata_max_bytes: int
    offsets_commit_timeout_ms: int
    offsets_load_buffer_size: int
    offsets_retention_check_interval_ms: int
    offsets_retention_minutes: int
    offsets_topic_num_partitions: int
    offsets_topic_replication_factor: int
    offsets_topic_segment_bytes: int

    # Transactions and producer ids
    producer_id_expiration_check_interval_ms: int
    producer_id_expiration_ms: int
    transaction_abort_timed_out_transaction_cleanup_interval_ms: int
    transaction_max_timeout_ms: int
    transaction_partition_verification_enable: bool
    transaction_remove_expired_transaction_cleanup_interval_ms: int
    transaction_state_log_load_buffer_size: int
    transaction_state_log_min_isr: int
    transaction_state_log_num_partitions: int
    transaction_state_log_replication_factor: int
    transaction_state_log_segment_bytes: int
    transactional_id_expiration_ms: int

    @classmethod
    def from_properties(
        cls,
        properties: Mapping[str, str],
        canonical_host_name: Callable[[], str] = socket.getfqdn,
        dynamic: DynamicConfigs = DynamicConfigs(),  # noqa: B008  (frozen)
    ) -> "BrokerConfig":
        """Parses and checks every name that Kafka knows; raises ConfigError for a wrong one.

        properties: as the file has them; names that Kafka does not know are kept and not looked at.
        canonical_host_name: what is advertised for a listener that names no host.
        """
        properties = _with_node_id(properties)
        texts = overlay(properties, dynamic)
        values: dict[str, Any] = {
            name: row.parse(texts.get(name, row.default)) for name, row in BROKER_PROPERTIES.items()
        }
        in_zookeeper = overlay({}, dynamic)
        values |= {
            name: row.parse(in_zookeeper.get(name, row.default)) for name, row in THROTTLES.items()
        }
        check_rules(values)
        listeners = read_listeners(values, texts, canonical_host_name)
        worked_out: dict[str, Any] = {
            "properties": properties,
            "dynamic": dynamic,
            "listeners": listeners.bound,
            "advertised_listeners": listeners.advertised,
            "inter_broker_listener_name": listeners.inter_broker_name,
            "control_plane_listener_name": listeners.control_plane_name,
            "http_listener": read_http_listener(properties, listeners.bound),
            "max_connection_creation_rate_of_listener": of_listeners(CREATION_RATE, texts),
            "max_connections_of_listener": of_listeners(MAX_CONNECTIONS, texts),
        } | {name: derive(values) for name, derive in DERIVED.items()}
        return cls(
            **{
                field.name: worked_out[field.name]
                if field.name in worked_out
                else values[field.name.replace("_", ".")]
                for field in attrs.fields(cls)
            }
        )

    def with_dynamic(self, dynamic: DynamicConfigs) -> "BrokerConfig":
        """The same broker, under other dynamic configs; raises ConfigError.

        Who it is and where it listens stays as it was at the start.
        """
        changed = BrokerConfig.from_properties(self.properties, lambda: "", dynamic)
        return attrs.evolve(changed, **{name: getattr(self, name) for name in _FIXED})


# What no dynamic config changes; a listener would have to be opened or closed.
_FIXED: Final = (
    "broker_id",
    "listeners",
    "advertised_listeners",
    "inter_broker_listener_name",
    "control_plane_listener_name",
    "http_listener",
)


def _with_node_id(properties: Mapping[str, str]) -> dict[str, str]:
    """`node.id` is another name for `broker.id` since KRaft (`KafkaConfig.populateSynonyms`)."""
    filled = dict(properties)
    for name, other in (("broker.id", "node.id"), ("node.id", "broker.id")):
        if name not in filled and other in filled:
            filled[name] = filled[other]
    return filled


# Names that speak through a field of another name.
_READ_FOR_OTHERS: Final = frozenset(
    {
        "node.id",
        "process.roles",
        "controller.listener.names",
        "inter.broker.protocol.version",
        "listener.security.protocol.map",
        "security.inter.broker.protocol",
        "log.dir",
        "log.message.timestamp.difference.max.ms",
        "log.retention.minutes",
        "log.retention.hours",
        "log.roll.hours",
        "log.roll.jitter.hours",
    }
)

USED_PROPERTIES: Final = _READ_FOR_OTHERS | {
    field.name.replace("_", ".") for field in attrs.fields(BrokerConfig)
} - {
    "properties",
    "dynamic",
    "max.connection.creation.rate.of.listener",
    "max.connections.of.listener",
    HTTP_LISTENER,
    *THROTTLES,
}


def is_used(name: str) -> bool:
    """Whether anything here goes by it. Of a listener's own settings those of connections are."""
    setting = LISTENER_SETTING.fullmatch(name)
    own = setting is not None and setting[2] in (CREATION_RATE, MAX_CONNECTIONS)
    return own or name in USED_PROPERTIES


def without_effect(names: Iterable[str]) -> list[str]:
    """Of names that may change while the broker runs: those that are only stored.

    There is no such thing here (a pool of threads), or it stays as it was at the start.
    """
    at_start = {name.replace("_", ".") for name in _FIXED} | {"listener.security.protocol.map"}
    fields = {field.name.replace("_", ".") for field in attrs.fields(BrokerConfig)}
    return [name for name in names if name in at_start or not (is_used(name) or name in fields)]
