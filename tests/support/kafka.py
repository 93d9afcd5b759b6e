"""A real Apache Kafka 3.9.1: a broker in ZooKeeper mode, and Kafka's own command line tools.

    with real_kafka(1, zookeeper, tmp_path) as kafka:
        kafka_tool("org.apache.kafka.tools.TopicCommand", "--bootstrap-server", kafka.address, ...)

The tools run against any broker, ours above all. Their main classes are those of Kafka's
`bin/*.sh` scripts.
"""

import socket
import struct
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import attrs

from cli.java.runtime import java_command
from tests.support.java import JavaServer
from tests.support.kafka_jars import kafka_class_path
from tests.support.ports import free_port

BROKER_HEAP_MB = 512
TOOL_HEAP_MB = 256
TOOL_TIMEOUT_S = 60.0

# A broker for tests: alone at first, quick to notice a death, quick to let a group start.
PROPERTIES = {
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "5",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "5",
    "group.initial.rebalance.delay.ms": "0",
    "zookeeper.session.timeout.ms": "6000",
}


@attrs.define(eq=False)
class KafkaServer(JavaServer):
    """A real Kafka broker; its log directory is `directory`/data."""

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"


@contextmanager
def real_kafka(
    broker_id: int,
    zookeeper: str,
    directory: Path,
    *,
    port: int | None = None,
    properties: Mapping[str, str] | None = None,
) -> Iterator[KafkaServer]:
    """A running Kafka broker registered in `zookeeper`, with its files in `directory`.

    `properties` add to and override ours. Takes 4 s and half a GB: share it where you can.
    """
    port = port or free_port()
    directory.mkdir(parents=True, exist_ok=True)
    settings = {
        "broker.id": str(broker_id),
        "listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "log.dirs": str(directory / "data"),
        "zookeeper.connect": zookeeper,
        **PROPERTIES,
        **(properties or {}),
    }
    configuration = directory / "server.properties"
    configuration.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    server = KafkaServer(
        f"kafka-{broker_id}",
        port,
        directory,
        kafka_command(configuration),
        is_ready=lambda: answers_api_versions(port),
    )
    server.start()
    try:
        server.wait_ready()
        yield server
    finally:
        server.stop()


def kafka_command(configuration: Path) -> list[str]:
    """The argv of a broker that reads its properties from `configuration`."""
    return java_command(
        kafka_class_path(),
        "kafka.Kafka",
        str(configuration),
        heap_mb=BROKER_HEAP_MB,
        properties={"org.slf4j.simpleLogger.defaultLogLevel": "info"},
    )


def kafka_tool(
    main_class: str, *arguments: str, stdin: str | None = None, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run one of Kafka's tools to its end, at most a minute; its output is text.

    With `check`, a tool that fails raises AssertionError with all it said.
    """
    result = subprocess.run(
        tool_command(main_class, *arguments),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=TOOL_TIMEOUT_S,
        check=False,
    )
    if check:
        assert result.returncode == 0, f"{main_class}: {result.stdout}\n{result.stderr}"
    return result


def tool_command(main_class: str, *arguments: str) -> list[str]:
    """The argv of a Kafka tool, for tests that must talk to it while it runs."""
    return java_command(
        kafka_class_path(),
        main_class,
        *arguments,
        heap_mb=TOOL_HEAP_MB,
        properties={"org.slf4j.simpleLogger.defaultLogLevel": "warn"},
    )


def answers_api_versions(port: int) -> bool:
    """Whether a broker answers requests at `port`: it listens before it does.

    Written out by hand (ApiVersions 0: key 18, version 0, correlation id 1, no client id), so
    that waiting for the real Kafka trusts nothing of ours.
    """
    request = struct.pack(">ihhih", 10, 18, 0, 1, -1)
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1.0) as connection:
            connection.sendall(request)
            return len(connection.recv(8)) == 8
    except OSError:
        return False
