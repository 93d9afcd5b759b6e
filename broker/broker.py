"""One broker: everything that a request handler may need, in one place.

`broker.run` builds it, starts its tasks and takes it down; the handlers in
`broker.api` get it together with the `RequestContext`. It owns no task and no
socket itself.
"""

from collections.abc import Callable

import attrs

from broker.admin.client_quotas import ClientQuotas
from broker.admin.live_configs import LiveConfigs
from broker.admin.topics import TopicAdmin
from broker.api.context import Authorizer
from broker.config.broker_config import BrokerConfig
from broker.control.client import ControllerClient
from broker.control.metadata_cache import MetadataCache
from broker.coordinators.partition_counts import PartitionCounts
from broker.groups.coordinator import GroupCoordinator
from broker.groups.offsets_log import OFFSETS_TOPIC
from broker.groups.old_offsets import ZooKeeperOffsets
from broker.log.log_manager import LogManager
from broker.quotas.quotas import Quotas
from broker.replica.control import RoleChanges
from broker.replica.fetch_sessions import FetchSessions
from broker.replica.fetchers import Fetchers
from broker.replica.isr_changes import IsrChanges
from broker.replica.log_dir_moves import LogDirMoves
from broker.replica.manager import ReplicaManager
from broker.replica.partition import Partition
from broker.transactions.coordinator import TransactionCoordinator
from broker.transactions.producer_ids import ProducerIds
from broker.transactions.transactions_log import TRANSACTIONS_TOPIC
from broker.wire.errors import ErrorCode, KafkaError
from coordination.controller.inbox import NotController
from coordination.controller.requests import (
    KafkaErrorName,
    Request,
)
from coordination.controller.runner import ControllerSeat
from coordination.finalized_features import FinalizedFeatures
from coordination.values import Recorder


@attrs.define(eq=False)
class Broker:
    """The parts of one broker, and the few facts about it that change."""

    configs: LiveConfigs
    broker_id: int
    cluster_id: str
    events: Recorder
    clock_ms: Callable[[], int]
    metadata: MetadataCache
    logs: LogManager
    replicas: ReplicaManager
    fetch_sessions: FetchSessions
    fetchers: Fetchers
    isr_changes: IsrChanges
    moves: LogDirMoves
    controller_client: ControllerClient
    producer_ids: ProducerIds
    groups: GroupCoordinator
    transactions: TransactionCoordinator
    partition_counts: PartitionCounts  # of the two's topics
    old_offsets: ZooKeeperOffsets
    topic_admin: TopicAdmin
    features: FinalizedFeatures
    client_quotas: ClientQuotas
    quotas: Quotas
    # The czxid of our /brokers/ids node, -1 while we aren't registered.
    broker_epoch: int = -1
    # Who decides what clients may do; None allows everything. See broker.api.permissions.
    authorizer: Authorizer | None = None
    # Taken while this broker is the controller.
    controller: ControllerSeat = attrs.field(factory=ControllerSeat)

    @property
    def config(self) -> BrokerConfig:
        """The configuration as it is now: read a property where you use it, and don't keep it."""
        return self.configs.current

    @property
    def controller_clients(self) -> tuple[ControllerClient, ...]:
        """All connections over which this broker asks the controller."""
        return self.controller_client, self.producer_ids.controller

    @property
    def is_controller(self) -> bool:
        return self.controller.active is not None

    def registered(self, broker_epoch: int) -> None:
        """We're in ZooKeeper, in a new life: everyone who names our epoch learns it."""
        self.broker_epoch = broker_epoch
        self.isr_changes.broker_epoch = broker_epoch
        self.producer_ids.broker_epoch = broker_epoch
        self.fetchers.registered(broker_epoch)

    def check_broker_epoch(self, broker_epoch: int) -> None:
        """Refuse an order meant for this broker before its restart (KIP-380)."""
        if broker_epoch != -1 and broker_epoch < self.broker_epoch:
            raise KafkaError(
                ErrorCode.STALE_BROKER_EPOCH,
                f"the request is for broker epoch {broker_epoch}, ours is {self.broker_epoch}",
            )

    def roles_changed(self, changes: RoleChanges) -> None:
        """Tell those whose work follows from a partition's role: fetchers, moves, coordinators."""
        for partition in [*changes.leaders, *changes.stopped]:
            self.fetchers.unassign(partition)
        for partition in changes.followers:
            self.fetchers.assign(partition)
        for partition in [*changes.leaders, *changes.followers]:
            self.moves.assign(partition)
        for partition in changes.stopped:
            self.moves.remove(partition)
        for partition, cause in changes.leaders.items():
            coordinator = self._coordinator_at(partition)
            if coordinator is not None:
                index = partition.topic_partition.partition
                coordinator.elected(index, partition.leader_epoch, cause)
        for partition, cause in (changes.followers | changes.stopped).items():
            coordinator = self._coordinator_at(partition)
            if coordinator is not None:
                index = partition.topic_partition.partition
                epoch = None if partition in changes.deleted else partition.leader_epoch
                coordinator.resigned(index, epoch, cause)

    def _coordinator_at(
        self, partition: Partition
    ) -> GroupCoordinator | TransactionCoordinator | None:
        """Whose memory the partition is."""
        if partition.topic_partition.topic == OFFSETS_TOPIC:
            return self.groups
        if partition.topic_partition.topic == TRANSACTIONS_TOPIC:
            return self.transactions
        return None

    async def ask_controller(self, request: Request) -> object:
        """The controller's result, if we're it; raises `KafkaError`, NOT_CONTROLLER if not."""
        try:
            result = await self.controller.submit(request)
        except NotController as error:
            raise KafkaError(ErrorCode.NOT_CONTROLLER) from error
        if isinstance(result, KafkaErrorName):
            raise KafkaError(ErrorCode[result.value])
        return result
