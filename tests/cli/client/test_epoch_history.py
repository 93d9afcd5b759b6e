"""Histories asked of logs that remember as a broker's do, and held against each other."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from broker.log.leader_epochs import LeaderEpochs
from cli.client.epoch_history import EndOf, EpochEnd, History, agree, ask_history
from tests.support.unsynced_disk import UnsyncedDisk

LOG_END = 90


def remembering(epochs: Mapping[int, int], directory: Path) -> EndOf:
    """A log of `LOG_END` records in which these epochs begin at these offsets."""
    log = LeaderEpochs(UnsyncedDisk(), directory / "leader-epoch-checkpoint")
    for epoch, start_offset in epochs.items():
        log.assign(epoch, start_offset)

    async def end_of(epoch: int) -> EpochEnd | None:
        assert epoch >= 0, "-1 is no epoch, but none"
        found = log.end_offset_for(epoch, LOG_END)
        return None if found is None else EpochEnd(found.leader_epoch, found.end_offset)

    return end_of


@pytest.mark.parametrize("newest", [-1, 0, 6, 7, 1000])
@pytest.mark.parametrize(
    "epochs",
    [
        {},
        {0: 0},
        {6: 0},
        {2: 0, 5: 40, 6: 70},
        {0: 0, 1: 1, 2: 2},
        {1: 0, 2: 5},
        {5: 0, 6: LOG_END},  # a leader that has appended nothing yet
        {200: 10, 1000: 20},
    ],
)
async def test_a_history(epochs: dict[int, int], newest: int, tmp_path: Path) -> None:
    """The log begins where its first epoch does; what the cluster said of epochs may be old."""
    first_epoch, start = min(epochs.items(), default=(None, 0))
    found = await ask_history(
        remembering(epochs, tmp_path),
        newest=newest,
        log_start_offset=start,
        first_epoch=first_epoch,
    )
    assert {epoch: each.start for epoch, each in found.items()} == epochs
    starts = list(epochs.values())
    assert [each.stop for each in found.values()] == [*starts[1:], LOG_END][: len(starts)]


@pytest.mark.parametrize(
    ("epochs", "shown"),
    [
        ({2: 10, 5: 40}, {2: 10, 5: 40}),
        ({1: 10, 5: 40}, {1: 10, 5: 40}),
        ({0: 10}, {0: 3}),  # it is there, and nothing tells where it begins
        ({0: 10, 5: 40}, {5: 40}),  # can't be told from the next one
        ({5: 40}, {5: 40}),
    ],
)
async def test_a_log_that_does_not_know_the_epoch_it_begins_with(
    epochs: dict[int, int], shown: dict[int, int], tmp_path: Path
) -> None:
    """As a copy of a compacted one: from its start at 3 up to the first epoch there is nothing."""
    found = await ask_history(
        remembering(epochs, tmp_path), newest=5, log_start_offset=3, first_epoch=None
    )
    assert {epoch: each.start for epoch, each in found.items()} == shown


async def test_a_log_that_is_cut_meanwhile(tmp_path: Path) -> None:
    before = remembering({0: 0, 3: 10, 4: 20}, tmp_path)
    questions = 0

    async def end_of(epoch: int) -> EpochEnd | None:
        nonlocal questions
        questions += 1
        return await before(epoch) if questions < 6 else None

    found = await ask_history(end_of, newest=4, log_start_offset=0, first_epoch=0)
    assert found.keys() <= {0, 3, 4}


def history(*epochs: tuple[int, int], end: int) -> History:
    starts = [start for _, start in epochs]
    return History(
        1,
        {
            epoch: range(start, stop)
            for (epoch, start), stop in zip(epochs, [*starts[1:], end], strict=True)
        },
    )


LEADER = history((0, 0), (3, 40), (5, 70), end=90)


@pytest.mark.parametrize(
    ("other", "disputed"),
    [
        (LEADER, []),
        (history((0, 0), (3, 40), end=70), []),  # copied less far
        (history((0, 0), (3, 40), end=55), []),
        (history((0, 0), (3, 40), (5, 70), (6, 90), end=90), []),  # 6 has no records yet
        (history((3, 50), (5, 70), end=90), []),  # cut off at its start
        (History(2, {}, "BROKER_NOT_AVAILABLE"), []),
        (history((0, 0), (3, 40), end=75), [3, 5]),  # what it has from 70 on the leader has not
        (history((0, 0), (4, 40), (5, 70), end=80), [3, 4]),
        (history((0, 0), (3, 45), (5, 70), end=90), [0, 3]),
    ],
)
def test_agreement(other: History, disputed: list[int]) -> None:
    for pair in ([LEADER, other], [other, LEADER], [LEADER, other, LEADER]):
        assert [epoch for epoch in range(7) if not agree(pair, epoch)] == disputed
    assert agree([LEADER], 0)
