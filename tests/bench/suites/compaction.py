"""Compaction: 1 GB of 10 million records, of as many keys (many), and of 100,000 keys (few).

The topic is written as one that is not compacted, then it becomes one, and all of it is dirty at
once. From then on is measured, until the cleaner's checkpoint names the end of what may be cleaned:

    time       how long that took
    memory     the most that the broker and its children had resident meanwhile, beyond what the
               broker had before: Kafka's map is in its heap, ours in the child
    p99        of an acks=1 record every 10 ms to another topic of the same broker
"""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from tests.bench.clients import admin_client, fill, place_topic
from tests.bench.contenders import Contender
from tests.bench.figures import Figure, percentile
from tests.bench.paced import Latencies, paced, waited_ms
from tests.bench.size import Size
from tests.bench.usage import usage_of

FEW_KEYS = 100_000
VALUE = b"v" * 80  # with key and overhead a hundred bytes
SEGMENT_BYTES = 100_000_000
COMPACTED = {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.01"}
PER_SECOND = 100
TIMEOUT_S = 1800.0


def compaction(contender: Contender, size: Size) -> Iterator[Figure]:
    """A topic of its own for each number of keys."""
    admin = admin_client(contender)
    _alter(admin, ResourceType.BROKER, "1", {"log.cleaner.backoff.ms": "100"})
    records = size.compacted_records
    yield from _compaction(contender, admin, "many keys", records, keys=records)
    yield from _compaction(contender, admin, "few keys", records, min(FEW_KEYS, records // 100))


def _compaction(
    contender: Contender, admin: AdminClient, name: str, records: int, keys: int
) -> Iterator[Figure]:
    # Both on the first broker.
    config = {"segment.bytes": str(min(SEGMENT_BYTES, records * 10))}
    topic = place_topic(contender, f"compacted-{keys}", [[1]], config)
    beside = place_topic(contender, f"beside-{keys}", [[1]])
    fill(contender, topic, ((b"%010d" % (number % keys), VALUE) for number in range(records)))
    pid, data = contender.brokers[0].pid, contender.brokers[0].directory / "data"
    before_mb = usage_of([pid]).rss_mb
    peak = _Peak(pid)
    seen = Latencies()
    with paced(contender, [(beside, 0)], PER_SECOND, seen, acks="1"):
        peak.start()
        try:
            began_s = time.monotonic()
            _alter(admin, ResourceType.TOPIC, topic, COMPACTED)
            _wait_until_clean(data, topic)
            took_s = time.monotonic() - began_s
        finally:
            peak.is_over.set()
            peak.join()
    yield Figure("compaction", f"{name}: time", took_s, "s", False)
    yield Figure("compaction", f"{name}: memory", peak.most_mb - before_mb, "MB", False)
    p99_ms = percentile(waited_ms(seen.acknowledged, began_s), 99)
    yield Figure("compaction", f"{name}: produced beside p99", p99_ms, "ms", False)


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


class _Peak(threading.Thread):
    def __init__(self, pid: int) -> None:
        super().__init__()
        self.is_over = threading.Event()
        self.most_mb = 0.0
        self._pid = pid

    def run(self) -> None:
        while not self.is_over.wait(0.1):
            self.most_mb = max(self.most_mb, usage_of([self._pid]).rss_mb)
