"""Compaction: 1 GB of 10 million records, of as many keys, and of 100,000 keys.

The topic is written as one that is not compacted, then it becomes one, and all of it is dirty at
once. From then on is measured, until the cleaner's checkpoint names the end of what may be cleaned:

    time       how long that took
    memory     the most that the broker and its children had resident meanwhile, beyond what the
               broker had before: Kafka's map is in its heap, ours in the child
    p99        of an acks=1 record every 10 ms to another topic of the same broker
"""

import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from confluent_kafka import Producer
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from tests.bench.contenders import Contender
from tests.bench.workloads import Figure, wait_ready

RECORDS = 10_000_000
VALUE = b"v" * 80  # with key and overhead a hundred bytes
SEGMENT_BYTES = 100_000_000
COMPACTED = {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.01"}
PAUSE_S = 0.01
TIMEOUT_S = 1800.0


def compaction(contender: Contender, keys: int, name: str) -> Iterator[Figure]:
    """A topic of its own for each number of keys."""
    wait_ready(contender)
    topic = f"compacted-{keys}"
    admin = AdminClient({"bootstrap.servers": contender.bootstrap, "log_level": 0})
    # Both on the first broker.
    new = [
        NewTopic(topic, 1, replica_assignment=[[1]], config={"segment.bytes": str(SEGMENT_BYTES)}),
        NewTopic(f"beside-{keys}", 1, replica_assignment=[[1]]),
    ]
    for made in admin.create_topics(new).values():
        made.result(60)
    _alter(admin, ResourceType.BROKER, "1", {"log.cleaner.backoff.ms": "100"})
    _fill(contender, topic, keys)
    pid, checkpoint = contender.brokers[0].pid, contender.brokers[0].directory / "data"
    before_mb = _family_mb(pid)
    with_peak = _Peak(pid)
    beside = _Beside(contender, f"beside-{keys}")
    for watching in (with_peak, beside):
        watching.start()
    began_s = time.monotonic()
    _alter(admin, ResourceType.TOPIC, topic, COMPACTED)
    _wait_until_clean(checkpoint, topic)
    took_s = time.monotonic() - began_s
    for watching in (with_peak, beside):
        watching.is_over.set()
        watching.join()
    yield Figure(f"compaction of 1 GB, {name}", took_s, "s", False)
    yield Figure(f"compaction, {name}: memory", with_peak.most_mb - before_mb, "MB", False)
    p99_ms = statistics.quantiles(beside.latencies_ms, n=100)[98]
    yield Figure(f"compaction, {name}: produce p99", p99_ms, "ms", False)


def _fill(contender: Contender, topic: str, keys: int) -> None:
    producer = Producer(
        {
            "bootstrap.servers": contender.bootstrap,
            "linger.ms": 20,
            "batch.size": 100_000,
            "queue.buffering.max.messages": 500_000,
        }
    )
    for number in range(RECORDS):
        while True:
            try:
                producer.produce(topic, key=b"%010d" % (number % keys), value=VALUE)
                break
            except BufferError:
                producer.poll(0.1)
        if number % 1000 == 0:
            producer.poll(0)
    producer.flush(TIMEOUT_S)


def _alter(admin: AdminClient, kind: ResourceType, name: str, configs: dict[str, str]) -> None:
    entries = [
        ConfigEntry(config, value, incremental_operation=AlterConfigOpType.SET)
        for config, value in configs.items()
    ]
    resource = ConfigResource(kind, name, incremental_configs=entries)
    for done in admin.incremental_alter_configs([resource]).values():
        done.result(60)


def _wait_until_clean(data: Path, topic: str) -> None:
    """Until the checkpoint names the beginning of the last segment, the active one."""
    active = max(int(path.stem) for path in (data / f"{topic}-0").glob("*.log"))
    line = f"{topic} 0 {active}"
    deadline_s = time.monotonic() + TIMEOUT_S
    checkpoint = data / "cleaner-offset-checkpoint"
    while not checkpoint.exists() or line not in checkpoint.read_text().split("\n"):
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"{topic} is not clean after {TIMEOUT_S:.0f} s")
        time.sleep(0.1)


def _family_mb(pid: int) -> float:
    """Resident memory of a process and its children."""
    pids = {pid}
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):  # it has just ended
            pids |= set(map(int, (thread / "children").read_text().split()))
    return sum(map(_resident_mb, pids))


def _resident_mb(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0  # it has just ended
    lines = (line.split() for line in status.splitlines())
    return next((int(line[1]) / 1024 for line in lines if line[0] == "VmRSS:"), 0.0)


class _Peak(threading.Thread):
    def __init__(self, pid: int) -> None:
        super().__init__()
        self.is_over = threading.Event()
        self.most_mb = 0.0
        self._pid = pid

    def run(self) -> None:
        while not self.is_over.wait(0.1):
            self.most_mb = max(self.most_mb, _family_mb(self._pid))


class _Beside(threading.Thread):
    def __init__(self, contender: Contender, topic: str) -> None:
        super().__init__()
        self.is_over = threading.Event()
        self.latencies_ms: list[float] = []
        self._topic = topic
        self._producer = Producer(
            {"bootstrap.servers": contender.bootstrap, "acks": "1", "linger.ms": 0}
        )

    def run(self) -> None:
        while not self.is_over.wait(PAUSE_S):
            began_s = time.perf_counter()
            self._producer.produce(self._topic, b"x")
            self._producer.flush(60)
            self.latencies_ms.append((time.perf_counter() - began_s) * 1000)
