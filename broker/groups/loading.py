"""Coming and going: this broker is elected leader of a partition of `__consumer_offsets`, or is not
any more.

Elected, it reads the partition from start to end before it answers for its groups, since an old
answer to OffsetFetch would make consumers read everything twice. Clients are told
COORDINATOR_LOAD_IN_PROGRESS and come back, so loading should be short: partitions are read one
after the other, which serves the first groups soonest, and the log is read in chunks, so that the
broker does its other work meanwhile. What was read is shown when it is there to stay, see
`broker.coordinators.loading`: until then an offset could go back. A member loaded from the log has
its session to show up in.

Resigned, it forgets the partition's groups and tells everyone who waits to look for the coordinator
elsewhere (failures of this handing over: KAFKA-4362).

Groups that do not belong to the partition, by their names, are passed over. The topic was made
larger, and this broker started anew: their clients are elsewhere, where groups of the same names
must not be written to on behalf of these. Which they are is known when the topic's partitions have
been counted; that is waited for first.

A partition that cannot be read is not served: its clients go on being told that it is loading, the
trace says why, and it is tried again. (Kafka serves what it had read until then, and so loses
offsets in silence.)

Source: Kafka's loadGroupsAndOffsets, removeGroupsAndOffsets, onGroupLoaded, onGroupUnloaded.
"""

from collections.abc import Callable

import attrs
import trio

from broker.coordinators.background import Background
from broker.coordinators.loading import RETRY_S, read_back
from broker.coordinators.log import partition_for
from broker.groups.config import GroupConfig
from broker.groups.directory import GroupDirectory, GroupPartition
from broker.groups.group import Group
from broker.groups.offsets_log import OffsetsLog
from broker.groups.rebalancing import Rebalancing
from broker.groups.replay import Replay
from broker.wire.errors import KafkaError
from coordination.values import Recorder


@attrs.frozen
class Loading:
    """Takes partitions of `__consumer_offsets` over, and gives them up."""

    config: GroupConfig
    directory: GroupDirectory
    rebalancing: Rebalancing
    log: OffsetsLog
    background: Background
    recorder: Recorder
    clock_ms: Callable[[], int]
    # To read: one partition at a time, in the order of the elections.
    _turn: trio.Lock = attrs.field(factory=trio.Lock, init=False)

    def elected(self, partition: int, leader_epoch: int, cause: str) -> None:
        """This broker leads the partition: load it, unless that is old news, or done."""
        owned = self.directory.own(partition, leader_epoch)
        if owned is not None:
            self.background.start(self._load, owned, cause)

    def resigned(self, partition: int, leader_epoch: int | None, cause: str) -> None:
        """This broker does not lead the partition (None: it was deleted here) any more."""
        owned = self.directory.disown(partition, leader_epoch)
        if owned is None:
            return
        for group in owned.entries.values():
            self.rebalancing.bury(group)
        self.recorder(
            "group.unloaded",
            cause=cause,
            partition=partition,
            leader_epoch=leader_epoch,
            groups=len(owned.entries),
        )

    async def _load(self, owned: GroupPartition, cause: str) -> None:
        await self.log.until_counted()
        while not await self._try_to_load(owned, cause):  # noqa: ASYNC110  (a log has no bell)
            await trio.sleep(RETRY_S)

    async def _try_to_load(self, owned: GroupPartition, cause: str) -> bool:
        """False if it is ours still, and cannot be read."""
        started_at = trio.current_time()
        replay = Replay()
        try:
            if not await read_back(self.log, self.directory, owned, self._turn, replay.apply):
                return True
            loaded = replay.loaded(self.clock_ms())
        except KafkaError as error:
            if not self.directory.still_owns(owned):
                return True
            self.recorder(
                "group.load_failed",
                cause=cause,
                partition=owned.partition,
                error=str(error),
            )
            return False
        loaded.groups = {
            group_id: group
            for group_id, group in loaded.groups.items()
            if partition_for(group_id, self.log.partition_count) == owned.partition
        }
        owned.take(loaded)
        event = self.recorder(
            "group.loaded",
            cause=cause,
            partition=owned.partition,
            leader_epoch=owned.leader_epoch,
            groups=len(owned.entries),
            offsets=sum(len(group.offsets) for group in owned.entries.values()),
            unknown_records=loaded.unknown_records,
            took_ms=round((trio.current_time() - started_at) * 1000),
        )
        for group in list(owned.entries.values()):
            self._revive(group, event)
        return True

    def _revive(self, group: Group, cause: str) -> None:
        group.cause = cause
        for member in group.members.values():
            self.rebalancing.keep_alive(group, member)
        if len(group.members) > self.config.group_max_size:
            self.rebalancing.begin(
                group,
                f"Freshly-loaded group is over capacity ({self.config.group_max_size}). "
                "Rebalancing in order to give a chance for consumers to commit offsets",
            )
