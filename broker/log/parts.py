"""What one log is made of, for those who work on all of it: appending, truncation, retention.

    local        the segments on the disk       epochs      which leader wrote from where on
    watermarks   who may read what              producers   who wrote last, and what comes next
                                                snapshots   ... as of the beginning of a segment

Invariant: between two operations they agree. Each of them ends where the log ends, and what
`epochs` and `producers` hold is what reading the batches would tell.
"""

from collections.abc import Callable

import attrs

from broker.log.leader_epochs import LeaderEpochs
from broker.log.local_log import LocalLog
from broker.log.log_config import LogConfig
from broker.log.producer_snapshots import ProducerSnapshots
from broker.log.producer_state import ProducerState
from broker.log.watermarks import Watermarks
from coordination.values import TopicPartition


@attrs.frozen(eq=False)
class LogParts:
    """They are changed in place, and never exchanged."""

    topic_partition: TopicPartition
    local: LocalLog
    epochs: LeaderEpochs
    producers: ProducerState
    snapshots: ProducerSnapshots
    watermarks: Watermarks
    clock_ms: Callable[[], int]

    @property
    def config(self) -> LogConfig:
        return self.local.config

    @property
    def log_start_offset(self) -> int:
        return self.watermarks.log_start_offset

    @property
    def log_end_offset(self) -> int:
        return self.local.log_end_offset

    def roll(self, base_offset: int) -> None:
        """Begin a segment at `base_offset`, and note who has written before it."""
        self.local.roll(base_offset)
        self.producers.end_offset = base_offset
        with self.local.storage:
            self.snapshots.write(base_offset, self.producers.entries(), sync=False)

    def keep_producers(self) -> None:
        """Write down who wrote last, for the next start: the log is being closed."""
        if self.producers.end_offset not in self.snapshots.offsets:
            self.snapshots.write(self.producers.end_offset, self.producers.entries(), sync=True)
