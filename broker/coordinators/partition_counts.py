"""How many partitions the coordinators' topics have: counted once, and kept.

The partition of a group, or of a transactional id, is the hash of its name modulo this number. Were
it another one for a moment, all of them would be looked for where nobody knows them: a consumer is
told that its group has committed nothing, a producer's former life is not fenced. So it is counted
in ZooKeeper, before any client is answered, and does not follow the metadata: at the beginning of a
controller's term a broker hears of the partitions in pieces; and a topic that is made larger counts
as it did until the broker's next start.

    no such topic    as many as it will be made with, by this broker's configuration
    it is made       counted, whoever has made it
    made again       as it was, until the new one is counted
    it is deleted    forgotten

Nobody answers for a partition of a topic that isn't counted (`until_counted`): with the planned
number the groups in its log would be taken for those of another partition.

Source: the functions that Kafka's `KafkaServer` gives to `startup` of its coordinators. There a
topic that is made later has the configured number for good.
"""

import math
from collections.abc import Mapping
from contextlib import suppress
from typing import Final
from uuid import UUID

import attrs
import trio

from broker.control.metadata_cache import MetadataCache
from broker.waiting import Movement, wait_until
from broker.zookeeper import ZooKeeper
from coordination.store import Session, SessionLost
from coordination.topics import live_partitions
from coordination.values import ZERO_UUID
from coordination.znodes import BadZnode

RETRY_S: Final = 1.0


@attrs.define(eq=False)
class PartitionCounts:
    """Of the topics in `planned`, which says how many partitions each will be made with."""

    planned: Mapping[str, int]
    metadata: MetadataCache
    zookeeper: ZooKeeper
    _counted: dict[str, int] = attrs.field(factory=dict, init=False)
    _outdated: set[str] = attrs.field(factory=set, init=False)
    """Counted, but made again since."""
    _seen: dict[str, UUID] = attrs.field(factory=dict, init=False)
    _moved: Movement = attrs.field(factory=Movement, init=False)

    def of(self, topic: str) -> int:
        return self._counted.get(topic, self.planned[topic])

    async def count(self, session: Session) -> None:
        """Count the topics that have not been. Raises SessionLost, BadZnode."""
        uncounted = {topic for topic in self.planned if not self._is_counted(topic)}
        live = await live_partitions(session, uncounted)
        damaged = None
        for topic, partitions in live.items():
            if isinstance(partitions, BadZnode):
                damaged = partitions
            else:
                self._counted[topic] = len(partitions)
                self._outdated.discard(topic)
        self._moved.happened()
        if damaged is not None:
            raise damaged

    async def until_counted(self, topic: str) -> None:
        """Wait until `of` says how many the topic that is there has."""
        await wait_until(lambda: self._is_counted(topic), [self._moved], math.inf)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Hear of topics that are made, and deleted. Started: at once."""
        task_status.started()
        while True:
            before, self._seen = self._seen, self._in_metadata()
            for topic, topic_id in before.items():
                if topic not in self._seen:
                    self._counted.pop(topic, None)
                    self._outdated.discard(topic)
                elif topic_id != ZERO_UUID and self._seen[topic] != topic_id:
                    self._outdated.add(topic)
            if self._are_new:
                with suppress(SessionLost, BadZnode):
                    await self.count(await self.zookeeper.session())
            await wait_until(
                lambda: self._in_metadata() != self._seen,
                [self.metadata.changed],
                timeout_s=RETRY_S if self._are_new else math.inf,
            )

    @property
    def _are_new(self) -> bool:
        """Whether there are topics that have not been counted."""
        return not all(map(self._is_counted, self._seen))

    def _is_counted(self, topic: str) -> bool:
        return topic in self._counted and topic not in self._outdated

    def _in_metadata(self) -> dict[str, UUID]:
        """One that was deleted and made again has another id."""
        known = self.metadata.current.topics
        return {topic: known[topic].topic_id for topic in self.planned if topic in known}
