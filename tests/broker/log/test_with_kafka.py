"""The same files, read by Kafka 3.9.1 and by us: its dump tool on ours, each broker on the other's.

One JVM looks at many files. The last test runs a whole broker three times over one directory:
Kafka writes and is killed, we recover and write on, Kafka takes it back.
"""

import random
import re
import threading
from pathlib import Path

import attrs
import pytest
import trio
from kazoo.client import KazooClient

from broker.events import EventLog
from broker.log.disk import RealDisk
from broker.log.log_config import LogConfig
from broker.log.log_manager import LogManager, LogManagerConfig
from broker.log.partition_log import PartitionLog
from broker.wire.compression import Compression
from coordination.values import TopicPartition
from tests.broker.log.logs import START_MS, Clock, LogWorld, let_go, make_batch, values
from tests.support.broker_process import running_broker
from tests.support.kafka import kafka_tool
from tests.support.server import ServerProcess

pytestmark = [pytest.mark.server, pytest.mark.matrix]

DUMP = "kafka.tools.DumpLogSegments"
BATCHES = 400


def write_everything(world: LogWorld) -> int:
    """Batches of every codec, size, producer and epoch over many segments; the records in all."""
    log = world.open()
    randomness = random.Random(5)
    sequences = {7: 0, 8: 0}
    for number in range(BATCHES):
        words = [f"value-{number}-{n}" * randomness.randint(0, 3) for n in range(1 + number % 7)]
        producer_id = randomness.choice([-1, 7, 8])
        producer = None
        if producer_id > 0:
            producer = (producer_id, 0, sequences[producer_id])
            sequences[producer_id] += len(words)
        batch = make_batch(
            *words,
            key=f"key-{number % 10}",
            compression=Compression(number % 5),
            producer=producer,
            timestamp_ms=START_MS + randomness.randint(0, 5000),
        )
        log.append_as_leader(batch, number // 100)
    end_offset = log.log_end_offset
    log.close()
    return end_offset


def dump(files: list[Path], *options: str) -> str:
    return kafka_tool(DUMP, "--files", ",".join(map(str, files)), *options).stdout


def test_kafka_dump_log_reads_every_file(tmp_path: Path) -> None:
    config = LogConfig(segment_bytes=8000, index_interval_bytes=500)
    world = LogWorld(tmp_path / "topic-0", config)
    records = write_everything(world)
    directory = world.directory
    logs = sorted(directory.glob("*.log"))
    assert len(logs) > 5
    said = dump(logs, "--deep-iteration")
    assert said.count("isvalid: true") == BATCHES
    assert len(re.findall(r"^\| offset: ", said, re.MULTILINE)) == records
    # What it finds wrong in an index it reports in words of its own.
    said = dump([*sorted(directory.glob("*.index")), *sorted(directory.glob("*.timeindex"))])
    assert not re.findall(r"Mismatches|Found|mismatch|Index timestamp|isn't", said)
    indexes = sorted(directory.glob("*.index"))
    said = dump(indexes, "--index-sanity-check")
    assert said.count("passed sanity check") == len(indexes)
    said = dump(sorted(directory.glob("*.snapshot")))
    assert "producerId: 7 producerEpoch: 0" in said
    assert "producerId: 8 producerEpoch: 0" in said


def test_kafka_dump_log_reads_what_was_compressed_anew(tmp_path: Path) -> None:
    """Each codec made of each other, at the levels at both ends; one JVM for all of them."""
    levels = {
        Compression.GZIP: ("compression_gzip_level", (1, 9)),
        Compression.LZ4: ("compression_lz4_level", (1, 9, 17)),
        Compression.ZSTD: ("compression_zstd_level", (-131072, 22)),
    }
    configs = [LogConfig(compression_type=codec) for codec in Compression] + [
        LogConfig(compression_type=codec, **{name: level})  # type: ignore[arg-type]
        for codec, (name, values_of_it) in levels.items()
        for level in values_of_it
    ]
    records = 0
    codecs = []
    for number, config in enumerate(configs):
        config = attrs.evolve(config, segment_bytes=8000, index_interval_bytes=500)
        records += write_everything(LogWorld(tmp_path / f"topic-{number}", config))
        assert config.compression_type is not None
        codecs += [config.compression_type.name] * BATCHES
    said = dump(sorted(tmp_path.glob("*/*.log")), "--deep-iteration", "--print-data-log")
    assert said.count("isvalid: true") == BATCHES * len(configs)
    assert len(re.findall(r"^\| offset: ", said, re.MULTILINE)) == records
    assert sorted(re.findall(r"compresscodec: (\w+)", said)) == sorted(map(str.lower, codecs))
    said = dump([*sorted(tmp_path.glob("*/*.index")), *sorted(tmp_path.glob("*/*.timeindex"))])
    assert not re.findall(r"Mismatches|Found|mismatch|Index timestamp|isn't", said)


def test_kafka_dump_log_reads_what_recovery_rebuilt(tmp_path: Path) -> None:
    config = LogConfig(segment_bytes=8000, index_interval_bytes=500)
    world = LogWorld(tmp_path / "topic-0", config)
    write_everything(world)
    for path in world.directory.iterdir():
        if path.suffix in {".index", ".timeindex", ".snapshot"}:
            path.unlink()
    world.open().close()
    indexes = sorted(world.directory.glob("*.index"))
    times = sorted(world.directory.glob("*.timeindex"))
    said = dump([*indexes, *times])
    assert not re.findall(r"Mismatches|Found|mismatch|Index timestamp|isn't", said)
    assert len(re.findall(r"^offset: ", said, re.MULTILINE)) > 50


PROPERTIES = {
    "log.segment.bytes": "6000",
    "log.index.interval.bytes": "1000",
    "num.partitions": "2",
    "log.flush.offset.checkpoint.interval.ms": "500",
    "log.initial.task.delay.ms": "1000",  # at 0 retention and the cleaner's start race, in Kafka
    "zookeeper.session.timeout.ms": "2000",
}


def wait_until_gone(zookeeper: str) -> None:
    """Until ZooKeeper has noticed that the broker died; a new one cannot start before."""
    gone = threading.Event()
    client = KazooClient(zookeeper)
    client.start()
    try:
        if client.exists("/brokers/ids/1", watch=lambda _event: gone.set()):
            assert gone.wait(30)
    finally:
        client.stop()
        client.close()


def produce(kafka: ServerProcess, first: int, count: int, codec: str) -> None:
    """Keyless lines to a topic with a dot, through the idempotent console producer."""
    kafka_tool(
        "kafka.tools.ConsoleProducer",
        "--bootstrap-server",
        kafka.address,
        "--topic",
        "a.b",
        "--compression-codec",
        codec,
        "--producer-property",
        "enable.idempotence=true",
        "--producer-property",
        "batch.size=2000",
        stdin="".join(f"line {number}\n" for number in range(first, first + count)),
    )


def consume(kafka: ServerProcess, count: int) -> list[str]:
    result = kafka_tool(
        "org.apache.kafka.tools.consumer.ConsoleConsumer",
        "--bootstrap-server",
        kafka.address,
        "--topic",
        "a.b",
        "--from-beginning",
        "--max-messages",
        str(count),
        "--timeout-ms",
        "20000",
    )
    return result.stdout.split("\n")[:-1]


async def our_logs(data: Path) -> LogManager:
    config = LogManagerConfig((data,), LogConfig(segment_bytes=6000, index_interval_bytes=1000))
    manager = LogManager(
        config,
        disk=RealDisk(),
        clock_ms=Clock(),
        randomness=random.Random(1),
        recorder=EventLog(1),
    )
    await manager.lock()
    await manager.load({}, lambda _done, _total: None)
    return manager


def of_topic(manager: LogManager) -> list[PartitionLog]:
    return [manager.logs[TopicPartition("a.b", partition)] for partition in (0, 1)]


def lines(logs: list[PartitionLog]) -> set[str]:
    return {value for log in logs for value in values(log)}


@pytest.mark.parametrize("end", ["killed", "stopped"])
async def test_one_directory_goes_from_kafka_to_us_and_back(
    tmp_path: Path, zookeeper: str, end: str
) -> None:
    data = tmp_path / "kafka" / "data"
    with running_broker("kafka", 1, zookeeper, tmp_path / "kafka", properties=PROPERTIES) as kafka:
        for number, codec in enumerate(("none", "gzip", "snappy", "lz4", "zstd")):
            produce(kafka, number * 500, 500, codec)
        if end == "killed":
            kafka.kill()
    expected = {f"line {number}" for number in range(2500)}

    manager = await our_logs(data)
    logs = of_topic(manager)
    assert lines(logs) == expected
    assert sum(log.log_end_offset for log in logs) == 2500
    assert sum(len(log.local.segments) for log in logs) > 2
    assert all(log.topic_id is not None and log.latest_epoch == 0 for log in logs)
    [producer, *_] = logs[0].producers.entries()
    again = make_batch("line 0", producer=(producer.producer_id, producer.epoch, 10**6))
    with pytest.raises(Exception, match="OUT_OF_ORDER_SEQUENCE_NUMBER"):
        logs[0].append_as_leader(again, 1)
    for number in range(2500, 3000):
        batch = make_batch(f"line {number}", compression=Compression(number % 5))
        logs[number % 2].append_as_leader(batch, 1)
    expected |= {f"line {number}" for number in range(2500, 3000)}
    if end == "killed":
        let_go(manager)
    else:
        await manager.aclose(-1)

    await trio.to_thread.run_sync(wait_until_gone, zookeeper)
    with running_broker("kafka", 1, zookeeper, tmp_path / "kafka", properties=PROPERTIES) as kafka:
        said = kafka.log_file.read_text()
        produce(kafka, 3000, 100, "lz4")
        assert set(consume(kafka, 3100)) == expected | {f"line {n}" for n in range(3000, 3100)}
    assert not re.findall(r"orrupt|Found invalid|Could not find|ERROR", said)
