"""Compacted, transactional directories change hands: each kind serves what the other one wrote.

Committed, aborted and open transactions, producers' states, tombstones, markers whose transactions
compaction has emptied: all of it is in the files, and both kinds must read the same out of them,
whether they show a consumer everything or only what is committed. Broker 1 is of one kind, then of
the other, then of the first again, in the same log.dirs.
"""

import re
import time
from pathlib import Path
from typing import Any

import confluent_kafka
import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from tests.support.broker_process import Kind, running_broker
from tests.support.kafka import kafka_tool
from tests.support.topics import wait_until_known
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.server, pytest.mark.matrix]

DUMP_LOG = "kafka.tools.DumpLogSegments"
TIMEOUT_S = 30.0
KEYS, TRANSACTIONS, RECORDS = 40, 60, 8
LEVELS = ("read_uncommitted", "read_committed")
TOPICS = ("compacted", "plain")
COMPLAINTS = re.compile(
    r"orrupt|Found invalid|ecovering unflushed|Could not find|is offline|Stopping serving"
    r"|indexes do not fit|that are no batch|lies after the end|rebuilding it|has no log file"
)
PROPERTIES = {
    "log.cleaner.backoff.ms": "200",
    "log.segment.delete.delay.ms": "100",
    "log.index.interval.bytes": "300",
    "transaction.state.log.num.partitions": "2",
}
COMPACTED = {
    "cleanup.policy": "compact",
    "segment.bytes": "4000",
    "min.cleanable.dirty.ratio": "0.5",
    "delete.retention.ms": "3600000",
}

# Offset, key, value.
Seen = list[tuple[int, bytes | None, bytes | None]]


def create_topics(address: str) -> None:
    admin = AdminClient({"bootstrap.servers": address, "log_level": 0})
    wait_until("the controller", lambda: admin.list_topics(timeout=TIMEOUT_S).controller_id == 1)
    topics = [NewTopic("compacted", 1, 1, config=COMPACTED), NewTopic("plain", 1, 1)]
    for made in admin.create_topics(topics).values():
        made.result(TIMEOUT_S)


def read(address: str, topic: str, isolation_level: str) -> Seen:
    """Everything in the topic's partition that a consumer of this level sees."""
    settings = {
        "bootstrap.servers": address,
        "group.id": "reader",
        "isolation.level": isolation_level,
        "enable.partition.eof": True,
        "log_level": 0,
    }
    consumer = confluent_kafka.Consumer(settings)
    consumer.assign([confluent_kafka.TopicPartition(topic, 0, 0)])
    found: Seen = []
    try:
        while True:
            message = consumer.poll(TIMEOUT_S)
            assert message is not None
            error = message.error()
            if error is None:
                found.append((message.offset(), message.key(), message.value()))
            elif error.code() == confluent_kafka.KafkaError._PARTITION_EOF:
                return found
            else:
                raise AssertionError(error)
    finally:
        consumer.close()


def read_all(address: str) -> dict[str, Seen]:
    return {
        f"{topic}, {level}": read(address, topic, level) for topic in TOPICS for level in LEVELS
    }


def transact(address: str, who: str) -> Any:
    """Transactions of which every third is aborted; the last one is left open. Its producer."""
    settings = {
        "bootstrap.servers": address,
        "transactional.id": "mover",
        "transaction.timeout.ms": 600_000,
        "log_level": 0,
    }
    producer = confluent_kafka.Producer(settings)
    producer.init_transactions(TIMEOUT_S)  # ends what the last one left open
    for number in range(TRANSACTIONS):
        write_some(producer, who, number)
        if number % 3 == 2:
            producer.abort_transaction(TIMEOUT_S)
        else:
            producer.commit_transaction(TIMEOUT_S)
    write_some(producer, who, TRANSACTIONS)
    return producer


def write_some(producer: Any, who: str, number: int) -> None:
    """A transaction's records, the same in all topics; every eighth deletes its key."""
    producer.begin_transaction()
    for record in range(RECORDS):
        key = f"key-{(number * RECORDS + record) % KEYS}"
        value = None if record == 3 else f"{who}-{number}-{record}-{'x' * 30}"
        for topic in TOPICS:
            producer.produce(topic, value, key)
    producer.flush(TIMEOUT_S)


def wait_until_compacted(address: str, written: int) -> None:
    """Until the cleaner has been there, and has nothing more to do."""
    before: Seen = []

    def is_quiet() -> bool:
        nonlocal before
        now = read(address, "compacted", "read_uncommitted")
        quiet = now == before and len(now) < 0.7 * written
        before = now
        time.sleep(1)
        return quiet

    wait_until("compaction", is_quiet, 60)


@pytest.mark.parametrize("first", ["kafka", "zbroker"])
def test_both_kinds_serve_the_same(tmp_path: Path, zookeeper: str, kind: Kind, first: Kind) -> None:
    if kind == "kafka":
        pytest.skip("each side is both kinds in turn")
    second: Kind = "zbroker" if first == "kafka" else "kafka"
    log_dirs = [tmp_path / name for name in ("one", "two")]
    settings = PROPERTIES | {"log.dirs": ",".join(map(str, log_dirs))}
    before: dict[str, Seen] = {}
    open_producer = None
    for turn, who in enumerate((first, second, first)):
        with running_broker(
            who, 1, zookeeper, tmp_path / f"{turn}-{who}", properties=settings
        ) as broker:
            address = f"127.0.0.1:{broker.port}"
            if turn == 0:
                create_topics(address)
            wait_until_known(address, *TOPICS)
            if turn:
                assert read_all(address) == before
            open_producer = transact(address, f"{turn}-{who}")
            written = len(before.get("compacted, read_uncommitted", []))
            wait_until_compacted(address, written + (TRANSACTIONS + 1) * RECORDS)
            before = read_all(address)
            assert len(before["plain, read_committed"]) < len(before["plain, read_uncommitted"])
            # What was compacted hides nothing: the latest committed value of each key is the same.
            assert latest(before["compacted, read_committed"]) == latest(
                before["plain, read_committed"]
            )
        assert not COMPLAINTS.findall(broker.log_file.read_text())
        assert_dump_log_is_content(log_dirs)
    assert open_producer is not None


def latest(seen: Seen) -> dict[bytes | None, bytes]:
    """Without the deleted keys."""
    values = {key: value for _, key, value in seen}
    return {key: value for key, value in values.items() if value is not None}


def assert_dump_log_is_content(log_dirs: list[Path]) -> None:
    files = [
        str(file)
        for log_dir in log_dirs
        for topic in TOPICS
        for file in sorted(log_dir.glob(f"{topic}-0/*"))
        if file.suffix in {".log", ".index", ".timeindex", ".txnindex", ".snapshot"}
    ]
    said = kafka_tool(DUMP_LOG, "--deep-iteration", "--files", ",".join(files)).stdout
    assert "isvalid: true" in said
    assert "endTxnMarker: ABORT" in said
    assert not re.findall(r"isvalid: false|ismatch|Found|Exception", said)
