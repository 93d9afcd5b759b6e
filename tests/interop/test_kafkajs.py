"""The pair of a Kafka introduction, in kafkajs: compose/clients as it stands."""

import os
import subprocess
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import NewTopic

from tests.support.cluster import TestCluster
from tests.support.processes import running_program
from tests.support.tools import require_tool
from tests.support.topics import make_topics, wait_until_known

pytestmark = pytest.mark.server


def test_a_message_goes_from_the_producer_to_the_consumer(
    cluster: TestCluster, kafkajs: Path, name: str
) -> None:
    """The topic doesn't exist before: the producer's first metadata request creates it."""
    node = require_tool("node", "apt-get install nodejs")
    where = {"BROKERS": cluster.bootstrap, "TOPIC": name, "GROUP": name}
    produce(node, kafkajs, where)
    wait_until_known(cluster.bootstrap, name)

    with running_program([node, "consumer.js"], directory=kafkajs, environment=where) as consumer:
        consumer.wait_for_line("Consumer has joined the group")
        consumer.wait_for_line("Hello Kafka World!")
        produce(node, kafkajs, where)
        consumer.wait_for_line("Hello Kafka World!")
        assert consumer.interrupt() == 0

    # The group has committed both: a second consumer waits for a third message.
    with running_program([node, "consumer.js"], directory=kafkajs, environment=where) as consumer:
        consumer.wait_for_line("Consumer has joined the group")
        produce(node, kafkajs, where)
        consumer.wait_for_line("Hello Kafka World!")
        consumer.interrupt()
        assert "Hello" not in (consumer.rest())


@pytest.mark.parametrize("codec", ["gzip", "uncompressed"])
def test_a_message_that_was_compressed_anew(
    cluster: TestCluster, kafkajs: Path, name: str, codec: str
) -> None:
    """kafkajs has gzip, and for the other codecs plug-ins."""
    node = require_tool("node", "apt-get install nodejs")
    where = {"BROKERS": cluster.bootstrap, "TOPIC": name, "GROUP": name}
    make_topics(cluster.bootstrap, NewTopic(name, 1, 1, config={"compression.type": codec}))
    produce(node, kafkajs, where)
    gzipped = Producer({"bootstrap.servers": cluster.bootstrap, "compression.type": "gzip"})
    gzipped.produce(name, b"Hello in gzip!")
    assert gzipped.flush(60) == 0
    with running_program([node, "consumer.js"], directory=kafkajs, environment=where) as consumer:
        consumer.wait_for_line("Hello Kafka World!")
        consumer.wait_for_line("Hello in gzip!")
        consumer.interrupt()


def produce(node: str, directory: Path, where: dict[str, str]) -> None:
    result = subprocess.run(
        [node, "producer.js"],
        cwd=directory,
        env={**os.environ, **where},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
