"""The leader epochs of one replica's log, found out by questions, and held against another's.

A log remembers which leader epoch began at which offset (its `leader-epoch-checkpoint`): by that
replicas find where they part (KIP-101). No request has the list, but this can be asked of it:

    end of epoch E    the largest epoch up to E, and the offset where it ended;
                      nothing if the log has never heard of an epoch as late as E

So the last one is found by halving, and the others by going down from it:

    0          40         70      90
    ├─ epoch 2 ┼─ epoch 5 ┼─ 6 ───┤ log end      end of 7   nothing
                                                 end of 6   6, 90    6 is the last
                                                 end of 5   5, 70    6 begins at 70, before it is 5
                                                 end of 4   2, 40    5 begins at 40, before it is 2
                                                 end of 1   1, 0     2 begins at 0; is there a 1?
                                                 end of 0   0, 0     no: two don't begin at once

Two logs agree on an epoch if it has the same offsets in both, as far as both reach: one may have
been copied less far, or cut off later, and an epoch without records is known to its leader alone.

Source: LeaderEpochFileCache.endOffsetFor, whose answer for less than the first epoch is E itself.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import combinations

import attrs


@attrs.frozen
class EpochEnd:
    """An epoch that the log knows, and the offset after its last record."""

    epoch: int
    end_offset: int


EndOf = Callable[[int], Awaitable[EpochEnd | None]]


@attrs.frozen
class History:
    """What one replica has of each epoch; `offsets` ascends, and is empty if it did not answer.

    error: why it did not answer.
    """

    broker_id: int
    offsets: Mapping[int, range]
    error: str | None = None

    def overlap(self, other: "History") -> range:
        """The offsets of which both know the epoch."""
        return _both(self._known, other._known)

    def within(self, epoch: int, bounds: range) -> range:
        """What it has of the epoch between these offsets; all empty ranges are equal."""
        return _both(self.offsets.get(epoch, range(0)), bounds)

    @property
    def _known(self) -> range:
        each = list(self.offsets.values())
        return range(each[0].start, each[-1].stop) if each else range(0)


def agree(histories: Sequence[History], epoch: int) -> bool:
    """Whether no two of these contradict each other about an epoch."""
    return all(
        one.within(epoch, one.overlap(other)) == other.within(epoch, one.overlap(other))
        for one, other in combinations(histories, 2)
    )


async def ask_history(
    end_of: EndOf, *, newest: int, log_start_offset: int, first_epoch: int | None
) -> dict[int, range]:
    """The offsets of each epoch of a log, ascending.

    newest: an epoch that is not much earlier than its last one
    first_epoch: that of `log_start_offset`; None if the log does not know
    """
    last = await _last_epoch(end_of, newest)
    if last is None:
        return {}
    found: dict[int, range] = {}
    lowest = first_epoch or 0
    epoch, end_offset = last.epoch, last.end_offset
    while epoch > lowest:
        before = await end_of(epoch - 1)
        if before is None or (found and before.end_offset == end_offset):
            break  # no such epoch; or the log was cut just now
        found[epoch] = range(before.end_offset, end_offset)
        epoch, end_offset = before.epoch, before.end_offset
    # What is before the lowest can't be asked. Epoch 0 of a log that does not know where its first
    # epoch begins (compaction has taken the first records) is shown only if it is sure to be there.
    if epoch == lowest and (first_epoch is not None or not found):
        found[epoch] = range(log_start_offset, end_offset)
    return dict(sorted(found.items()))


async def _last_epoch(end_of: EndOf, newest: int) -> EpochEnd | None:
    """The last epoch of a log, and the log's end; None if it has none."""
    known: EpochEnd | None = None
    beyond = max(newest, 0) + 1
    while (end := await end_of(beyond)) is not None:  # elected since, more than once
        known, beyond = end, 2 * beyond
    epoch = 0 if known is None else known.epoch + 1
    while epoch < beyond:
        middle = (epoch + beyond) // 2
        end = await end_of(middle)
        if end is None:
            beyond = middle
        else:
            known, epoch = end, middle + 1
    return known


def _both(one: range, other: range) -> range:
    return range(max(one.start, other.start), min(one.stop, other.stop))
