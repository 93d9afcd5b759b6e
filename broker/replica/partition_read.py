"""One look into one partition: what a fetch asks of it, and what was found there.

Kafka: FetchRequest.PartitionData, FetchPartitionData.
"""

from collections.abc import Sequence

import attrs

from broker.log.values import UNDEFINED_EPOCH, AbortedTransaction, EpochEndOffset
from broker.replica.partition import Partition
from broker.wire.errors import KafkaError
from broker.wire.regions import FileRegion


@attrs.frozen
class PartitionFetch:
    """What is asked of one partition; epochs are -1 where the client doesn't know them."""

    fetch_offset: int
    max_bytes: int
    current_leader_epoch: int = UNDEFINED_EPOCH
    last_fetched_epoch: int = UNDEFINED_EPOCH
    log_start_offset: int = -1


@attrs.frozen
class PartitionRead:
    """What a look found; the offsets are -1 with an error.

    `aborted` is None for who doesn't read committed records. `preferred_read_replica` is the broker
    to ask instead, -1 for none. `partition` was looked into; None if there's a reason not to.
    `is_idle`: see `interests`. `converted`: for an old client, in the place of `regions`.
    """

    error: KafkaError | None = None
    high_watermark: int = -1
    last_stable_offset: int = -1
    log_start_offset: int = -1
    regions: tuple[FileRegion, ...] = ()
    size_bytes: int = 0
    converted: bytes | None = None
    aborted: Sequence[AbortedTransaction] | None = None
    diverging: EpochEndOffset | None = None
    preferred_read_replica: int = -1
    partition: Partition | None = None
    is_idle: bool = False

    @property
    def must_answer_now(self) -> bool:
        return (
            self.error is not None or self.diverging is not None or self.preferred_read_replica >= 0
        )
