"""The names of our metrics are those that the JMX exporter gives to a real Kafka's MBeans.

A dashboard made for Kafka asks for a name and for labels. So each of ours that begins with kafka_
is looked up among what the exporter tells, as an agent in a real Kafka that has done the same. Its
rules are those that people use for Kafka (kafka-2_0_0.yml among the exporter's examples, and
Strimzi's for what has no name):

    the Count of a ..PerSec    a counter, `_total` in the place of PerSec
    a Value                    a gauge
    a histogram's Count        `_count`; its percentiles are quantiles. (The sum is ours alone.)

Without a `name` among an MBean's keys it is `<domain>_<type>_<attribute>`.
"""

import http.client
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import NewTopic

from cli.java.artifacts import class_path
from tests.interop.test_monitoring import RECORDS, TIMEOUT_S, Watched, consume, produce
from tests.support import kafka_jars
from tests.support.broker_process import running_broker
from tests.support.ports import free_port
from tests.support.server import ServerProcess
from tests.support.topics import make_topics

pytestmark = [pytest.mark.server, pytest.mark.matrix]

EXPORTER = Path(kafka_jars.__file__).with_name("jmx_exporter.lock")

# A name, and the names of its labels.
Metric = tuple[str, frozenset[str]]


def rules() -> Iterator[dict[str, Any]]:
    """The exporter takes the first that fits; it matches `domain<key=value, ..><>attribute`."""
    yield {
        # Of each network thread, of which we have none: ours are a listener's.
        "pattern": r"kafka.server<type=(.+), listener=(.+), networkProcessor=.+><>([\w-]+)",
        "name": "kafka_server_$1_$3",
        "labels": {"listener": "$2"},
    }
    for keys in (2, 1, 0):
        named = r"kafka.([\w.]+)<type=([^,]+), name=([^,>]+)"
        more = keys * r", ([^=,]+)=([^,>]+)"
        labels = {f"${4 + 2 * key}": f"${5 + 2 * key}" for key in range(keys)}
        percentile = {"quantile": f"0.${4 + 2 * keys}"}
        for pattern, name, all_labels in (
            (rf"{named}PerSec\w*{more}><>Count", "kafka_$1_$2_$3_total", labels),
            (rf"{named}{more}><>Value", "kafka_$1_$2_$3", labels),
            (rf"{named}{more}><>Count", "kafka_$1_$2_$3_count", labels),
            (rf"{named}{more}><>(\d+)thPercentile", "kafka_$1_$2_$3", labels | percentile),
        ):
            yield {"pattern": pattern, "name": name, "labels": all_labels}


def live(broker: ServerProcess) -> None:
    """A little of everything, refusals too: Kafka tells of a topic what has happened to it."""
    config = {"max.message.bytes": "20000", "message.timestamp.after.max.ms": "3600000"}
    make_topics(broker.address, NewTopic("t", 2, 1, config=config))
    produce(broker.address)
    consume(broker.address, RECORDS)
    refused: list[object] = []
    producer = Producer({"bootstrap.servers": broker.address})
    producer.produce("t", b"x" * 30_000, on_delivery=lambda error, _: refused.append(error))
    assert producer.flush(TIMEOUT_S) == 0  # in one batch with the other both would be too large
    tomorrow_ms = int((time.time() + 86400) * 1000)
    producer.produce(
        "t", b"x", timestamp=tomorrow_ms, on_delivery=lambda error, _: refused.append(error)
    )
    assert producer.flush(TIMEOUT_S) == 0
    assert [error is None for error in refused] == [False, False]


def metrics_in(text: str) -> set[Metric]:
    return {
        (re.split(r"[{ ]", line, maxsplit=1)[0], frozenset(re.findall(r'(\w+)="', line)))
        for line in text.splitlines()
        if line.startswith("kafka_")
    }


def of_zbroker(zookeeper: str, directory: Path) -> set[Metric]:
    http_port = free_port()
    properties = {"http.listener": f"HTTP://127.0.0.1:{http_port}"}
    with running_broker("zbroker", 1, zookeeper, directory, properties=properties) as broker:
        live(broker)
        return metrics_in(Watched(broker, http_port).metrics().decode())


def of_kafka(zookeeper: str, directory: Path) -> set[Metric]:
    """As the exporter tells of it, an agent in its Java."""
    [agent] = class_path(EXPORTER)
    port, configuration = free_port(), directory / "exporter.yml"
    directory.mkdir()
    asked = {"lowercaseOutputName": True, "lowercaseOutputLabelNames": True, "rules": list(rules())}
    configuration.write_text(json.dumps(asked))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAVA_TOOL_OPTIONS", f"-javaagent:{agent}=127.0.0.1:{port}:{configuration}")
        with running_broker("kafka", 1, zookeeper, directory) as broker:
            live(broker)
            return metrics_in(scraped(port))


def scraped(port: int) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/metrics")
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def test_each_of_ours_is_one_of_kafkas(zookeeper: str, tmp_path: Path) -> None:
    kafka = of_kafka(f"{zookeeper}/kafka", tmp_path / "kafka")
    zbroker = of_zbroker(zookeeper, tmp_path / "zbroker")
    ours = {(name, labels) for name, labels in zbroker if not name.endswith("_sum")}
    assert len(ours) > 70
    assert sorted((name, *sorted(labels)) for name, labels in ours - kafka) == []
