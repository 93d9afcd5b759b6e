"""What the log is asked with and answers with: who appends, where it went, what a read found."""

import enum
from typing import Final

import attrs

from broker.wire.regions import FileRegion

EARLIEST_TIMESTAMP: Final = -2
LATEST_TIMESTAMP: Final = -1
MAX_TIMESTAMP: Final = -3
EARLIEST_LOCAL_TIMESTAMP: Final = -4
LATEST_TIERED_TIMESTAMP: Final = -5

UNDEFINED_EPOCH: Final = -1


class Origin(enum.Enum):
    """Who appends to a leader's log, and so how much must be checked (Kafka's `AppendOrigin`)."""

    CLIENT = "client"  # everything is checked
    COORDINATOR = "coordinator"  # group and transaction coordinators: control batches, no sequences


@attrs.frozen(slots=True)
class AppendInfo:
    """Where an append ended up; for a duplicate, where its first copy did."""

    first_offset: int
    last_offset: int
    max_timestamp_ms: int
    log_append_time_ms: int  # -1 with CreateTime
    log_start_offset: int
    size_bytes: int
    is_duplicate: bool = False

    @property
    def end_offset(self) -> int:
        return self.last_offset + 1


@attrs.frozen(slots=True)
class Slice:
    """What a read found: whole batches from the one that holds `start_offset` on, ready to be sent.

    A batch may be cut short at the end by `max_bytes` (clients expect that), never by the end
    offset. `segment_base_offset` and `position` say where the first byte lies.
    """

    start_offset: int
    regions: tuple[FileRegion, ...]
    size_bytes: int
    segment_base_offset: int
    position: int


@attrs.frozen(slots=True)
class AbortedTransaction:
    """The records of a producer from `first_offset` to its marker at `last_offset`: never happened.

    last_stable_offset: what it was with this marker.
    """

    producer_id: int
    first_offset: int
    last_offset: int
    last_stable_offset: int


@attrs.frozen(slots=True)
class TimestampOffset:
    """An answer of ListOffsets. -1 for a timestamp, offset or epoch that is not known."""

    timestamp_ms: int
    offset: int
    leader_epoch: int = UNDEFINED_EPOCH


@attrs.frozen(slots=True)
class EpochEndOffset:
    """The largest epoch at most the asked one, and the offset after its last record (KIP-279)."""

    leader_epoch: int
    end_offset: int
