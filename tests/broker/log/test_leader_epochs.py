"""Epochs and their start offsets (KIP-101, KIP-279)."""

from pathlib import Path

import pytest

from broker.log.checkpoints import MalformedCheckpoint
from broker.log.leader_epochs import EpochRun, LeaderEpochs
from broker.log.values import EpochEndOffset
from tests.support.unsynced_disk import UnsyncedDisk

Entries = list[tuple[int, int]]


@pytest.fixture
def epochs(tmp_path: Path) -> LeaderEpochs:
    """2 @ 0, 3 @ 100, 5 @ 120."""
    found = LeaderEpochs(UnsyncedDisk(), tmp_path / "leader-epoch-checkpoint")
    for epoch, start_offset in ((2, 0), (3, 100), (5, 120)):
        found.assign(epoch, start_offset)
    return found


def stored(epochs: LeaderEpochs) -> Entries:
    return LeaderEpochs(UnsyncedDisk(), epochs.path).entries()


def test_the_file_is_kafkas(epochs: LeaderEpochs) -> None:
    assert epochs.path.read_text() == "0\n3\n2 0\n3 100\n5 120\n"
    assert stored(epochs) == [(2, 0), (3, 100), (5, 120)]


@pytest.mark.parametrize(
    ("epoch", "start_offset", "after"),
    [
        (5, 130, [(2, 0), (3, 100), (5, 120)]),  # the first note of an epoch stands
        (6, 130, [(2, 0), (3, 100), (5, 120), (6, 130)]),
        (6, 120, [(2, 0), (3, 100), (6, 120)]),  # 5 appended nothing
        (6, 100, [(2, 0), (6, 100)]),
        (4, 110, [(2, 0), (3, 100), (4, 110)]),  # 5 contradicts it
        (5, 90, [(2, 0), (5, 90)]),
    ],
)
def test_assign(epochs: LeaderEpochs, epoch: int, start_offset: int, after: Entries) -> None:
    epochs.assign(epoch, start_offset)
    assert epochs.entries() == after == stored(epochs)


@pytest.mark.parametrize(
    ("epoch", "answer"),
    [
        (1, EpochEndOffset(1, 0)),
        (2, EpochEndOffset(2, 100)),
        (3, EpochEndOffset(3, 120)),
        (4, EpochEndOffset(3, 120)),
        (5, EpochEndOffset(5, 150)),
        (6, None),
        (-1, None),
        (-2, EpochEndOffset(-2, 0)),  # older than all that's there, as in Kafka: only -1 is none
    ],
)
def test_end_offset(epochs: LeaderEpochs, epoch: int, answer: EpochEndOffset | None) -> None:
    assert epochs.end_offset_for(epoch, 150) == answer


@pytest.mark.parametrize(
    ("offset", "epoch"), [(0, 2), (99, 2), (100, 3), (119, 3), (120, 5), (9999, 5)]
)
def test_epoch_for_offset(epochs: LeaderEpochs, offset: int, epoch: int) -> None:
    assert epochs.epoch_for_offset(offset) == epoch


@pytest.mark.parametrize(
    ("offset", "after"),
    [
        (0, []),
        (100, [(2, 0)]),
        (101, [(2, 0), (3, 100)]),
        (120, [(2, 0), (3, 100)]),
        (121, [(2, 0), (3, 100), (5, 120)]),
    ],
)
def test_truncate_from_end(epochs: LeaderEpochs, offset: int, after: Entries) -> None:
    epochs.truncate_from_end(offset)
    assert epochs.entries() == after == stored(epochs)


@pytest.mark.parametrize(
    ("offset", "after"),
    [
        (0, [(2, 0), (3, 100), (5, 120)]),
        (50, [(2, 50), (3, 100), (5, 120)]),
        (100, [(3, 100), (5, 120)]),
        (130, [(5, 130)]),
    ],
)
def test_truncate_from_start(epochs: LeaderEpochs, offset: int, after: Entries) -> None:
    epochs.truncate_from_start(offset)
    assert epochs.entries() == after == stored(epochs)


def test_nothing_is_left_after_a_clear(epochs: LeaderEpochs) -> None:
    assert epochs.latest == 5
    epochs.clear()
    assert (epochs.latest, stored(epochs)) == (None, [])


@pytest.mark.parametrize(
    "content", ["", "1\n0\n", "0\nx\n", "0\n2\n1 0\n", "0\n1\na b\n", "0\n1\n1 1"]
)
def test_a_malformed_file(tmp_path: Path, content: str) -> None:
    path = tmp_path / "leader-epoch-checkpoint"
    path.write_text(content)
    with pytest.raises(MalformedCheckpoint, match=r"leader-epoch-checkpoint"):
        LeaderEpochs(UnsyncedDisk(), path)


@pytest.mark.parametrize(
    ("found", "after"),
    [
        ([], [(2, 0), (3, 100), (5, 120)]),
        ([(2, 90, 99), (3, 100, 119), (5, 120, 200)], [(2, 0), (3, 100), (5, 120)]),
        # Compaction took the first batches of an epoch, or all of them.
        ([(2, 90, 95), (5, 130, 200)], [(2, 0), (3, 100), (5, 120)]),
        # The batches know of more, before and behind.
        ([(5, 120, 130), (7, 140, 150)], [(2, 0), (3, 100), (5, 120), (7, 140)]),
        ([(3, 105, 109), (4, 110, 119), (5, 120, 130)], [(2, 0), (3, 100), (4, 110), (5, 120)]),
        # A truncation to 100, and one to 120, that the file knows of came undone.
        ([(2, 90, 150)], [(2, 0)]),
        ([(3, 100, 150)], [(2, 0), (3, 100)]),
        ([(2, 90, 119), (4, 120, 150)], [(2, 0), (4, 120)]),
        # The file is older than the log, which was cut back and went on.
        ([(2, 80, 89), (7, 90, 150)], [(2, 0), (7, 90)]),
    ],
)
def test_batches_that_recovery_found_correct_it(
    epochs: LeaderEpochs, found: list[tuple[int, int, int]], after: Entries
) -> None:
    epochs.correct([EpochRun(*run) for run in found])
    assert epochs.entries() == after == stored(epochs)
