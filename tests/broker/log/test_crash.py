"""Whatever a power failure takes, the log is a prefix of what was written, and at least what was
flushed; its indexes, epochs, producers and transactions agree with it."""

import random
from pathlib import Path

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.log.log_config import LogConfig, ProducerConfig
from broker.log.partition_log import PartitionLog
from broker.log.producer_entry import BatchMetadata
from broker.log.producer_state import ProducerState
from broker.log.values import Origin
from broker.wire.control_records import build_marker
from broker.wire.record_batch import RecordBatch, batches
from tests.broker.log.logs import START_MS, LogWorld, fill, make_batch, read_batches, record_at
from tests.broker.log.transactions import aborted_of, last_stable_offset
from tests.support.simulated_disk import SimulatedDisk

TRANSACTIONAL = (9, 10)
CONFIG = LogConfig(segment_bytes=600, index_interval_bytes=150, file_delete_delay_ms=0)


@attrs.define
class Model:
    """What the log may hold after a crash.

    A truncation that was not synced may come undone, so until the next flush the histories
    before it are possible, too.
    """

    batches: list[bytes] = attrs.field(factory=list)
    others: list[list[bytes]] = attrs.field(factory=list)
    flushed_end_offset: int = 0

    @property
    def histories(self) -> list[list[bytes]]:
        return [self.batches, *self.others]

    def end_offset(self) -> int:
        return parse(self.batches[-1]).end_offset if self.batches else 0

    def truncate_to(self, offset: int) -> None:
        self.others.append(list(self.batches))
        self.batches = [b for b in self.batches if parse(b).end_offset <= offset]
        self.flushed_end_offset = min(self.flushed_end_offset, self.end_offset())


def parse(data: bytes) -> RecordBatch:
    return next(batches(data))


def forgetful_disk(directory: Path, randomness: random.Random) -> SimulatedDisk:
    removed = directory / "removed"
    removed.mkdir()
    return SimulatedDisk(randomness, forgets_names=removed)


class Run:
    """One life of a log on a disk that forgets, and what must be true after its crash."""

    def __init__(self, directory: Path, seed: int) -> None:
        self.randomness = random.Random(seed)
        self.disk = forgetful_disk(directory, self.randomness)
        self.world = LogWorld(directory / "topic-0", CONFIG, self.disk)
        self.model = Model()
        self.sequences: dict[int, int] = {}
        self.checkpoint = 0
        self.epoch = 0
        self.log = self.world.open()

    def step(self) -> None:
        action = self.randomness.choices(
            [
                self.append,
                self.end_transaction,
                self.flush,
                self.write_checkpoint,
                self.truncate,
                self.new_epoch,
            ],
            [20, 4, 3, 2, 1, 1],
        )[0]
        action()

    def append(self) -> None:
        count = self.randomness.randint(1, 3)
        producer_id = self.randomness.choice([-1, -1, 7, 8, *TRANSACTIONAL])
        producer = None
        if producer_id >= 0:
            sequence = self.sequences.get(producer_id, 0)
            producer = (producer_id, 0, sequence)
            self.sequences[producer_id] = sequence + count
        timestamp_ms = START_MS + self.randomness.randint(0, 1000)
        batch = make_batch(
            *["x" * 20] * count,
            timestamp_ms=timestamp_ms,
            producer=producer,
            transactional=producer_id in TRANSACTIONAL,
        )
        self.log.append_as_leader(batch, self.epoch)
        self.model.batches.append(bytes(batch))

    def end_transaction(self) -> None:
        batch = build_marker(
            self.randomness.choice(TRANSACTIONAL),
            0,
            commit=self.randomness.random() < 0.3,
            coordinator_epoch=0,
            timestamp_ms=START_MS,
        )
        self.log.append_as_leader(batch, self.epoch, Origin.COORDINATOR)
        self.model.batches.append(bytes(batch))

    def flush(self) -> None:
        self.log.flush()
        self.model.flushed_end_offset = self.log.log_end_offset
        self.model.others.clear()

    def write_checkpoint(self) -> None:
        """What LogManager does now and then."""
        self.checkpoint = self.log.recovery_point
        self.log.local.flushing.checkpointed(self.log.recovery_point)

    def truncate(self) -> None:
        offset = self.randomness.randint(0, self.log.log_end_offset)
        if self.log.truncate_to(offset):
            self.model.truncate_to(offset)
            self.sequences.clear()
            for batch in map(parse, self.model.batches):
                if batch.has_producer_id and not batch.is_control:
                    self.sequences[batch.producer_id] = batch.last_sequence + 1
        assert self.log.log_end_offset == self.model.end_offset()

    def new_epoch(self) -> None:
        self.epoch += 1
        self.log.assign_epoch_start_offset(self.epoch, self.log.log_end_offset)

    def crash_and_check(self) -> None:
        self.log.abandon()
        self.disk.crash()
        self.log = self.world.open(recovery_point=self.checkpoint)
        found = [bytes(batch.view) for batch in read_batches(self.log)]
        histories = [h for h in self.model.histories if h[: len(found)] == found]
        assert histories, "the log is no prefix of what was written"
        assert self.log.log_end_offset >= self.model.flushed_end_offset
        check_indexes(self.log, found)
        check_producers(self.log, found)
        check_epochs(self.log, found)
        check_transactions(self.log, found)
        # A second crash straight after recovery must change nothing of what it found.
        self.model = Model(found, [], self.model.flushed_end_offset)
        self.sequences = {
            b.producer_id: b.last_sequence + 1
            for b in map(parse, found)
            if b.has_producer_id and not b.is_control
        }
        self.epoch += 1


def check_indexes(log: PartitionLog, found: list[bytes]) -> None:
    for batch in map(parse, found):
        for offset in (batch.base_offset, batch.last_offset):
            [region] = log.read(offset, 1, log.log_end_offset).regions
            assert region.read() == batch.view
    records = [record for data in found for record in parse(data).records()]
    for timestamp_ms in range(START_MS - 1, START_MS + 1010, 97):
        expected = next((r.offset for r in records if r.timestamp_ms >= timestamp_ms), None)
        answer = record_at(log, timestamp_ms)
        assert (answer and answer.offset) == expected


def check_producers(log: PartitionLog, found: list[bytes]) -> None:
    """A snapshot keeps only the last batch of each producer, and no time of its own for it."""
    expected = ProducerState(ProducerConfig(10**15))
    for data in found:
        expected.update(parse(data))
    assert last_batches(log.producers) == last_batches(expected)


def last_batches(producers: ProducerState) -> dict[int, tuple[int, list[BatchMetadata]]]:
    return {
        entry.producer_id: (
            entry.epoch,
            [attrs.evolve(batch, timestamp_ms=0) for batch in [*entry.batches][-1:]],
        )
        for entry in producers.entries()
    }


def check_transactions(log: PartitionLog, found: list[bytes]) -> None:
    batches = [parse(data) for data in found]
    assert log.aborted_transactions(0, log.log_end_offset) == aborted_of(batches)
    log.update_high_watermark(log.log_end_offset)
    assert log.last_stable_offset == last_stable_offset(batches, log.log_end_offset)


def check_epochs(log: PartitionLog, found: list[bytes]) -> None:
    for batch in map(parse, found):
        assert log.epochs.epoch_for_offset(batch.base_offset) == batch.leader_epoch


def live(directory: Path, seed: int, lives: int) -> None:
    run = Run(directory, seed)
    for _ in range(lives):
        for _ in range(run.randomness.randint(0, 60)):
            run.step()
        run.crash_and_check()
    run.log.abandon()


@pytest.mark.long
@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_crash_loses_nothing_that_was_flushed(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    live(tmp_path_factory.mktemp("crash"), seed, lives=3)


@pytest.mark.matrix
@pytest.mark.parametrize("seed", range(300))
def test_many_crashes(tmp_path: Path, seed: int) -> None:
    live(tmp_path, seed, lives=4)


def test_an_epoch_without_records_is_synced_when_the_log_is_closed(tmp_path: Path) -> None:
    """Nothing else is to be synced then. After a power failure the file was empty or torn, and
    believed: the log knew none of its epochs, or its whole directory was offline."""
    disk = SimulatedDisk(random.Random(1))
    world = LogWorld(tmp_path / "topic-0", disk=disk)
    log = world.open()
    log.append_as_leader(make_batch(), 3)
    log.flush()
    log.assign_epoch_start_offset(4, 1)
    log.close()
    disk.crash(everything=True)
    # That epoch itself is no loss: a leader begins another one with each start.
    assert world.open(was_clean=True).epochs.entries() == [(3, 0)]


def base_offsets(world: LogWorld) -> list[int]:
    return [int(name.removesuffix(".log")) for name in world.names() if name.endswith(".log")]


def test_what_recovery_dropped_does_not_come_back(tmp_path: Path) -> None:
    """Behind the batches that were written instead there would be the old ones again, of other
    epochs, or overlapping; a compacted topic's log goes on over such a place."""
    disk = forgetful_disk(tmp_path, random.Random(1))
    world = LogWorld(tmp_path / "topic-0", CONFIG, disk)
    log = world.open()
    fill(log, 30)
    log.flush()
    first, second, *_ = log.local.segments
    disk.write_at(first.file(), b"no batch", first.size_bytes - 8)
    disk.sync(first.file())
    log.abandon()
    world.open().abandon()
    assert base_offsets(world) == [0]
    disk.crash(everything=True)
    assert base_offsets(world) == [0]
    assert world.open().log_end_offset == second.base_offset - 1


@pytest.mark.parametrize("offset", [10, 0])
def test_segments_cut_off_below_the_checkpoint_do_not_come_back(
    tmp_path: Path, offset: int
) -> None:
    """Until it's rewritten a start believes all before the last segment. So that has to be the one
    that was cut and is being written to, and not one of those behind it."""
    disk = forgetful_disk(tmp_path, random.Random(1))
    world = LogWorld(tmp_path / "topic-0", CONFIG, disk)
    log = world.open()
    fill(log, 30)
    log.flush()
    log.truncate_to(offset)
    [*_, last] = base_offsets(world)
    log.abandon()
    disk.crash(everything=True)
    assert base_offsets(world)[-1] == last
