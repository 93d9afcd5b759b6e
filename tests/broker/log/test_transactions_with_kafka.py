"""Transactions in the files, read by Kafka 3.9.1 and by us: its dump tool on ours, each broker on
the other's log directory.
"""

import re
from pathlib import Path

import pytest
import trio
from confluent_kafka import Producer

from broker.log.log_config import LogConfig
from broker.log.partition_log import PartitionLog
from broker.log.transaction_index import TransactionIndex
from broker.log.values import AbortedTransaction
from broker.wire.record_batch import RecordBatch
from coordination.values import TopicPartition
from tests.broker.log.logs import LogWorld, fill, let_go, make_batch, read_batches
from tests.broker.log.test_with_kafka import PROPERTIES, dump, our_logs, wait_until_gone
from tests.broker.log.transactions import aborted_of, end_transaction, last_stable_offset
from tests.support.broker_process import running_broker
from tests.support.kafka import kafka_tool
from tests.support.server import ServerProcess
from tests.support.unsynced_disk import UnsyncedDisk

pytestmark = [pytest.mark.server, pytest.mark.matrix]

TRANSACTIONS = 30


def write(log: PartitionLog, producer_id: int, sequence: int, *values: str) -> None:
    batch = make_batch(*values, producer=(producer_id, 0, sequence), transactional=True)
    guard = log.begin_verification(producer_id, 0, sequence)
    log.append_as_leader(batch, max(log.latest_epoch or 0, 0), guard=guard)


def test_kafka_dump_log_reads_markers_indexes_and_snapshots(tmp_path: Path) -> None:
    world = LogWorld(tmp_path / "topic-0", LogConfig(segment_bytes=2000))
    log = world.open()
    for number in range(TRANSACTIONS):
        write(log, 7, number, "v")
        write(log, 8, number, "w")
        fill(log, 2)
        end_transaction(log, 7, commit=False, coordinator_epoch=4)
        end_transaction(log, 8, commit=True, coordinator_epoch=5)
    write(log, 9, 0, "open")
    open_since = log.log_end_offset - 1
    aborted = log.aborted_transactions(0, log.log_end_offset)
    assert len(aborted) == TRANSACTIONS
    log.close()

    said = dump(sorted(world.directory.glob("*.log")), "--deep-iteration", "--print-data-log")
    assert said.count("endTxnMarker: ABORT coordinatorEpoch: 4") == TRANSACTIONS
    assert said.count("endTxnMarker: COMMIT coordinatorEpoch: 5") == TRANSACTIONS
    assert "isvalid: false" not in said
    said = dump(sorted(world.directory.glob("*.txnindex")))
    assert [AbortedTransaction(*map(int, each)) for each in DUMPED.findall(said)] == aborted
    said = dump(sorted(world.directory.glob("*.snapshot"))[-1:])
    assert re.search(rf"producerId: 9 .* currentTxnFirstOffset: OptionalLong\[{open_since}\]", said)
    assert re.search(r"producerId: 7 .*coordinatorEpoch: 4 .*OptionalLong.empty", said)


DUMPED = re.compile(
    r"version: 0 producerId: (\d+) firstOffset: (\d+) lastOffset: (\d+) lastStableOffset: (\d+)"
)


def producer(kafka: ServerProcess, transactional_id: str) -> Producer:
    made = Producer(
        {"bootstrap.servers": kafka.address, "transactional.id": transactional_id, "linger.ms": 0}
    )
    made.init_transactions(30)
    return made


def produce(kafka: ServerProcess) -> list[str]:
    """Transactions committed, aborted and left open; the committed values, in order."""
    good, bad, unended = (producer(kafka, name) for name in ("good", "bad", "unended"))
    committed = []
    for number in range(TRANSACTIONS):
        if number == TRANSACTIONS // 2:
            unended.begin_transaction()
            unended.produce("tx", "open")
            unended.flush()
        good.begin_transaction()
        bad.begin_transaction()
        for part in range(3):
            committed.append(f"good {number}.{part}")
            good.produce("tx", committed[-1])
            bad.produce("tx", f"bad {number}.{part}")
            good.flush()
            bad.flush()
        bad.abort_transaction(30)
        good.commit_transaction(30)
    # A commit is answered before its markers are written. A producer of the same name is given its
    # id when they are.
    producer(kafka, "good")
    producer(kafka, "bad")
    return committed


def consume(kafka: ServerProcess, count: int) -> list[str]:
    result = kafka_tool(
        "org.apache.kafka.tools.consumer.ConsoleConsumer",
        "--bootstrap-server",
        kafka.address,
        "--topic",
        "tx",
        "--from-beginning",
        "--isolation-level",
        "read_committed",
        "--max-messages",
        str(count),
        "--timeout-ms",
        "20000",
    )
    return result.stdout.split("\n")[:-1]


def files_entries(directory: Path) -> list[AbortedTransaction]:
    """What all `.txnindex` files of a directory have."""
    return [
        aborted
        for path in sorted(directory.glob("*.txnindex"))
        for aborted in TransactionIndex(UnsyncedDisk(), str(path), int(path.stem)).aborted()
    ]


def open_ones(batches: list[RecordBatch], log: PartitionLog) -> int:
    """The producer whose transaction is open; there's one, and it holds the others back."""
    [entry] = [e for e in log.producers.entries() if e.transaction_first_offset is not None]
    assert entry.transaction_first_offset == last_stable_offset(batches, log.log_end_offset)
    assert log.last_stable_offset == entry.transaction_first_offset < log.log_end_offset
    return entry.producer_id


@pytest.mark.parametrize("end", ["killed", "stopped"])
async def test_a_directory_with_transactions_goes_from_kafka_to_us_and_back(
    tmp_path: Path, zookeeper: str, end: str
) -> None:
    properties = PROPERTIES | {"num.partitions": "1"}
    data = tmp_path / "kafka" / "data"
    with running_broker("kafka", 1, zookeeper, tmp_path / "kafka", properties=properties) as kafka:
        committed = await trio.to_thread.run_sync(produce, kafka)
        if end == "killed":
            kafka.kill()

    kafkas = files_entries(data / "tx-0")
    manager = await our_logs(data)
    log = manager.logs[TopicPartition("tx", 0)]
    log.update_high_watermark(log.log_end_offset)
    batches = read_batches(log)
    assert len(log.local.segments) > 2
    assert log.aborted_transactions(0, log.log_end_offset) == aborted_of(batches)
    assert len(kafkas) == TRANSACTIONS
    assert files_entries(data / "tx-0") == kafkas == aborted_of(batches)
    unended = open_ones(batches, log)
    for number in range(TRANSACTIONS):
        write(log, 10**6, number, f"ours {number}")
        end_transaction(log, 10**6, commit=number % 2 == 0)
        if number % 2 == 0:
            committed.append(f"ours {number}")
    end_transaction(log, unended, commit=False, coordinator_epoch=0)
    log.update_high_watermark(log.log_end_offset)
    assert log.last_stable_offset == log.log_end_offset
    if end == "killed":
        let_go(manager)
    else:
        await manager.aclose(-1)

    await trio.to_thread.run_sync(wait_until_gone, zookeeper)
    with running_broker("kafka", 1, zookeeper, tmp_path / "kafka", properties=properties) as kafka:
        said = kafka.log_file.read_text()
        assert await trio.to_thread.run_sync(consume, kafka, len(committed)) == committed
    assert not re.findall(r"orrupt|Found invalid|Could not find|ERROR", said)
