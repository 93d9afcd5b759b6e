"""The process, by the names that every Prometheus client library gives to these.

Source: https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics, proc(5).
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path

from broker.monitoring.text_format import Family, MetricType, Sample


def process_families() -> Iterator[Family]:
    for name, kind, meaning, value in (
        (
            "process_cpu_seconds_total",
            MetricType.COUNTER,
            "Processor time, of all threads.",
            time.process_time(),
        ),
        (
            "process_resident_memory_bytes",
            MetricType.GAUGE,
            "Memory that is in use.",
            _resident_bytes(),
        ),
        ("process_open_fds", MetricType.GAUGE, "Open file descriptors.", _open_fds()),
    ):
        yield Family(name, kind, meaning, [Sample(value)])


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE")


def _open_fds() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208  (ten thousand Paths for their number)
