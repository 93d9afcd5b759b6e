"""Was every promise kept? Everything is read back and held against what was acknowledged."""

import struct
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import attrs
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition

from broker.wire.record_batch import batch_at
from tests.interop.faults.load import Acknowledgement, Load
from tests.interop.faults.watch import ClusterWatch
from tests.support.cluster import TestCluster

READ_TIMEOUT_S = 60.0
SAME_TIMEOUT_S = 20.0
POLL_S = 0.1
NEAR = 5  # offsets on either side of a lost record that its report shows


@attrs.frozen
class Found:
    key: int
    number: int
    partition: int
    offset: int


def settle(cluster: TestCluster, watch: ClusterWatch, load: Load) -> None:
    """Wait until the cluster is whole again and the load goes on; then end the load and judge."""
    cluster.wait_ready()
    watch.wait_until_full_isr(load.topic)
    load.wait_for_more()
    load.stop()
    assert_promises_kept(cluster, load)


def assert_promises_kept(cluster: TestCluster, load: Load) -> None:
    """Nothing acknowledged lost, nothing twice, each key in order, the replicas' files equal.

    Where a real Kafka leads, too, a record may be there twice: it refuses a batch and accepts the
    one behind it, and librdkafka then sends both anew. Or it takes the second one's answer for
    the first one's, too, and the record is nowhere: what no broker has acknowledged is then not
    asked for. See broker/replica/refusals.py, and tests/interop/test_refused_batches.py.
    """
    assert load.failures == [], "the producer gave up on records"
    found = read_all(cluster, load.topic)
    where: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for each in found:
        where.setdefault((each.key, each.number), []).append((each.partition, each.offset))
    lost = [each for each in load.acknowledged if not _is_at(each, where)]
    never_written: set[tuple[int, int]] = set()
    if "kafka" in cluster.kinds.values():
        never_written = {(each.key, each.number) for each in lost if each.offset is None}
        lost = [each for each in lost if each.offset is not None]
    assert lost == [], f"{len(lost)} of {len(load.acknowledged)} lost, or moved:\n" + "\n".join(
        _traces(cluster, load, each, where) for each in lost[:3]
    )
    if "kafka" in cluster.kinds.values():
        first: dict[tuple[int, int], Found] = {}
        for each in found:
            first.setdefault((each.key, each.number), each)
        found = list(first.values())
    twice = [each for each, count in Counter((f.key, f.number) for f in found).items() if count > 1]
    assert twice == [], f"{len(twice)} records are there more than once"
    # In order, and since nobody gave up: without a hole.
    numbers = {key: [f.number for f in found if f.key == key] for key in range(len(load.sent))}
    assert numbers == {
        key: [number for number in range(count) if (key, number) not in never_written]
        for key, count in enumerate(load.sent)
    }
    wait_until_replicas_are_equal(cluster, load.topic)


def _traces(
    cluster: TestCluster,
    load: Load,
    promise: Acknowledgement,
    where: Mapping[tuple[int, int], list[tuple[int, int]]],
) -> str:
    """What is left of a lost record: where it is now, and what lies and was promised near there."""
    places = where.get((promise.key, promise.number), [])
    lines = [f"{promise}, which is at {places}"]
    offsets = [offset for number, offset in places if number == promise.partition]
    offset = promise.offset if promise.offset is not None else min(offsets, default=0)
    near = range(offset - NEAR, offset + NEAR + 1)
    lines += [
        f"  promised: {each}"
        for each in load.acknowledged
        if each.partition == promise.partition and each.offset in near
    ]
    for broker_id in cluster.brokers:
        # Also what is about to be deleted: the name then has more behind it.
        for directory in cluster.log_dir(broker_id).glob(f"{load.topic}-{promise.partition}*"):
            for base_offset, data in sorted(batches(directory).items()):
                batch = batch_at(memoryview(data), 0, len(data))
                if batch.last_offset >= near.start and base_offset < near.stop:
                    lines.append(
                        f"  on {broker_id} in {directory}: {base_offset} to {batch.last_offset}, "
                        f"leader epoch {batch.leader_epoch}, producer {batch.producer_id} epoch "
                        f"{batch.producer_epoch} sequence {batch.base_sequence}"
                    )
    return "\n".join(lines)


def _is_at(
    promise: Acknowledgement, where: Mapping[tuple[int, int], list[tuple[int, int]]]
) -> bool:
    places = where.get((promise.key, promise.number), [])
    if promise.offset is None:
        return bool(places)
    return (promise.partition, promise.offset) in places


def read_all(cluster: TestCluster, topic: str) -> list[Found]:
    """All records of the topic, each partition's in its order."""
    with _auditor(cluster) as consumer:
        ends = _high_watermarks(consumer, topic)
        consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in ends])
        found: list[Found] = []
        deadline = time.monotonic() + READ_TIMEOUT_S
        while len(found) < sum(ends.values()):
            assert time.monotonic() < deadline, f"read {len(found)} of {sum(ends.values())} records"
            for message in consumer.consume(1000, timeout=1.0):
                if message.error() is not None:
                    raise KafkaException(message.error())
                key, value = message.key(), message.value()
                partition, offset = message.partition(), message.offset()
                assert key is not None
                assert value is not None
                assert partition is not None
                assert offset is not None
                found.append(Found(int(key), int(value), partition, offset))
        return found


@contextmanager
def _auditor(cluster: TestCluster) -> Iterator[Consumer]:
    consumer = Consumer(
        {
            "bootstrap.servers": cluster.bootstrap,
            "group.id": "auditor",  # never used: nothing is committed
            "enable.auto.commit": False,
            "log_level": 0,
        }
    )
    try:
        yield consumer
    finally:
        consumer.close()


def _high_watermarks(consumer: Consumer, topic: str) -> dict[int, int]:
    return {
        number: consumer.get_watermark_offsets(TopicPartition(topic, number), READ_TIMEOUT_S)[1]
        for number in consumer.list_topics(topic, READ_TIMEOUT_S).topics[topic].partitions
    }


def wait_until_replicas_are_equal(cluster: TestCluster, topic: str) -> None:
    """The replicas of each partition hold the same batches, byte for byte, epochs included.

    Compared is what lies between the largest log start and the high watermark: segments roll, and
    are deleted, where each broker sees fit.
    """
    with _auditor(cluster) as consumer:
        ends = _high_watermarks(consumer, topic)
    deadline = time.monotonic() + SAME_TIMEOUT_S
    while different := _different(cluster, topic, ends):
        assert time.monotonic() < deadline, f"replicas differ: {different}"
        time.sleep(POLL_S)


def _different(cluster: TestCluster, topic: str, ends: Mapping[int, int]) -> list[str]:
    metadata = cluster.metadata(next(iter(cluster.brokers))).topics[topic]
    different = []
    for number, partition in metadata.partitions.items():
        end_offset = ends[number]
        logs = {
            broker_id: batches(cluster.log_dir(broker_id) / f"{topic}-{number}")
            for broker_id in partition.replicas
        }
        start_offset = max(min(log, default=0) for log in logs.values())
        held = {
            broker_id: b"".join(
                log[offset] for offset in sorted(log) if start_offset <= offset < end_offset
            )
            for broker_id, log in logs.items()
        }
        if len(set(held.values())) > 1 or (start_offset < end_offset and b"" in held.values()):
            sizes = {broker_id: len(data) for broker_id, data in held.items()}
            different.append(f"{topic}-{number} from {start_offset} to {end_offset}: {sizes}")
    return different


def batches(directory: Path) -> dict[int, bytes]:
    """One replica's batches by their base offset, as they lie on its disk.

    A batch begins with its base offset (8 bytes) and the number of bytes that follow (4).
    """
    found = {}
    for file in directory.glob("*.log"):
        data = file.read_bytes()
        position = 0
        while position + 12 <= len(data):
            base_offset, size = struct.unpack_from(">qi", data, position)
            found[base_offset] = data[position : position + 12 + size]
            position += 12 + size
    return found
