"""Opening a directory: leftovers, recovery, and that everything fits together afterwards."""

import logging
import shutil
from pathlib import Path

import attrs
import pytest

from broker.log.partition_log import PartitionLog
from tests.broker.log.logs import LogWorld, fill, make_batch, read_batches, values
from tests.broker.log.transactions import end_transaction
from tests.support.cleaning import Killed, KillingDisk

SEGMENT_0, SEGMENT_5 = "00000000000000000000", "00000000000000000005"
LETTERS = "abcdefghijkl"
BATCH_BYTES = 69  # a batch of one letter


def contents(world: LogWorld) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in world.directory.iterdir()}


def cut(path: Path, size_bytes: int) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - size_bytes)


@pytest.fixture
def filled(small_segments: LogWorld) -> LogWorld:
    """Twelve records in segments 0, 5 and 10, by idempotent producer 7, closed cleanly."""
    log = small_segments.open()
    for offset in range(12):
        log.append_as_leader(make_batch(LETTERS[offset], producer=(7, 0, offset)), offset // 4)
    log.close()
    return small_segments


def everything(log: PartitionLog) -> tuple[object, ...]:
    return (
        values(log),
        log.epochs.entries(),
        [(entry.producer_id, entry.last_sequence) for entry in log.producers.entries()],
    )


EVERYTHING = (list(LETTERS), [(0, 0), (1, 4), (2, 8)], [(7, 11)])


def test_a_clean_log_is_opened_without_writing(filled: LogWorld) -> None:
    before = contents(filled)
    log = filled.open(was_clean=True)
    assert everything(log) == EVERYTHING
    assert log.recovery_point == log.log_end_offset == 12
    assert contents(filled) == before


def test_recovery_rebuilds_what_a_clean_close_had_left(filled: LogWorld) -> None:
    before = contents(filled)
    log = filled.open()
    log.abandon()
    assert contents(filled) == before


@pytest.mark.parametrize("cut_bytes", [1, 30, 68, 69, 70, 138])
def test_a_torn_tail_is_cut_at_a_batch(filled: LogWorld, cut_bytes: int) -> None:
    cut(filled.directory / "00000000000000000010.log", cut_bytes)
    log = filled.open(recovery_point=5)
    left = max(12 - -(-cut_bytes // BATCH_BYTES), 10)
    assert values(log) == list(LETTERS[:left])
    assert log.log_end_offset == len(values(log))
    fill(log, 1)
    assert values(log)[-1] == str(log.log_end_offset - 1)


def test_what_lies_beyond_a_bad_batch_is_dropped(filled: LogWorld) -> None:
    with (filled.directory / f"{SEGMENT_5}.log").open("r+b") as file:
        file.seek(BATCH_BYTES * 2 + 40)
        file.write(b"garbage")
    log = filled.open()
    assert values(log) == list(LETTERS[:7])
    assert log.epochs.entries() == [(0, 0), (1, 4)]
    assert len(log.local.segments) == 2
    assert [entry.last_sequence for entry in log.producers.entries()] == [6]
    assert not [name for name in filled.names() if name.startswith("00000000000000000010")]


def test_a_hole_between_segments_ends_the_log(filled: LogWorld) -> None:
    cut(filled.directory / f"{SEGMENT_5}.log", BATCH_BYTES)
    assert values(filled.open()) == list(LETTERS[:9])


def test_recovery_begins_at_the_recovery_point(filled: LogWorld) -> None:
    with (filled.directory / f"{SEGMENT_0}.log").open("r+b") as file:
        file.seek(BATCH_BYTES - 1)
        file.write(b"\xff")  # a bad CRC that nobody looks for
    log = filled.open(recovery_point=5)
    assert log.log_end_offset == 12


@pytest.mark.parametrize("suffix", [".index", ".timeindex"])
@pytest.mark.parametrize("was_clean", [True, False])
def test_a_missing_index_is_rebuilt(
    filled: LogWorld, suffix: str, was_clean: bool, caplog: pytest.LogCaptureFixture
) -> None:
    before = contents(filled)
    (filled.directory / f"{SEGMENT_0}{suffix}").unlink()
    with caplog.at_level(logging.WARNING):
        log = filled.open(was_clean=was_clean, recovery_point=12)
    assert everything(log) == EVERYTHING
    log.abandon()
    assert contents(filled) == before


@pytest.mark.parametrize("suffix", [".index", ".timeindex"])
@pytest.mark.parametrize("was_clean", [True, False])
@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(b"", id="empty of a killed Kafka"),
        pytest.param(bytes(240), id="zeros"),
        pytest.param(b"\xff" * 24, id="garbage"),
        pytest.param(b"\0\0\0\1\0", id="half an entry"),
    ],
)
def test_an_index_that_cannot_be_is_rebuilt(
    filled: LogWorld, suffix: str, was_clean: bool, broken: bytes
) -> None:
    """Every lookup is right afterwards, whatever an entry had said."""
    before = contents(filled)
    for name in (SEGMENT_0, SEGMENT_5):
        (filled.directory / f"{name}{suffix}").write_bytes(broken)
    log = filled.open(was_clean=was_clean, recovery_point=0)
    assert everything(log) == EVERYTHING
    for offset in range(12):
        assert read_batches(log, offset)[0].base_offset == offset
    log.abandon()
    if broken:  # an empty one may be right: the segment is short
        assert contents(filled) == before


def test_leftovers_are_removed(filled: LogWorld) -> None:
    directory = filled.directory
    before = contents(filled)
    for name in (
        "00000000000000000000.log.deleted",
        "00000000000000000003.snapshot.deleted",
        "00000000000000000005.log.cleaned",
        "00000000000000000005.log.swap",  # not before the .cleaned: the same broken-off operation
        "00000000000000000099.index",
        "leader-epoch-checkpoint.tmp",
    ):
        (directory / name).write_bytes(b"leftover")
    assert everything(filled.open(was_clean=True)) == EVERYTHING
    assert contents(filled) == before


def test_a_finished_swap_replaces_what_it_was_made_from(filled: LogWorld) -> None:
    """Compaction wrote one segment for 0 and 5 and died before renaming it."""
    directory = filled.directory
    data = b"".join((directory / f"{name}.log").read_bytes() for name in (SEGMENT_0, SEGMENT_5))
    kept = data[BATCH_BYTES * 3 :]  # offsets 3 to 9
    for suffix, content in ((".log", kept), (".index", b""), (".timeindex", b"")):
        (directory / f"{SEGMENT_0}{suffix}.swap").write_bytes(content)
    log = filled.open(was_clean=True)
    assert [batch.base_offset for batch in read_batches(log)] == list(range(3, 12))
    assert [n for n in filled.names() if n.endswith(".log")] == [
        f"{SEGMENT_0}.log",
        "00000000000000000010.log",
    ]


def test_producers_without_a_snapshot_are_read_from_the_log(filled: LogWorld) -> None:
    for path in filled.directory.glob("*.snapshot"):
        path.unlink()
    assert everything(filled.open(recovery_point=12)) == EVERYTHING


def test_a_torn_snapshot_is_replaced(filled: LogWorld) -> None:
    (filled.directory / "00000000000000000012.snapshot").write_bytes(b"\0\1half")
    assert everything(filled.open(was_clean=True)) == EVERYTHING


def test_a_log_start_beyond_the_end_empties_the_log(filled: LogWorld) -> None:
    log = filled.open(was_clean=True, log_start_offset=50)
    assert (log.log_start_offset, log.log_end_offset, values(log)) == (50, 50, [])
    fill(log, 1)
    assert values(log) == ["50"]


def test_a_checkpointed_start_offset_is_kept(filled: LogWorld) -> None:
    log = filled.open(was_clean=True, log_start_offset=7)
    assert (log.log_start_offset, values(log)[0]) == (7, "h")
    assert log.epochs.entries() == [(1, 7), (2, 8)]


def test_recovery_can_be_broken_off_and_repeated(filled: LogWorld) -> None:
    """Whatever the first attempt had done, the second one ends in the same files."""
    cut(filled.directory / "00000000000000000010.log", 10)
    broken = filled.directory.with_name("copy-0")
    shutil.copytree(filled.directory, broken)
    filled.open(recovery_point=5).abandon()
    expected = contents(filled)
    filled.directory = broken
    for name in (f"{SEGMENT_5}.index", f"{SEGMENT_5}.timeindex", "00000000000000000010.index"):
        (broken / name).write_bytes(b"")  # the first attempt had got so far
    filled.open(recovery_point=5).abandon()
    assert contents(filled) == expected


@pytest.mark.long
@pytest.mark.parametrize("suffix", [".index", ".timeindex"])
def test_a_rebuilding_that_is_broken_off_begins_anew(
    small_segments: LogWorld, suffix: str, tmp_path: Path
) -> None:
    """The half that was done looks sound. Believed, it showed what transactions had aborted."""
    log = small_segments.open()
    for sequence in range(2):
        log.append_as_leader(
            make_batch(producer=(7, 0, sequence), transactional=True), leader_epoch=0
        )
        end_transaction(log, 7, commit=False)
    fill(log, 8)
    log.update_high_watermark(log.log_end_offset)
    aborted = log.aborted_transactions(0, log.log_end_offset)
    assert [each.first_offset for each in aborted] == [0, 2]
    log.close()
    before = contents(small_segments)
    (small_segments.directory / f"{SEGMENT_0}{suffix}").unlink()
    lives, killed = 0, True
    while killed:
        disk = KillingDisk()
        disk.lives = lives
        directory = tmp_path / str(lives) / "topic-0"
        shutil.copytree(small_segments.directory, directory)
        world = attrs.evolve(small_segments, directory=directory, disk=disk)
        try:
            world.open(recovery_point=12).abandon()
            killed = False
        except Killed:
            lives += 1
        disk.lives = None
        log = world.open(recovery_point=12)
        assert log.aborted_transactions(0, log.log_end_offset) == aborted
        log.abandon()
        assert contents(world) == before
    assert lives > 10


def test_an_empty_directory_is_an_empty_log(world: LogWorld) -> None:
    log = world.open()
    assert (log.log_start_offset, log.log_end_offset, log.high_watermark) == (0, 0, 0)
    assert world.names() == [f"{SEGMENT_0}{s}" for s in (".index", ".log", ".timeindex")]
    log.close()
    assert world.open(was_clean=True).log_end_offset == 0
