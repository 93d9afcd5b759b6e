"""The two kinds of cluster: same properties, same ZooKeeper, each with its own processes."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal

import attrs

from cli.java.runtime import java_executable
from tests.support.kafka import answers_api_versions
from tests.support.kafka_jars import kafka_class_path
from tests.support.ports import free_port, free_ports
from tests.support.server import ServerProcess
from tests.support.zookeeper import real_zookeeper

Kind = Literal["zbroker", "kafka"]
KINDS: tuple[Kind, ...] = ("zbroker", "kafka")
BROKERS = 3

# Of kafka-run-class.sh and kafka-server-start.sh, 3.9.
KAFKA_SERVER_FLAGS = (
    "-Xmx1G",
    "-Xms1G",
    "-server",
    "-XX:+UseG1GC",
    "-XX:MaxGCPauseMillis=20",
    "-XX:InitiatingHeapOccupancyPercent=35",
    "-XX:+ExplicitGCInvokesConcurrent",
    "-Djava.awt.headless=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
)
KAFKA_TOOL_FLAGS = ("-Xmx512M", *KAFKA_SERVER_FLAGS[2:])

PROPERTIES = {
    "offsets.topic.replication.factor": "3",
    "offsets.topic.num.partitions": "5",
    "transaction.state.log.replication.factor": "3",
    "transaction.state.log.num.partitions": "5",
    "group.initial.rebalance.delay.ms": "0",
    "zookeeper.session.timeout.ms": "6000",
}


@attrs.define(eq=False)
class Contender:
    """A running cluster of one kind; `brokers` are its processes."""

    kind: Kind
    bootstrap: str
    zookeeper: str
    brokers: list[ServerProcess]
    began_s: float  # when the first broker was started, by the monotonic clock

    @property
    def addresses(self) -> dict[int, str]:
        """Of each broker, by its id."""
        return dict(enumerate(self.bootstrap.split(","), start=1))


@contextmanager
def running(kind: Kind, directory: Path) -> Iterator[Contender]:
    """A fresh cluster; its brokers are started, and not waited for."""
    first_port = free_ports(BROKERS)
    with ExitStack() as stack:
        zookeeper = stack.enter_context(real_zookeeper(directory / "zookeeper", free_port()))
        connect = f"127.0.0.1:{zookeeper.port}"
        ports = [first_port + index for index in range(BROKERS)]
        brokers = [
            _broker(kind, index + 1, port, connect, directory / f"broker-{index + 1}")
            for index, port in enumerate(ports)
        ]
        began_s = time.monotonic()
        for broker in brokers:
            stack.callback(broker.stop)
            broker.start()
        bootstrap = ",".join(f"127.0.0.1:{port}" for port in ports)
        yield Contender(kind, bootstrap, connect, brokers, began_s)


def _broker(
    kind: Kind, broker_id: int, port: int, zookeeper: str, directory: Path
) -> ServerProcess:
    directory.mkdir(parents=True)
    settings = {
        "broker.id": str(broker_id),
        "listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "log.dirs": str(directory / "data"),
        "zookeeper.connect": zookeeper,
        **PROPERTIES,
    }
    configuration = directory / "server.properties"
    configuration.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    argv = (
        [sys.executable, "-m", "cli.server", str(configuration)]
        if kind == "zbroker"
        else java(KAFKA_SERVER_FLAGS, "kafka.Kafka", str(configuration))
    )
    return ServerProcess(
        f"{kind}-{broker_id}", port, directory, argv, lambda: answers_api_versions(port)
    )


def java(flags: tuple[str, ...], main_class: str, *arguments: str) -> list[str]:
    """The command line of a server or tool of Kafka's, with the flags of its own script."""
    class_path = os.pathsep.join(map(str, kafka_class_path()))
    return [str(java_executable()), *flags, "-cp", class_path, main_class, *arguments]
