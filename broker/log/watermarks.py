"""The offsets between a log's start and its end: who may read from where, and how far.

    log start          last stable        high watermark           log end
    ├──────────────────────┼──────────────────────┼────────────────────┤
      read_committed ────► │   an open            │   not on every
      consumers ───────────── transaction ──────► │   in-sync replica
      followers ─────────────────────────────────────────────────────► │

    log start        goes up with retention and DeleteRecords (`retention`), down with a truncation
    last stable      follows the transactions that the producers' state knows of
    high watermark   is the partition's owner's to move, who knows the followers
    log end          is where the files end (`local_log`)

Invariant:  log_start_offset <= last_stable_offset <= high_watermark <= log_end_offset

Source: Kafka's `UnifiedLog.updateHighWatermark`, `fetchLastStableOffsetMetadata`.
"""

import attrs

from broker.log.local_log import LocalLog
from broker.log.producer_state import ProducerState
from broker.waiting import Movement
from broker.wire.errors import ErrorCode, KafkaError
from coordination.values import TopicPartition


@attrs.define(eq=False)
class Watermarks:
    """Those of one log; `start_moved` happens when the start goes up."""

    topic_partition: TopicPartition
    _local: LocalLog
    _producers: ProducerState
    log_start_offset: int
    high_watermark: int = attrs.field(init=False)
    start_moved: Movement = attrs.field(factory=Movement, init=False)

    def __attrs_post_init__(self) -> None:
        self.high_watermark = self.log_start_offset

    @property
    def last_stable_offset(self) -> int:
        """Before the first open transaction, or the first whose marker isn't replicated."""
        unstable = self._producers.transactions.first_unstable_offset
        if unstable is None:
            return self.high_watermark
        return min(max(unstable, self.log_start_offset), self.high_watermark)

    def check_in_range(self, offset: int) -> None:
        """OFFSET_OUT_OF_RANGE outside of log_start_offset..log_end_offset."""
        if not self.log_start_offset <= offset <= self._local.log_end_offset:
            raise KafkaError(
                ErrorCode.OFFSET_OUT_OF_RANGE,
                f"Offset {offset} of {self.topic_partition} is not within "
                f"[{self.log_start_offset}, {self._local.log_end_offset}]",
            )

    def update_high_watermark(self, offset: int) -> int:
        """Set it, bounded by the log start and end offsets; gives what it became."""
        self.high_watermark = min(max(offset, self.log_start_offset), self._local.log_end_offset)
        self._producers.on_high_watermark(self.high_watermark)
        return self.high_watermark

    def raise_log_start(self, offset: int) -> bool:
        """Whether it was lower; OFFSET_OUT_OF_RANGE above the high watermark."""
        if offset > self.high_watermark:
            raise KafkaError(
                ErrorCode.OFFSET_OUT_OF_RANGE,
                f"Cannot increment the log start offset of {self.topic_partition} to {offset}: "
                f"the high watermark is {self.high_watermark}",
            )
        if offset <= self.log_start_offset:
            return False
        self.log_start_offset = offset
        return True

    def start_over(self, log_start_offset: int) -> None:
        """The log is empty, and begins anew where it ends or below."""
        self.log_start_offset = log_start_offset
        self.high_watermark = max(self._local.log_end_offset, log_start_offset)
