"""The replicas on this broker, found by name.

The registry owns the `Partition`s. Who changes their roles is
`broker.replica.control` (the controller's LeaderAndIsr and StopReplica); who
appends and reads is `broker.replica.append` and `broker.replica.fetch`.

A replica in a failed log directory is *offline*: only its name is kept, to answer
KAFKA_STORAGE_ERROR to whoever asks for it, until the broker starts again (KIP-112).

Kafka: ReplicaManager.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from uuid import UUID

import attrs
import trio

from broker.config.broker_config import BrokerConfig
from broker.control.metadata_cache import MetadataCache
from broker.log.log_config import LogConfig
from broker.log.log_manager import LogManager
from broker.log.partition_log import PartitionLog
from broker.replica.high_watermark_checkpoints import HighWatermarks
from broker.replica.partition import Partition
from broker.replica.refusals import Refusals
from broker.replica.roles import Leading
from broker.replica.throttle import Throttle
from broker.replica.traffic import TrafficByTopic
from broker.wire.errors import ErrorCode, KafkaError
from coordination.values import ZERO_UUID, TopicPartition


@attrs.define(eq=False)
class ReplicaManager:
    """All partitions that have a replica here. One owner: the event loop's tasks, no threads."""

    broker_id: int
    config: BrokerConfig
    logs: LogManager
    high_watermarks: HighWatermarks
    metadata: MetadataCache
    # What the logs of a topic run with: its overrides are read from ZooKeeper.
    topic_config: Callable[[str], Awaitable[LogConfig]]
    throttle: Throttle  # of what is read for followers
    partitions: dict[TopicPartition, Partition] = attrs.field(factory=dict, init=False)
    offline: set[TopicPartition] = attrs.field(factory=set, init=False)
    traffic: TrafficByTopic = attrs.field(factory=TrafficByTopic, init=False)
    refusals: Refusals = attrs.field(factory=Refusals, init=False)
    # Looking into what producers send; a batch may open to 100 MB (`compression`).
    preparing: trio.CapacityLimiter = attrs.field(
        factory=lambda: trio.CapacityLimiter(4), init=False
    )
    # Reading for old clients (`down_conversion`): they must not keep the threads from anybody else.
    down_converting: trio.CapacityLimiter = attrs.field(
        factory=lambda: trio.CapacityLimiter(2), init=False
    )
    # Opening batches for who asks by time (`timestamp_search`).
    searching: trio.CapacityLimiter = attrs.field(
        factory=lambda: trio.CapacityLimiter(2), init=False
    )
    _topic_names: dict[UUID, str] = attrs.field(factory=dict, init=False)
    _replicas_of_topic: Counter[UUID] = attrs.field(factory=Counter, init=False)  # offline ones too
    # The largest controller epoch seen: a request with a smaller one is a zombie's.
    controller_epoch: int = attrs.field(default=0, init=False)
    # LeaderAndIsr and StopReplica are applied one after the other, whoever sent them.
    control_order: trio.Lock = attrs.field(factory=trio.Lock, init=False)

    def find(self, topic_partition: TopicPartition, topic_id: UUID = ZERO_UUID) -> Partition:
        """The replica here, for a request that means the topic `topic_id` (zero: any).

        Raises `KafkaError` NOT_LEADER_OR_FOLLOWER for a partition that exists
        elsewhere, UNKNOWN_TOPIC_OR_PARTITION for one that doesn't, as far as
        this broker knows, INCONSISTENT_TOPIC_ID for another topic of that name,
        KAFKA_STORAGE_ERROR for one whose log directory has failed.
        """
        partition = self.partitions.get(topic_partition)
        if partition is None:
            self.check_online(topic_partition)
            known = self.metadata.current.partition(topic_partition) is not None
            raise KafkaError(
                ErrorCode.NOT_LEADER_OR_FOLLOWER if known else ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
                f"broker {self.broker_id} has no replica of {topic_partition}",
            )
        if ZERO_UUID not in (topic_id, partition.topic_id) and topic_id != partition.topic_id:
            raise KafkaError(
                ErrorCode.INCONSISTENT_TOPIC_ID,
                f"{topic_partition} has topic id {partition.topic_id} here, not {topic_id}",
            )
        return partition

    def check_online(self, topic_partition: TopicPartition) -> None:
        """Raises `KafkaError` KAFKA_STORAGE_ERROR if its log directory has failed."""
        if topic_partition in self.offline:
            raise KafkaError(
                ErrorCode.KAFKA_STORAGE_ERROR,
                f"{topic_partition} is in an offline log directory",
            )

    def topic_name(self, topic_id: UUID) -> str | None:
        """The name of the topic with that id, None if this broker knows of none.

        LeaderAndIsr comes before UpdateMetadata, and the followers' first fetches in
        between: what we have a replica of counts too.
        """
        name = self.metadata.current.topic_names.get(topic_id)
        return name if name is not None else self._topic_names.get(topic_id)

    @property
    def selects_by_rack(self) -> bool:
        """Whether a leader sends consumers to nearer replicas."""
        return self.config.replica_selector_class is not None

    def leading(self) -> list[Partition]:
        """Those that we lead, and can: whose log directory has failed waits for its end."""
        return [
            partition
            for partition in self.partitions.values()
            if isinstance(partition.role, Leading) and not partition.log.is_failed
        ]

    def brokers_left(self) -> None:
        """A broker is gone from the metadata: what waited for it to join an ISR waits no more."""
        now_s = trio.current_time()
        for partition in self.leading():
            partition.advance_high_watermark(now_s)

    def add(self, topic_partition: TopicPartition, topic_id: UUID, log: PartitionLog) -> Partition:
        """Make the replica of an opened log known."""
        partition = Partition(
            topic_partition=topic_partition,
            broker_id=self.broker_id,
            topic_id=topic_id,
            log=log,
            replica_lag_time_max_s=self.config.replica_lag_time_max_ms / 1000,
            is_alive=lambda broker_id: broker_id in self.metadata.current.brokers,
            traffic=self.traffic.joined(topic_partition.topic),
        )
        log.update_high_watermark(self.high_watermarks.at_start(log))
        self.partitions[topic_partition] = partition
        self.high_watermarks.watch(partition)
        self._topic_names[topic_id] = topic_partition.topic
        self._replicas_of_topic[topic_id] += 1
        return partition

    def remove(self, topic_partition: TopicPartition) -> None:
        """Forget a replica whose log is being deleted."""
        gone = self.partitions.pop(topic_partition, None)
        if gone is None:
            return
        gone.future = None
        self.high_watermarks.unwatch(gone)
        self.traffic.left(topic_partition.topic)
        self._replicas_of_topic[gone.topic_id] -= 1
        if not self._replicas_of_topic[gone.topic_id]:
            del self._replicas_of_topic[gone.topic_id], self._topic_names[gone.topic_id]

    def take_offline(self, topic_partition: TopicPartition) -> Partition | None:
        """Its log directory has failed: have no role, serve nobody. What it was, if it was one."""
        self.offline.add(topic_partition)
        partition = self.partitions.pop(topic_partition, None)
        if partition is not None:
            self.traffic.left(topic_partition.topic)
            partition.go_offline()
        return partition

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Write the high watermarks from time to time. Started: at once."""
        task_status.started()
        while True:
            await trio.sleep(self.config.replica_high_watermark_checkpoint_interval_ms / 1000)
            await self.high_watermarks.write_moved(self.partitions.values())
