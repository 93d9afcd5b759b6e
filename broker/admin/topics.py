"""Topics by way of ZooKeeper: what the handlers of the admin APIs ask for.

The rules and the znodes are in `coordination.topics`; here is what a broker
adds: its defaults, its view of the live brokers, and waiting until the brokers
have heard of the outcome.

    CreateTopics ─► create ─► /config/topics/T, /brokers/topics/T
                                    │ watch
                       controller ◄─┘──► LeaderAndIsr, UpdateMetadata
                                                   │
    answer ◄── wait_for_leaders ◄── metadata cache ┘

Any broker may create a topic that a client has asked Metadata for: the znodes
are written by conditional creates, so two brokers at once make one topic.

Kafka: ZkAdminManager, AutoTopicCreationManager.
"""

import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from random import Random
from typing import Final

import attrs
import trio

from broker.admin.live_configs import LiveConfigs
from broker.config.broker_config import BrokerConfig
from broker.config.topic_configs import (
    InvalidTopicConfigError,
    validate_topic_configs,
)
from broker.control.metadata_cache import MetadataCache
from broker.groups.offsets_log import OFFSETS_TOPIC
from broker.transactions.transactions_log import TRANSACTIONS_TOPIC
from broker.waiting import wait_until
from broker.wire.errors import ErrorCode, KafkaError
from broker.zookeeper import ZooKeeper, zookeeper_errors
from coordination import topics
from coordination.assignment import AdminError, BrokerRack, assign_replicas
from coordination.topic_checks import check_topic_name
from coordination.values import ZERO_UUID, TopicPartition
from coordination.znodes import BadZnode

INTERNAL_TOPICS: Final = frozenset({OFFSETS_TOPIC, TRANSACTIONS_TOPIC})
# KRaft's log of the cluster. A cluster that has a topic of this name could not move to KRaft.
CLUSTER_METADATA_TOPIC: Final = "__cluster_metadata"


@attrs.frozen
class NewTopic:
    """What a client asks for. -1 for a count: the broker's default, or as `assignment` says."""

    name: str
    partition_count: int = -1
    replication_factor: int = -1
    assignment: Mapping[int, tuple[int, ...]] = attrs.field(factory=dict)
    configs: Mapping[str, str | None] = attrs.field(factory=dict)


@attrs.frozen
class CreatedTopic:
    """What it has become. `overrides` are its own configs."""

    name: str
    topic_id: uuid.UUID
    partition_count: int
    replication_factor: int
    overrides: Mapping[str, str]


@attrs.define(eq=False)
class TopicAdmin:
    """What this broker can do to topics, as long as it has a ZooKeeper session."""

    configs: LiveConfigs
    zookeeper: ZooKeeper
    metadata: MetadataCache
    randomness: Random

    # -- creating and deleting --------------------------------------------------

    async def create(self, new: NewTopic, *, validate_only: bool = False) -> CreatedTopic:
        """Write the topic's znodes; raises `KafkaError`.

        That it exists comes first, as in Kafka: whoever makes sure of a topic at each start is not
        to hear instead that a broker is away and its replicas could not be placed now.
        """
        if new.name in self.metadata.current.topics:
            raise KafkaError(ErrorCode.TOPIC_ALREADY_EXISTS, f"Topic '{new.name}' already exists.")
        missing = sorted(name for name, value in new.configs.items() if value is None)
        if missing:
            raise KafkaError(
                ErrorCode.INVALID_CONFIG,
                f"Null value not supported for topic configs: {','.join(missing)}",
            )
        overrides = {name: value for name, value in new.configs.items() if value is not None}
        topic_id = uuid.uuid4()
        with _kafka_errors():
            assignment = self._assignment(new)
            validate_topic_configs(self._config, overrides)
            await topics.create_topic(
                await self.configs.session(),
                new.name,
                assignment,
                overrides,
                topic_id=topic_id,
                validate_only=validate_only,
            )
        return CreatedTopic(
            new.name,
            ZERO_UUID if validate_only else topic_id,
            partition_count=len(assignment),
            replication_factor=len(assignment[0]),
            overrides=overrides,
        )

    def _assignment(self, new: NewTopic) -> Mapping[int, Sequence[int]]:
        if new.assignment:
            if new.partition_count != -1 or new.replication_factor != -1:
                raise KafkaError(
                    ErrorCode.INVALID_REQUEST,
                    "Both numPartitions or replicationFactor and replicasAssignments were set. "
                    "Both cannot be used at the same time.",
                )
            return new.assignment
        brokers = self._brokers()
        partitions, replicas = new.partition_count, new.replication_factor
        return assign_replicas(
            brokers,
            self._config.num_partitions if partitions == -1 else partitions,
            self._config.default_replication_factor if replicas == -1 else replicas,
            start_index=self.randomness.randrange(max(1, len(brokers))),
            shift=self.randomness.randrange(max(1, len(brokers))),
        )

    async def create_automatically(self, name: str) -> None:
        """Create a topic because a client has asked for it, with the broker's defaults.

        Two brokers may do so at the same time; the second finds it done.
        """
        if name == OFFSETS_TOPIC:
            new = NewTopic(
                name,
                self._config.offsets_topic_num_partitions,
                self._config.offsets_topic_replication_factor,
                configs={
                    "cleanup.policy": "compact",
                    "compression.type": "producer",
                    "segment.bytes": str(self._config.offsets_topic_segment_bytes),
                },
            )
        elif name == TRANSACTIONS_TOPIC:
            new = NewTopic(
                name,
                self._config.transaction_state_log_num_partitions,
                self._config.transaction_state_log_replication_factor,
                configs={
                    "cleanup.policy": "compact",
                    "compression.type": "uncompressed",
                    "min.insync.replicas": str(self._config.transaction_state_log_min_isr),
                    "segment.bytes": str(self._config.transaction_state_log_segment_bytes),
                    "unclean.leader.election.enable": "false",
                },
            )
        else:
            new = NewTopic(name)
        try:
            await self.create(new)
        except KafkaError as error:
            if error.code is not ErrorCode.TOPIC_ALREADY_EXISTS:
                raise

    async def create_partitions(
        self,
        name: str,
        total_count: int,
        assignments: Sequence[Sequence[int]] | None,
        *,
        validate_only: bool,
    ) -> int:
        """Grow a topic to `total_count` partitions, and say by how many; raises `KafkaError`."""
        with _kafka_errors():
            added = await topics.create_partitions(
                await self.configs.session(),
                name,
                total_count,
                self._brokers(),
                assignments,
                validate_only=validate_only,
            )
        return len(added)

    async def delete(self, name: str) -> None:
        """Mark a topic for deletion; raises `KafkaError`."""
        with _kafka_errors():
            await topics.delete_topic(await self.configs.session(), name)

    async def gone(self, partitions: Collection[TopicPartition]) -> set[TopicPartition]:
        """Those of the partitions that don't exist, or are to be deleted; raises `KafkaError`.

        Not those of a topic whose znode is damaged: of them nobody knows.
        """
        with _kafka_errors():
            session = await self.configs.session()
            live = await topics.live_partitions(session, {each.topic for each in partitions})
        return {each for each in partitions if not _may_live(each, live.get(each.topic, ()))}

    def check_name(self, name: str) -> None:
        """Raises `KafkaError` INVALID_TOPIC_EXCEPTION for a name that no topic can have."""
        with _kafka_errors():
            check_topic_name(name)

    # -- waiting for the outcome ------------------------------------------------

    async def wait_for_leaders(
        self, names: Collection[str], deadline_s: float, counts: Mapping[str, int] | None = None
    ) -> set[str]:
        """Wait until all partitions of the topics have leaders; returns the topics that haven't.

        `counts` are how many partitions a topic is to have, where that's more than one.
        """
        expected = counts or {}

        def missing() -> set[str]:
            known = self.metadata.current.topics
            return {
                name
                for name in names
                if name not in known
                or len(known[name].partitions) < expected.get(name, 1)
                or any(p.leader_and_isr.leader < 0 for p in known[name].partitions.values())
            }

        timeout_s = max(0, deadline_s - trio.current_time())
        await wait_until(lambda: not missing(), [self.metadata.changed], timeout_s)
        return missing()

    async def wait_until_gone(self, names: Collection[str], deadline_s: float) -> set[str]:
        """Wait until no broker metadata names the topics; returns those that are still there."""

        def left() -> set[str]:
            return {name for name in names if name in self.metadata.current.topics}

        timeout_s = max(0, deadline_s - trio.current_time())
        await wait_until(lambda: not left(), [self.metadata.changed], timeout_s)
        return left()

    # -- ------------------------------------------------------------------------

    def _brokers(self) -> list[BrokerRack]:
        live = self.metadata.current.brokers
        return [BrokerRack(broker_id, live[broker_id].rack) for broker_id in sorted(live)]

    @property
    def _config(self) -> BrokerConfig:
        return self.configs.current


def _may_live(partition: TopicPartition, found: Collection[int] | BadZnode) -> bool:
    return isinstance(found, BadZnode) or partition.partition in found


@contextmanager
def _kafka_errors() -> Iterator[None]:
    """What the coordination package refuses, as the error that the client hears of."""
    try:
        with zookeeper_errors():
            yield
    except AdminError as error:
        raise KafkaError(ErrorCode[error.error], str(error)) from error
    except InvalidTopicConfigError as error:
        raise KafkaError(ErrorCode.INVALID_CONFIG, str(error)) from error
