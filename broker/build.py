"""Putting one broker together: which part is given which. No task starts here."""

import time
from collections.abc import Callable
from functools import partial

import trio

from broker.admin.client_quotas import ClientQuotas
from broker.admin.live_configs import LiveConfigs
from broker.admin.topics import TopicAdmin
from broker.broker import Broker
from broker.config.broker_config import BrokerConfig
from broker.config.topic_configs import cleaner_config, log_config, producer_config
from broker.control.client import ControllerClient
from broker.control.metadata_cache import MetadataCache
from broker.coordinators.partition_counts import PartitionCounts
from broker.coordinators.replicated_log import ReplicatedLog, ReplicatedOffsetsLog
from broker.groups.coordinator import GroupCoordinator
from broker.groups.offsets_log import OFFSETS_TOPIC
from broker.groups.old_offsets import ZooKeeperOffsets
from broker.log.log_manager import LogManager, LogManagerConfig
from broker.network.broker_link import BrokerLink
from broker.network.peers import Connect
from broker.quotas.client_quota import ClientQuota
from broker.quotas.connection_rates import ConnectionRates
from broker.quotas.mutations import MutationQuota
from broker.quotas.quotas import Quotas
from broker.quotas.windowed_sum import WindowedSum
from broker.replica.fetch_sessions import FetchSessions
from broker.replica.fetchers import Fetchers
from broker.replica.high_watermark_checkpoints import HighWatermarks
from broker.replica.isr_changes import IsrChanges
from broker.replica.log_dir_moves import LogDirMoves
from broker.replica.manager import ReplicaManager
from broker.replica.throttle import Throttle
from broker.replica.verification import Verifier
from broker.surroundings import Surroundings
from broker.transactions.coordinator import TransactionCoordinator
from broker.transactions.producer_ids import ProducerIds
from broker.transactions.transactions_log import TRANSACTIONS_TOPIC
from broker.zookeeper import ZooKeeper
from coordination.finalized_features import FinalizedFeatures
from coordination.values import Recorder


def build_broker(
    config: BrokerConfig,
    cluster_id: str,
    zookeeper: ZooKeeper,
    recorder: Recorder,
    surroundings: Surroundings,
) -> Broker:
    """The broker `config.broker_id`, with nothing loaded and nothing running yet."""
    connect, clock_ms = surroundings.connect, surroundings.clock_ms
    randomness = surroundings.randomness
    metadata = MetadataCache()
    logs = LogManager(
        log_manager_config(config),
        disk=surroundings.disk,
        clock_ms=clock_ms,
        randomness=randomness,
        recorder=recorder,
        start_cleaner=surroundings.start_cleaner,
    )
    configs = LiveConfigs(config, zookeeper, recorder)
    topic_admin = TopicAdmin(configs, zookeeper, metadata, randomness)
    quotas = _quotas(config)
    replicas = ReplicaManager(
        config.broker_id,
        config,
        logs,
        HighWatermarks(logs.directories),
        metadata,
        configs.log_config,
        _throttle(config, lambda: configs.current.leader_replication_throttled_rate),
    )
    controller_client = _controller_client(config, metadata, connect)
    producer_ids = ProducerIds(config.broker_id, _controller_client(config, metadata, connect))
    counts = _partition_counts(config, metadata, zookeeper)
    transactions = TransactionCoordinator(
        config,
        _transactions_log(config, replicas, counts),
        metadata,
        partial(_broker_link, config, metadata, connect),
        topic_admin.gone,
        producer_ids.next_id,
        recorder,
        clock_ms,
    )
    return Broker(
        configs=configs,
        broker_id=config.broker_id,
        cluster_id=cluster_id,
        events=recorder,
        clock_ms=clock_ms,
        metadata=metadata,
        logs=logs,
        replicas=replicas,
        fetch_sessions=FetchSessions(config.max_incremental_fetch_session_cache_slots, randomness),
        fetchers=Fetchers(
            config.broker_id,
            config,
            metadata,
            recorder,
            connect,
            _throttle(config, lambda: configs.current.follower_replication_throttled_rate),
        ),
        isr_changes=IsrChanges(
            replicas, metadata, controller_client, recorder, config.replica_lag_time_max_ms / 1000
        ),
        moves=LogDirMoves(replicas, _moves_throttle(config, configs), recorder),
        controller_client=controller_client,
        producer_ids=producer_ids,
        groups=GroupCoordinator(
            config,
            _offsets_log(config, replicas, counts, transactions.verifier),
            recorder,
            clock_ms,
            randomness,
        ),
        transactions=transactions,
        partition_counts=counts,
        old_offsets=ZooKeeperOffsets(zookeeper),
        topic_admin=topic_admin,
        features=FinalizedFeatures(recorder),
        client_quotas=ClientQuotas(configs, recorder, quotas),
        quotas=quotas,
    )


def _quotas(config: BrokerConfig) -> Quotas:
    window_count, window_s = config.quota_window_num, config.quota_window_size_seconds
    clock_s = trio.current_time
    return Quotas(
        produce=ClientQuota(window_count, window_s, clock_s),
        fetch=ClientQuota(window_count, window_s, clock_s),
        request=ClientQuota(window_count, window_s, clock_s, longest_s=window_s),
        mutations=MutationQuota(
            config.controller_quota_window_num, config.controller_quota_window_size_seconds, clock_s
        ),
        connections=ConnectionRates(window_count, window_s, clock_s),
        busy_clock_s=time.perf_counter,
    )


def _throttle(config: BrokerConfig, rate_bytes_s: Callable[[], float]) -> Throttle:
    windows = WindowedSum(
        config.replication_quota_window_num, config.replication_quota_window_size_seconds
    )
    return Throttle(
        windows,
        rate_bytes_s,
        clock_s=trio.current_time,
    )


def _moves_throttle(config: BrokerConfig, configs: LiveConfigs) -> Throttle:
    windows = WindowedSum(
        config.alter_log_dirs_replication_quota_window_num,
        config.alter_log_dirs_replication_quota_window_size_seconds,
    )
    return Throttle(
        windows,
        lambda: configs.current.replica_alter_log_dirs_io_max_bytes_per_second,
        clock_s=trio.current_time,
    )


def _controller_client(
    config: BrokerConfig, metadata: MetadataCache, connect: Connect
) -> ControllerClient:
    return ControllerClient(
        config.broker_id,
        config.inter_broker_listener_name,
        metadata,
        config.controller_socket_timeout_ms / 1000,
        connect,
    )


def _partition_counts(
    config: BrokerConfig, metadata: MetadataCache, zookeeper: ZooKeeper
) -> PartitionCounts:
    planned = {
        OFFSETS_TOPIC: config.offsets_topic_num_partitions,
        TRANSACTIONS_TOPIC: config.transaction_state_log_num_partitions,
    }
    return PartitionCounts(planned, metadata, zookeeper)


def _offsets_log(
    config: BrokerConfig, replicas: ReplicaManager, counts: PartitionCounts, verifier: Verifier
) -> ReplicatedOffsetsLog:
    return ReplicatedOffsetsLog(
        OFFSETS_TOPIC,
        counts,
        timeout_ms=config.offsets_commit_timeout_ms,
        load_buffer_bytes=config.offsets_load_buffer_size,
        replicas=replicas,
        verifier=verifier,
    )


def _transactions_log(
    config: BrokerConfig, replicas: ReplicaManager, counts: PartitionCounts
) -> ReplicatedLog:
    return ReplicatedLog(
        TRANSACTIONS_TOPIC,
        counts,
        timeout_ms=config.request_timeout_ms,
        load_buffer_bytes=config.transaction_state_log_load_buffer_size,
        replicas=replicas,
    )


def _broker_link(
    config: BrokerConfig, metadata: MetadataCache, connect: Connect, target: int
) -> BrokerLink:
    client_id = str(config.broker_id)
    return BrokerLink(target, client_id, config.inter_broker_listener_name, metadata, connect)


def log_manager_config(config: BrokerConfig) -> LogManagerConfig:
    return LogManagerConfig(
        directories=config.log_dirs,
        defaults=log_config(config, {}),
        offset_checkpoint_interval_ms=config.log_flush_offset_checkpoint_interval_ms,
        start_offset_checkpoint_interval_ms=config.log_flush_start_offset_checkpoint_interval_ms,
        retention_check_interval_ms=config.log_retention_check_interval_ms,
        recovery_threads_per_directory=config.num_recovery_threads_per_data_dir,
        initial_task_delay_ms=config.log_initial_task_delay_ms,
        producers=producer_config(config),
        producer_id_expiration_check_interval_ms=config.producer_id_expiration_check_interval_ms,
        cleaner=cleaner_config(config),
    )
