"""Each way from bytes to values, with good bytes to damage and the errors that it announces."""

import random
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any
from zlib import crc32

import attrs
from crc32c import crc32c

from broker.groups.offset_records import read_group, read_key, read_offset
from broker.groups.replay import Replay
from broker.groups.subscription import subscribed_topics
from broker.log.checkpoints import MalformedCheckpoint, OffsetCheckpoint
from broker.log.index_file import IndexFile, OffsetIndex, TimeIndex
from broker.log.leader_epochs import LeaderEpochs
from broker.log.partition_metadata import MalformedPartitionMetadata, read_topic_id, write_topic_id
from broker.log.producer_entry import BatchMetadata, ProducerEntry
from broker.log.producer_snapshots import MalformedSnapshot, decode_snapshot, encode_snapshot
from broker.log.transaction_index import TransactionIndex
from broker.log.values import AbortedTransaction
from broker.transactions.transaction_records import read_key as read_transactional_id
from broker.transactions.transaction_records import read_transaction
from broker.wire.codec import MalformedMessage
from broker.wire.compression import Compression
from broker.wire.control_records import read_marker
from broker.wire.errors import KafkaError
from broker.wire.format_conversion import message_set_of, records_of
from broker.wire.framing import UnknownApi, UnsupportedVersion, decode_request, decode_response
from broker.wire.message_set import messages
from broker.wire.record_batch import HEADER_BYTES, batches, build_batch
from broker.wire.records import decode_records, encode_records, largest_timestamp_delta
from broker.wire.versioned import decode_versioned
from coordination.values import TopicPartition
from tests.broker.log.logs import LogWorld
from tests.broker.wire.every_message import STORED_MESSAGES
from tests.fuzz import corpus
from tests.fuzz.damage import damaged
from tests.fuzz.progress import Progress
from tests.support.batches import with_fitting_crc
from tests.support.unsynced_disk import UnsyncedDisk


@attrs.frozen
class Target:
    """`read` takes what `bad` makes; it may raise `announced`, and nothing else."""

    name: str
    share: int  # of all cases, in hundredths
    bad: Callable[[random.Random], Any]
    read: Callable[[Any], object]
    announced: tuple[type[Exception], ...]

    def run(
        self, rng: random.Random, cases: int, progress: Progress | None = None
    ) -> dict[str, int]:
        """How many cases were read, and how many refused; AssertionError for anything else."""
        outcomes = {"read": 0, "refused": 0}
        for _ in range(cases):
            case = self.bad(rng)
            try:
                self.read(case)
                outcomes["read"] += 1
            except self.announced:
                outcomes["refused"] += 1
            except Exception as error:
                raise AssertionError(f"{self.name}: {error!r} for {case!r}") from error
            if progress is not None:
                progress.add(1)
        return outcomes


def _damaged_one(good: list[Any]) -> Callable[[random.Random], bytes]:
    return lambda rng: damaged(rng.choice(good), rng)


def _damaged_batch(rng: random.Random) -> bytes:
    """Half of them with the CRC of what is there: the damage is then found further in, or not."""
    data = damaged(rng.choice(corpus.batches()), rng)
    return with_fitting_crc(data) if len(data) > HEADER_BYTES and rng.random() < 0.5 else data


# The wire


def _read_request(frame: bytes) -> None:
    decode_request(memoryview(frame))


def _damaged_response(rng: random.Random) -> tuple[Any, int, bytes]:
    """Seldom to another request, whose answer's bytes are as good a nonsense as any."""
    key, version, frame = rng.choice(corpus.responses())
    if rng.random() < 0.1:
        frame = rng.choice(corpus.responses())[2]
    return key, version, damaged(frame, rng)


def _read_response(case: tuple[Any, int, bytes]) -> None:
    key, version, frame = case
    decode_response(key, version, memoryview(frame))


WIRE = [
    Target(
        "requests",
        42,
        _damaged_one([frame for _, frame in corpus.requests()]),
        _read_request,
        (MalformedMessage, UnsupportedVersion, UnknownApi),
    ),
    Target("responses", 15, _damaged_response, _read_response, (MalformedMessage,)),
]


# Records


def _read_batches(data: bytes) -> None:
    for batch in batches(data):
        with suppress(KafkaError):
            batch.check_crc()
        batch.records()


def _read_replayed(data: bytes) -> None:
    replay = Replay()
    for batch in batches(data):
        replay.apply(batch)
    replay.loaded(corpus.TIMESTAMP_MS)


def _read_marker(data: bytes) -> None:
    for batch in batches(data):
        read_marker(batch)


def _records(rng: random.Random) -> tuple[bytes, int]:
    [batch] = batches(rng.choice(corpus.batches()))
    return damaged(bytes(batch.opened()), rng), batch.count + rng.choice((0, 0, 0, 1, -1, 1 << 30))


def _read_records(case: tuple[bytes, int]) -> None:
    body, count = case
    records = list(decode_records(memoryview(body), count, 0, corpus.TIMESTAMP_MS))
    assert len(records) == count
    # Whoever looks at lengths and times alone finds the same.
    if count:
        largest_ms = max(record.timestamp_ms for record in records)
        assert largest_timestamp_delta(memoryview(body), count) + corpus.TIMESTAMP_MS == largest_ms
    encode_records(records, corpus.TIMESTAMP_MS)


def _message_set(rng: random.Random) -> tuple[bytes, int]:
    """Formats 0 and 1, the CRC of its first message mended for half of them."""
    batch, magic = rng.choice(corpus.batches()), rng.randrange(2)
    with suppress(KafkaError):  # zstd
        data = bytearray(damaged(message_set_of(batch, magic, 0, 1 << 20), rng))
        if len(data) > 16 and rng.random() < 0.5:
            end = 12 + int.from_bytes(data[8:12], "big")
            data[12:16] = crc32(data[16:end]).to_bytes(4, "big")
        return bytes(data), magic
    return b"", magic


def _read_message_set(case: tuple[bytes, int]) -> None:
    data, magic = case
    found = list(messages(memoryview(data)))
    if found:
        records, codec = records_of(found)
        if codec is Compression.NONE:
            again = message_set_of(build_batch(records), magic, 0, 1 << 30)
            assert len(list(messages(memoryview(again)))) == len(found)


def _convert_batches(data: bytes) -> None:
    for magic in (0, 1):
        list(messages(memoryview(message_set_of(data, magic, 3, 1 << 20))))


RECORDS = [
    Target("message sets", 3, _message_set, _read_message_set, (KafkaError,)),
    Target("converted batches", 2, _damaged_batch, _convert_batches, (KafkaError,)),
    Target("batches", 10, _damaged_batch, _read_batches, (KafkaError,)),
    Target("replayed batches", 2, _damaged_batch, _read_replayed, (KafkaError,)),
    Target("markers", 1, _damaged_one(corpus.markers()), _read_marker, (KafkaError,)),
    Target("records", 8, _records, _read_records, (KafkaError,)),
]


# What records hold


def _read_stored(data: bytes) -> None:
    for cls in STORED_MESSAGES:
        with suppress(MalformedMessage):
            decode_versioned(cls, data, newer_as_newest=True)
    subscribed_topics([data])
    for read in (
        read_key,
        read_offset,
        partial(read_group, "g"),
        read_transactional_id,
        partial(read_transaction, "t"),
    ):
        with suppress(KafkaError):
            read(data)


STORED = [Target("stored messages", 8, _damaged_one(corpus.stored()), _read_stored, ())]


# Files


def _snapshot(rng: random.Random) -> bytes:
    batches = (BatchMetadata(3, 9, 1, corpus.TIMESTAMP_MS),)
    entry = ProducerEntry(5, 0, 0, corpus.TIMESTAMP_MS, 7, batches)
    data = damaged(encode_snapshot([entry] * rng.randint(0, 3)), rng)
    # Behind a version there is a CRC of all the rest.
    return data[:2] + struct.pack(">I", crc32c(data[6:])) + data[6:] if rng.random() < 0.5 else data


@contextmanager
def _file_targets(directory: Path) -> Iterator[list[Target]]:
    disk = UnsyncedDisk()
    path = directory / "file"
    write_topic_id(disk, path, corpus.TOPIC_ID)
    metadata = path.read_bytes()
    partition = TopicPartition("a-topic", 3)
    OffsetCheckpoint(disk, path).write({partition: 5, TopicPartition("b", 0): 77})
    checkpoint = path.read_bytes()
    epochs = b"0\n3\n0 0\n1 5\n7 90\n"

    def reading(read: Callable[[], object]) -> Callable[[bytes], object]:
        def put_and_read(content: bytes) -> object:
            path.write_bytes(content)
            return read()

        return put_and_read

    yield [
        Target("producer snapshots", 4, _snapshot, decode_snapshot, (MalformedSnapshot,)),
        Target(
            "offset checkpoints",
            1,
            _damaged_one([checkpoint]),
            reading(OffsetCheckpoint(disk, path).read),
            (MalformedCheckpoint,),
        ),
        Target(
            "leader epoch checkpoints",
            1,
            _damaged_one([epochs]),
            reading(lambda: LeaderEpochs(disk, path)),
            (MalformedCheckpoint,),
        ),
        Target(
            "partition.metadata",
            1,
            _damaged_one([metadata]),
            reading(lambda: read_topic_id(path)),
            (MalformedPartitionMetadata,),
        ),
        *_index_targets(disk, path),
        _transaction_index_target(disk, path),
    ]


def _index_targets(disk: UnsyncedDisk, path: Path) -> Iterator[Target]:
    for index_class in (OffsetIndex, TimeIndex):

        def opened(index_class: type[IndexFile] = index_class) -> Any:
            return index_class(disk, str(path), 100, 1 << 20)

        index = opened()
        index.create()
        for number in range(1, 20):
            index.append_entry((number * 10, number * 100))
        good = path.read_bytes()

        def read(content: bytes, opened: Callable[[], Any] = opened) -> None:
            path.write_bytes(content)
            index = opened()
            if index.is_sound(*([5000] if isinstance(index, OffsetIndex) else [])):
                for target in (0, 105, 150, 1 << 40):
                    index.lookup(target)

        yield Target(f"{index_class.__name__} files", 1, _damaged_one([good]), read, ())


def _transaction_index_target(disk: UnsyncedDisk, path: Path) -> Target:
    index = TransactionIndex(disk, str(path), 100)
    index.create()
    for number in range(1, 10):
        first = 100 + number * 10
        index.append(AbortedTransaction(number, first, first + 5, first + 6))
    good = path.read_bytes()

    def read(content: bytes) -> None:
        path.write_bytes(content)
        index = TransactionIndex(disk, str(path), 100)
        if index.is_sound():
            index.search(105, 1 << 40, [])

    return Target("TransactionIndex files", 1, _damaged_one([good]), read, ())


# A whole log


def _log_targets(directory: Path) -> list[Target]:
    """Appending what clients send, and opening what a crash may have left."""
    world = LogWorld(directory / "log-0")
    world.directory.mkdir()
    log = world.open()

    def append(data: bytes) -> None:
        log.append_as_leader(bytearray(data), 0)

    torn = LogWorld(directory / "torn-0")
    torn.directory.mkdir()
    filled = torn.open()
    for batch in corpus.batches():
        with suppress(KafkaError):
            filled.append_as_leader(bytearray(batch), 0)
    filled.close()
    files = {path.name: path.read_bytes() for path in torn.directory.iterdir()}

    def some_damage(rng: random.Random) -> dict[str, bytes]:
        return {
            name: damaged(content, rng) if rng.random() < 0.4 else content
            for name, content in files.items()
        }

    def load(contents: dict[str, bytes]) -> None:
        for path in torn.directory.iterdir():
            path.unlink()
        for name, content in contents.items():
            (torn.directory / name).write_bytes(content)
        found = torn.open()
        assert 0 <= found.log_start_offset <= found.log_end_offset
        found.close()

    return [
        Target("appends", 4, _damaged_batch, append, (KafkaError,)),
        Target("loaded directories", 1, some_damage, load, ()),
    ]


@contextmanager
def every_target(directory: Path) -> Iterator[list[Target]]:
    """All of them; those of files work in `directory`."""
    with _file_targets(directory) as files:
        yield [*WIRE, *RECORDS, *STORED, *files, *_log_targets(directory)]
