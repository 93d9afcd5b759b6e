"""One log, compacted by Kafka 3.9.1 and by us: the same batches stay, with the same records.

Records of all codecs, producers and transactions, with tombstones and aborts, are written into the
directory of a real Kafka's topic. A copy is cleaned by us, the directory itself by Kafka. What may
differ is the byte layout of a batch that lost records (its base timestamp), and the moment at which
each looked. Kafka's dump tool reads what we left.
"""

import itertools
import random
import re
import shutil
import time
from pathlib import Path

import attrs
import pytest
from confluent_kafka.admin import NewTopic

from broker.log.checkpoints import OffsetCheckpoint
from broker.log.disk import RealDisk
from broker.log.file_names import CLEANER_CHECKPOINT, RECOVERY_POINT_CHECKPOINT
from broker.log.log_config import LogConfig, ProducerConfig
from broker.log.partition_log import PartitionLog
from broker.log.values import Origin
from broker.wire.compression import Compression
from broker.wire.control_records import build_marker
from broker.wire.record_batch import build_batch
from broker.wire.records import Record
from coordination.values import TopicPartition
from tests.broker.log.logs import Clock, read_batches
from tests.broker.log.test_with_kafka import dump, wait_until_gone
from tests.support.broker_process import running_broker
from tests.support.cleaning import clean
from tests.support.topics import make_topics
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.server, pytest.mark.matrix]

TP = TopicPartition("compacted", 0)
CONFIG = LogConfig(
    cleanup_policy=frozenset({"compact"}),
    segment_bytes=20_000,
    index_interval_bytes=1000,
    delete_retention_ms=86_400_000,
    min_cleanable_dirty_ratio=0.0,
)
TOPIC_CONFIG = {
    "cleanup.policy": "compact",
    "segment.bytes": "20000",
    "index.interval.bytes": "1000",
    "min.cleanable.dirty.ratio": "0.0",
}
PROPERTIES = {"zookeeper.session.timeout.ms": "6000", "log.initial.task.delay.ms": "0"}
CLEANING = PROPERTIES | {"log.cleaner.backoff.ms": "100"}
BATCHES = 900


def test_kafka_and_we_keep_the_same(tmp_path: Path, zookeeper: str) -> None:
    data = tmp_path / "kafka" / "data"
    with running_broker("kafka", 1, zookeeper, tmp_path / "kafka", properties=PROPERTIES) as kafka:
        make_topics(kafka.address, NewTopic(TP.topic, 1, 1, config=TOPIC_CONFIG))
    recovered_to = write_transactions(data / str(TP))
    checkpoint = OffsetCheckpoint(RealDisk(), data / RECOVERY_POINT_CHECKPOINT)
    checkpoint.write(checkpoint.read() | {TP: recovered_to})
    ours = tmp_path / "ours" / str(TP)
    shutil.copytree(data / str(TP), ours)
    end_offset, kept_by_us = compacted_by_us(ours)

    wait_until_gone(zookeeper)
    with running_broker("kafka", 1, zookeeper, tmp_path / "kafka", properties=CLEANING):
        checkpoint_file = data / CLEANER_CHECKPOINT
        cleaned = f"{TP.topic} {TP.partition} {end_offset}"
        wait_until("Kafka to clean the log", lambda: cleaned in checkpoint_file.read_text())
    kept_by_kafka = kept(opened(data / str(TP)))
    assert kept_by_us == kept_by_kafka

    said = dump(sorted(ours.glob("*.log")), "--deep-iteration")
    assert said.count("isvalid: true") == len(kept_by_us)
    indexes = [file for kind in ("index", "timeindex") for file in sorted(ours.glob(f"*.{kind}"))]
    assert not re.findall(r"Mismatches|Found|mismatch|Index timestamp|isn't", dump(indexes))
    # Both indexes of aborted transactions say the same, file by file.
    for file in sorted(ours.glob("*.txnindex")):
        assert file.read_bytes() == (data / str(TP) / file.name).read_bytes()
    assert list(ours.glob("*.txnindex"))


def test_neither_takes_a_gap_for_lost_records(tmp_path: Path, zookeeper: str) -> None:
    """A topic isn't compacted any more, whose log has gaps between its segments; the broker ended
    uncleanly, and the checkpoint of recovery points is gone: everything is read again."""
    data = tmp_path / "kafka" / "data"
    configs = TOPIC_CONFIG | {"cleanup.policy": "delete", "retention.ms": "-1"}
    with running_broker("kafka", 1, zookeeper, tmp_path / "kafka", properties=PROPERTIES) as kafka:
        make_topics(kafka.address, NewTopic(TP.topic, 1, 1, config=configs))
    write_transactions(data / str(TP))
    log = opened(data / str(TP))
    log.update_config(attrs.evolve(CONFIG, segment_bytes=2000))  # none of them become one
    cleaned = clean(log, 1_800_000_000_000, RealDisk())
    gaps = [
        (before.next_offset(), after.base_offset)
        for before, after in itertools.pairwise(log.local.segments)
        if before.next_offset() < after.base_offset
    ]
    assert gaps
    before = kept(log)
    log.close()
    (data / ".kafka_cleanshutdown").unlink()
    (data / RECOVERY_POINT_CHECKPOINT).unlink()
    for path in (data / str(TP)).glob("*.deleted"):
        path.unlink()
    ours = tmp_path / "ours" / str(TP)
    shutil.copytree(data / str(TP), ours)

    wait_until_gone(zookeeper)
    with running_broker("kafka", 1, zookeeper, tmp_path / "kafka", properties=PROPERTIES):
        pass
    assert kept(opened(data / str(TP))) == before

    recovered = opened(ours, was_clean=False, cleaned_to=cleaned.end_offset)
    assert kept(recovered) == before


@attrs.define
class Producer:
    number: int
    sequence: int = 0
    is_open: bool = False


def write_transactions(directory: Path) -> int:
    """The log end offset; the last segment is an empty one."""
    log = opened(directory)
    now_ms = time.time_ns() // 1_000_000  # Kafka forgets producers that were silent for a day
    randomness = random.Random(11)
    producers = [Producer(1001), Producer(1002), Producer(1003)]
    for number in range(BATCHES):
        producer = randomness.choice([None, *producers])
        count = randomness.randint(1, 6)
        records = [
            Record(
                b"key-%d" % randomness.randrange(150),
                None if randomness.random() < 0.2 else b"value-%d" % number,
                now_ms + number,
                (("h", b"x"),) if randomness.random() < 0.2 else (),
            )
            for _ in range(count)
        ]
        batch = build_batch(
            records,
            compression=Compression(number % 5),
            producer_id=-1 if producer is None else producer.number,
            producer_epoch=-1 if producer is None else 0,
            base_sequence=-1 if producer is None else producer.sequence,
            is_transactional=producer is not None,
        )
        log.append_as_leader(batch, 0)
        if producer is not None:
            producer.sequence += count
            producer.is_open = True
            if randomness.random() < 0.3:
                end_transaction(log, producer, commit=randomness.random() < 0.5)
    for producer in producers:
        if producer.is_open:
            end_transaction(log, producer, commit=False)
    log._parts.roll(log.log_end_offset)
    end_offset = log.log_end_offset
    log.close()
    return end_offset


def end_transaction(log: PartitionLog, producer: Producer, *, commit: bool) -> None:
    marker = build_marker(
        producer.number,
        0,
        commit=commit,
        coordinator_epoch=0,
        timestamp_ms=time.time_ns() // 1_000_000,
    )
    log.append_as_leader(marker, 0, Origin.COORDINATOR)
    producer.is_open = False


def opened(
    directory: Path, *, was_clean: bool = True, cleaned_to: int | None = None
) -> PartitionLog:
    log = PartitionLog.open(
        directory,
        CONFIG if was_clean else attrs.evolve(CONFIG, cleanup_policy=frozenset({"delete"})),
        disk=RealDisk(),
        clock_ms=Clock(),
        randomness=random.Random(1),
        was_clean=was_clean,
        cleaned_to=cleaned_to,
        producer_config=ProducerConfig(verifies_transactions=False),
    )
    log.update_high_watermark(log.log_end_offset)
    return log


def compacted_by_us(directory: Path) -> tuple[int, list[tuple[object, ...]]]:
    log = opened(directory)
    end_offset = clean(log, 1_800_000_000_000, RealDisk()).end_offset
    left = kept(log)
    log.close()
    return end_offset, left


def kept(log: PartitionLog) -> list[tuple[object, ...]]:
    """Of each batch its header but for times and sizes, and its records."""
    return [
        (
            batch.base_offset,
            batch.last_offset,
            batch.attributes,
            batch.producer_id,
            batch.producer_epoch,
            batch.base_sequence,
            batch.leader_epoch,
            batch.max_timestamp_ms,
            tuple(batch.records()),
        )
        for batch in read_batches(log)
    ]
