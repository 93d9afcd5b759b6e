"""Names of metrics: what Prometheus' JMX exporter makes of Kafka's MBeans.

    kafka.server:type=ReplicaManager,name=LeaderCount              a gauge
        ─► kafka_server_replicamanager_leadercount
    kafka.server:type=BrokerTopicMetrics,name=MessagesInPerSec,..  a meter, of which the count
        ─► kafka_server_brokertopicmetrics_messagesin_total        is taken
    kafka.log:type=LogCleanerManager,name=max-dirty-percent        what is no letter becomes `_`
        ─► kafka_log_logcleanermanager_max_dirty_percent
    kafka.network:type=RequestMetrics,name=TotalTimeMs,..          a histogram
        ─► kafka_network_requestmetrics_totaltimems                with {quantile=..}, _count

Domain, type and name are joined by `_`, all in lower case; further keys of the MBean are labels.
So who knows Kafka's monitoring finds Kafka's name in our code, and who has a dashboard finds its
metric at our door.

Source: https://kafka.apache.org/39/documentation.html#monitoring for the MBeans; the exporter's
example configuration for Kafka (kafka-2_0_0.yml) for the rules.
"""

import re
from collections.abc import Iterable
from functools import cache
from typing import Final

from broker.monitoring.text_format import Family, MetricType, Sample

_MBEAN: Final = re.compile(r"([a-z.]+):type=(\w+),name=([\w-]+)")
_PER_SECOND: Final = re.compile(r"PerSec\w*$")


@cache
def metric_name(mbean: str) -> str:
    """The metric's name of `domain:type=Type,name=Name`."""
    parts = _MBEAN.fullmatch(mbean)
    assert parts is not None, f"{mbean} is not domain:type=Type,name=Name"
    domain, kind, name = parts.groups()
    total = "_total" if _PER_SECOND.search(name) else ""
    known = f"{domain}_{kind}_{_PER_SECOND.sub('', name)}{total}"
    return known.replace(".", "_").replace("-", "_").lower()


def gauge(mbean: str, meaning: str, samples: Iterable[Sample] | float) -> Family:
    """A value that goes up and down; one number is a sample without labels."""
    return Family(metric_name(mbean), MetricType.GAUGE, meaning, _samples(samples))


def meter(mbean: str, meaning: str, samples: Iterable[Sample] | float) -> Family:
    """How many there were (its name ends with PerSec: a rate of this is what Kafka shows)."""
    return Family(metric_name(mbean), MetricType.COUNTER, meaning, _samples(samples))


def histogram(mbean: str, meaning: str, samples: Iterable[Sample]) -> Family:
    """Quantiles, a count and a sum, as `Timings.samples` gives them."""
    return Family(metric_name(mbean), MetricType.SUMMARY, meaning, samples)


def _samples(samples: Iterable[Sample] | float) -> Iterable[Sample]:
    return [Sample(samples)] if isinstance(samples, int | float) else samples
