"""What the handlers of the group APIs need of the broker. `Broker` has it all; a test has less."""

from collections.abc import Callable
from typing import Protocol

from broker.control.metadata_cache import MetadataCache
from broker.groups.config import GroupConfig
from broker.groups.coordinator import GroupCoordinator
from coordination.values import TopicPartition


class TopicCreator(Protocol):
    async def create_automatically(self, name: str) -> object:
        """Make a topic with the broker's defaults, or an internal one with its own settings.

        Does nothing if there is one. KafkaError: it cannot be made (now).
        """
        ...


class OldOffsets(Protocol):
    """Offsets where consumers before 0.9 kept them (`broker.groups.old_offsets`)."""

    async def get(self, group_id: str, partition: TopicPartition) -> int | None: ...

    async def set(self, group_id: str, partition: TopicPartition, offset: int) -> None: ...


class GroupServices(Protocol):
    @property
    def groups(self) -> GroupCoordinator: ...
    @property
    def config(self) -> GroupConfig: ...
    @property
    def metadata(self) -> MetadataCache: ...
    @property
    def topic_admin(self) -> TopicCreator: ...
    @property
    def old_offsets(self) -> OldOffsets: ...
    @property
    def clock_ms(self) -> Callable[[], int]: ...
