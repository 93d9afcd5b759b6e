"""Which partitions are copied from which broker: one fetcher task a source broker.

    LeaderAndIsr ─► assign(partition) ─► the fetcher of its leader   (started if it's the first)
                    unassign(partition)  when we lead it, stop it, or its leader changes

Following a partition is an entry in the fetcher's table and not a task, so 2,000
partitions led by two other brokers are two tasks. A fetcher without partitions ends.

Kafka: ReplicaFetcherManager (with num.replica.fetchers = 1).
"""

import attrs
import trio

from broker.config.broker_config import BrokerConfig
from broker.control.metadata_cache import MetadataCache
from broker.network.peers import Connect
from broker.replica.fetcher import Fetcher
from broker.replica.partition import Partition
from broker.replica.roles import Following
from broker.replica.throttle import Throttle
from coordination.values import NO_LEADER, Recorder


@attrs.define(eq=False)
class Fetchers:
    """All fetchers of a broker; `run` owns their tasks."""

    broker_id: int
    config: BrokerConfig
    metadata: MetadataCache
    recorder: Recorder
    connect: Connect
    throttle: Throttle
    broker_epoch: int = attrs.field(default=-1, init=False)
    _by_source: dict[int, Fetcher] = attrs.field(factory=dict, init=False)
    _nursery: trio.Nursery | None = attrs.field(default=None, init=False)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Hold the fetchers' tasks until cancelled. Started: partitions may be assigned."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            task_status.started()
            try:
                await trio.sleep_forever()
            finally:
                self._nursery = None

    @property
    def max_lag(self) -> int:
        """How many records the replica that is furthest behind its leader lacks."""
        return max((fetcher.max_lag for fetcher in self._by_source.values()), default=0)

    def assign(self, partition: Partition) -> None:
        """Copy `partition` from the leader that its role names, from now on.

        Nothing happens while `run` isn't running: a broker that is being stopped may still be
        in the middle of a LeaderAndIsr.
        """
        self.unassign(partition)
        role = partition.role
        if not isinstance(role, Following) or role.leader == NO_LEADER or self._nursery is None:
            return
        fetcher = self._by_source.get(role.leader)
        if fetcher is None:
            fetcher = Fetcher(
                source=role.leader,
                broker_id=self.broker_id,
                config=self.config,
                metadata=self.metadata,
                recorder=self.recorder,
                connect=self.connect,
                throttle=self.throttle,
            )
            self._by_source[role.leader] = fetcher
            self._nursery.start_soon(self._run_fetcher, fetcher)
        fetcher.broker_epoch = self.broker_epoch
        fetcher.add(partition)

    def unassign(self, partition: Partition) -> None:
        for fetcher in self._by_source.values():
            fetcher.remove(partition)

    def registered(self, broker_epoch: int) -> None:
        """This broker has a new epoch: leaders are told it with each fetch (KIP-903)."""
        self.broker_epoch = broker_epoch
        for fetcher in self._by_source.values():
            fetcher.broker_epoch = broker_epoch

    async def _run_fetcher(self, fetcher: Fetcher) -> None:
        """Run one fetcher until it has nothing to do any more."""
        try:
            await fetcher.run()
        finally:
            if self._by_source.get(fetcher.source) is fetcher:
                del self._by_source[fetcher.source]
