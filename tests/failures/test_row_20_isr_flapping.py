"""Row 20: a follower goes in and out of the ISR, again and again.

Three ways to it, each of which an older or the present Kafka has met:

- A busy partition: the follower is always a fetch behind the leader's end, and so never "at" it.
  It's in sync all the same, if it has what was the leader's end at its previous fetch (KAFKA-4485).
- Under min.insync.replicas the high watermark stands still; a follower that comes up to it joins,
  is far behind the leader's end, and is dropped again (KAFKA-19996, open in Kafka 3.9): here it
  must have caught up with the end, too.
- One that oscillates around replica.lag.time.max.ms: it may change the ISR, but the more slowly the
  larger that limit is, for it must lag for all of it to be dropped.

Source: KAFKA-4485, KAFKA-19996. Provoked by a leader's partition, a clock that the test turns, and
a controller that agrees to everything.
"""

from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

from broker.replica.partition import Partition
from tests.broker.replica.support import LAG_TIME_MAX_S, batch, leader_and_isr, open_partition

MINUTE_S = 60.0
STEP_S = 0.5


@attrs.define
class Leader:
    """Broker 1 leads, broker 2 follows. `changes` are the ISRs that were agreed on."""

    partition: Partition
    now_s: float = 0.0
    changes: list[list[int]] = attrs.field(factory=list)

    def append(self) -> None:
        self.partition.append_as_leader(batch("x"), 1, self.now_s)

    def fetch(self, offset: int) -> None:
        self.partition.follower_fetched(2, offset, 0, self.now_s, 7)
        self._agree(self.partition.joining_isr(2, self.now_s))

    def check_lag(self) -> None:
        self._agree(self.partition.shrunk_isr(self.now_s))

    def _agree(self, isr: tuple[int, ...] | None) -> None:
        if isr is not None:
            self.changes.append(sorted(isr))
            self.partition.isr_altered(isr, len(self.changes), self.now_s)

    def run(self, minutes: float, each_step: Callable[[int], None]) -> None:
        """Half a second a step; the lag is looked at as often as a broker does."""
        for step in range(round(minutes * MINUTE_S / STEP_S)):
            self.now_s += STEP_S
            each_step(step)
            if step % round(LAG_TIME_MAX_S / 2 / STEP_S) == 0:
                self.check_lag()


def leader(tmp_path: Path, *isr: int, min_insync_replicas: int = 1) -> Leader:
    partition = open_partition(tmp_path, min_insync_replicas=min_insync_replicas)
    partition.become_leader(leader_and_isr(1, 0, isr), (1, 2), 0.0)
    return Leader(partition)


def test_who_is_always_one_fetch_behind_stays_in_sync(tmp_path: Path) -> None:
    led = leader(tmp_path, 1, 2)
    end_at_last_fetch = 0

    def busy(_step: int) -> None:
        nonlocal end_at_last_fetch
        led.fetch(end_at_last_fetch)
        end_at_last_fetch = led.partition.log.log_end_offset
        led.append()

    led.run(5, busy)
    assert led.changes == []


def test_who_reaches_a_high_watermark_that_stands_still_does_not_join(tmp_path: Path) -> None:
    led = leader(tmp_path, 1, min_insync_replicas=2)
    for _ in range(200):
        led.append()
    assert led.partition.high_watermark == 0
    copied = 0

    def slow(_step: int) -> None:
        nonlocal copied
        led.append()
        copied = min(copied + 1, led.partition.log.log_end_offset)
        led.fetch(copied)

    led.run(5, slow)
    assert led.changes == []
    led.fetch(led.partition.log.log_end_offset)
    assert led.changes == [[1, 2]]
    assert led.partition.high_watermark == led.partition.log.log_end_offset


@pytest.mark.parametrize("lag_s", [LAG_TIME_MAX_S * factor for factor in (0.9, 1.0, 1.1, 1.5, 3)])
def test_who_oscillates_around_the_limit_changes_the_isr_at_most_so_often(
    tmp_path: Path, lag_s: float
) -> None:
    led = leader(tmp_path, 1, 2)

    def oscillating(step: int) -> None:
        led.append()
        if step % round(lag_s / STEP_S) == 0:
            led.fetch(led.partition.log.log_end_offset)

    led.run(10, oscillating)
    longest = 2 * 10 * MINUTE_S / LAG_TIME_MAX_S  # out and in again, once in the limit's time
    assert len(led.changes) <= longest
    if lag_s < LAG_TIME_MAX_S:
        assert led.changes == []
