"""What is told of the log cleaner: what it leaves alone.

A log that it has given up is noticed by no client; its disk fills slowly.

A name that ends in `count` is a histogram's, by the conventions, so that such a gauge has no type.
Kafka's time-since-last-run-ms is not told: promtool takes no name that ends in `_ms`.

Source: Kafka's LogCleanerManager.
"""

from collections import Counter
from collections.abc import Iterator

from broker.log.log_manager import LogManager
from broker.monitoring.mbeans import metric_name
from broker.monitoring.text_format import Family, MetricType, Sample


def cleaner_families(logs: LogManager) -> Iterator[Family]:
    uncleanable = Counter(log.directory.parent for log in logs.cleaner.uncleanable())
    yield Family(
        metric_name("kafka.log:type=LogCleanerManager,name=uncleanable-partitions-count"),
        MetricType.UNTYPED,
        "Compacted logs that are left alone: they can't be read, or the cleaner failed at them.",
        [
            Sample(uncleanable[each.path], {"logdirectory": str(each.path.absolute())})
            for each in logs.directories.all
        ],
    )
