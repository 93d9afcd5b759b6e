"""kafka-dump-log on all that we write: topics of each kind and codec, before and after compaction.

    __consumer_offsets     offsets and groups, and their tombstones; offsets within transactions,
                           with both markers                              --offsets-decoder
    __transaction_state    each state, and a tombstone                    --transaction-log-decoder
    topic                  values, headers, tombstones, transactions

Compaction comes three times, so that delete horizons have begun and ended, and of some batches only
the header is left. Beside each log lie its indexes and the producers' snapshots. One JVM reads all
that is read by the same options; what `zbroker-admin log dump` says of them is the same.
"""

import re
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

from broker.groups.committed_offsets import CommittedOffset
from broker.groups.group import Group
from broker.groups.offset_records import (
    group_record,
    group_tombstone,
    offset_record,
    offset_tombstone,
)
from broker.log.log_config import LogConfig
from broker.log.partition_log import PartitionLog
from broker.transactions.transaction import Transition
from broker.transactions.transaction_records import transaction_record, transaction_tombstone
from broker.transactions.transaction_states import STATE_NUMBERS
from broker.wire.compression import Compression
from broker.wire.record_batch import build_batch
from broker.wire.records import Record
from coordination.values import TopicPartition
from tests.broker.log.logs import START_MS, LogWorld, read_batches
from tests.broker.log.test_with_kafka import dump
from tests.broker.log.transactions import end_transaction
from tests.cli.commands.canned import invoke
from tests.support.cleaning import clean

pytestmark = [pytest.mark.server, pytest.mark.matrix]

CONFIG = LogConfig(
    cleanup_policy=frozenset({"compact"}),
    segment_bytes=3000,
    index_interval_bytes=300,
    delete_retention_ms=1000,
)
ROUNDS = 60
GAP = "Non-consecutive"  # which Kafka's tool tells on stderr, in the end
COMPLAINTS = re.compile(r"isvalid: false|ismatch|Found|Index timestamp|isn't|xception|ould not")


def offsets(number: int) -> list[Record]:
    group, partition = f"group-{number % 7}", TopicPartition("t", number % 3)
    if number % 10 == 9:
        return [offset_tombstone(group, partition, START_MS), group_tombstone(group, START_MS)]
    committed = CommittedOffset(number, 2, "a note", START_MS)
    return [
        offset_record(group, partition, committed, START_MS),
        group_record(Group(group, state_since_ms=START_MS), {}, START_MS),
    ]


def states(number: int) -> list[Record]:
    transactional_id = f"id-{number % 7}"
    if number % 10 == 9:
        return [transaction_tombstone(transactional_id, START_MS)]
    state = list(STATE_NUMBERS)[number % len(STATE_NUMBERS)]
    partitions = frozenset({TopicPartition("t", 1), TopicPartition("u", 0)})
    transition = Transition(state, 1000 + number, 3, 2, 60_000, partitions, START_MS, START_MS)
    return [transaction_record(transactional_id, transition, START_MS)]


def values(number: int) -> list[Record]:
    return [
        Record(
            b"key-%d" % ((number + place) % 9),
            None if place == number % 3 else b"value-%d" % number * 5,
            START_MS + number,
            (("header", b"x"), ("null", None)) if place else (),
        )
        for place in range(4)
    ]


@attrs.frozen
class Kind:
    topic: str
    records: Callable[[int], list[Record]]
    is_transactional: bool


KINDS = (
    Kind("__consumer_offsets", offsets, True),
    Kind("__transaction_state", states, False),
    Kind("topic", values, True),
)


def write(log: PartitionLog, kind: Kind, codec: Compression) -> None:
    """Every third batch is a transaction of its own, every second of these is aborted."""
    sequence = 0
    for number in range(ROUNDS):
        records = kind.records(number)
        in_transaction = kind.is_transactional and number % 3 == 0
        batch = build_batch(
            records,
            compression=codec,
            producer_id=7 if in_transaction else -1,
            producer_epoch=0 if in_transaction else -1,
            base_sequence=sequence if in_transaction else -1,
            is_transactional=in_transaction,
        )
        log.append_as_leader(batch, number // 20)
        if in_transaction:
            sequence += len(records)
            end_transaction(log, 7, commit=number % 2 == 0, coordinator_epoch=4)
    log.update_high_watermark(log.log_end_offset)


def compact(world: LogWorld, log: PartitionLog, kind: Kind) -> None:
    for number in (60, 61, 62):
        log._parts.roll(log.log_end_offset)
        clean(log, world.clock(), world.disk)
        world.clock.now_ms += CONFIG.delete_retention_ms // 2
        log.append_as_leader(build_batch(kind.records(number)), 3)
        log.update_high_watermark(log.log_end_offset)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """A directory of logs, and how many batches they have in all."""
    root, count = tmp_path_factory.mktemp("logs"), 0
    for kind in KINDS:
        for codec in Compression:
            for is_compacted in (False, True):
                place = root / f"{codec.name}-{is_compacted}"
                place.mkdir(exist_ok=True)
                world = LogWorld(place / f"{kind.topic}-0", CONFIG)
                log = world.open()
                write(log, kind, codec)
                if is_compacted:
                    compact(world, log, kind)
                count += len(read_batches(log))
                log.close()
    return root, count


def same(said: str, files: list[Path], *options: str) -> None:
    """Our tool has told the same of the same files, line by line."""
    result = invoke("log", "dump", "--files", ",".join(map(str, files)), *options)
    assert result.exit_code == 0, result.output
    ours = [line.rstrip() for line in result.stdout.splitlines() if not line.startswith(GAP)]
    assert ours == [line.rstrip() for line in said.splitlines()]


def test_every_file(written: tuple[Path, int]) -> None:
    root, count = written
    suffixes = ("log", "index", "timeindex", "txnindex", "snapshot")
    files = {suffix: sorted(root.glob(f"*/*/*.{suffix}")) for suffix in suffixes}
    assert all(files.values())
    everything = [each for of in files.values() for each in of]
    said = dump(everything, "--deep-iteration", "--print-data-log")
    same(said, everything, "--deep-iteration", "--print-data-log")
    assert not COMPLAINTS.findall(said)
    assert said.count("isvalid: true") == count
    assert {codec.name.lower() for codec in Compression} == set(
        re.findall(r"compresscodec: (\w+)", said)
    )
    for needed in (
        "endTxnMarker: COMMIT coordinatorEpoch: 4",
        "endTxnMarker: ABORT coordinatorEpoch: 4",
        "deleteHorizonMs: OptionalLong[",
        " count: 0 ",
        "headerKeys: [header,null]",
        "version: 0 producerId: 7 firstOffset: ",
        "producerId: 7 producerEpoch: 0 ",
    ):
        assert needed in said, needed


def test_indexes_pass_the_sanity_check(written: tuple[Path, int]) -> None:
    root, _ = written
    files = [*sorted(root.glob("*/*/*.index")), *sorted(root.glob("*/*/*.timeindex"))]
    said = dump(files, "--index-sanity-check")
    same(said, files, "--index-sanity-check")
    empty = [file for file in files if not file.stat().st_size]
    assert said.count("passed sanity check") == len(files) - len(empty)
    assert said.count("is empty") == len(empty)


def test_offsets_and_groups(written: tuple[Path, int]) -> None:
    root, _ = written
    logs = sorted(root.glob("*/__consumer_offsets-0/*.log"))
    said = dump(logs, "--offsets-decoder")
    same(said, logs, "--offsets-decoder")
    assert not COMPLAINTS.findall(said)
    latest = r'"group":"group-4","topic":"t","partition":2.*"offset":53,"leaderEpoch":2'
    assert len(re.findall(latest, said)) == 2 * len(Compression)
    assert '"metadata":"a note"' in said
    assert '"protocolType":' in said
    assert "<DELETE>" in said
    assert "endTxnMarker: COMMIT" in said
    assert "endTxnMarker: ABORT" in said


def test_transactional_ids(written: tuple[Path, int]) -> None:
    root, _ = written
    logs = sorted(root.glob("*/__transaction_state-0/*.log"))
    said = dump(logs, "--transaction-log-decoder")
    same(said, logs, "--transaction-log-decoder")
    assert not COMPLAINTS.findall(said)
    assert set(re.findall(r"state=(\w+)", said)) == {state.value for state in STATE_NUMBERS}
    assert "partitions=[t-1,u-0]" in said
    assert "<DELETE>" in said


def test_all_of_it_is_sound(written: tuple[Path, int]) -> None:
    root, _ = written
    for directory in sorted(root.iterdir()):
        result = invoke("log", "verify", str(directory))
        assert result.exit_code == 0, result.output
