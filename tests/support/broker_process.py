"""One broker as a process, ours or the real Kafka's: the same properties, the same files.

    with running_broker("kafka", 1, zookeeper, tmp_path) as broker:
        ...clients at broker.address...

Its directory has `server.properties`, its log, and `data`, where it keeps its partitions.
"""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from tests.support.kafka import answers_api_versions, kafka_command
from tests.support.ports import free_port
from tests.support.server import ServerProcess

Kind = Literal["zbroker", "kafka"]

CONFIGURATION = "server.properties"

# A broker for tests: alone at first, quick to notice a death, quick to let a group start.
PROPERTIES = {
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "5",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "5",
    "group.initial.rebalance.delay.ms": "0",
    "zookeeper.session.timeout.ms": "6000",
    # When all stop at once the last leaders can move nowhere: no use in asking for long.
    "controlled.shutdown.retry.backoff.ms": "200",
}


@contextmanager
def running_broker(
    kind: Kind,
    broker_id: int,
    zookeeper: str,
    directory: Path,
    *,
    port: int | None = None,
    properties: Mapping[str, str] | None = None,
    waits: bool = True,
) -> Iterator[ServerProcess]:
    """A broker registered in `zookeeper`, with its files in `directory`; ended with the block.

    It answers when the block begins, unless one doesn't wait for that. `properties` add to and
    override ours. A real Kafka takes 4 s and half a GB: share it where you can.
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
    configuration = directory / CONFIGURATION
    configuration.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    server = ServerProcess(
        f"{kind}-{broker_id}",
        port,
        directory,
        broker_command(kind, configuration),
        is_ready=lambda: answers_api_versions(port),
    )
    server.start()
    try:
        if waits:
            server.wait_ready()
        yield server
    finally:
        server.stop()


def broker_command(kind: Kind, configuration: Path) -> list[str]:
    """The argv of a broker of that kind that reads its properties from `configuration`."""
    if kind == "kafka":
        return kafka_command(configuration)
    return [sys.executable, "-m", "cli.server", "--log-format=text", str(configuration)]
