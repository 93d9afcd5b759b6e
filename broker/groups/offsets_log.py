"""`__consumer_offsets`, the topic that is the group coordinator's memory."""

from typing import Final, Protocol

from broker.coordinators.log import CoordinatorLog

OFFSETS_TOPIC: Final = "__consumer_offsets"


class OffsetsLog(CoordinatorLog, Protocol):
    """The partitions of `__consumer_offsets` that this broker leads."""
