"""Ensembles of processes for tests: one ZooKeeper and N brokers, ours or the real Kafka's.

    with running_cluster("zbroker", tmp_path) as cluster:
        ...clients at cluster.bootstrap...
        cluster.brokers[2].kill()                  # SIGKILL; start(); wait_ready() brings it back
        cluster.pause(3)                           # SIGSTOP: alive, but silent
        cluster.kill_all(); cluster.start_all()    # a power cut

Both kinds take the same server.properties, so whatever is tested on zbroker can
be shown on a real Kafka first. Everything listens on free ports of 127.0.0.1,
and is set to be quick: no wait before a group's first rebalance, a broker's
death noticed after `SESSION_TIMEOUT_MS`.
"""

import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Literal

import attrs
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, ClusterMetadata
from kazoo.client import KazooClient

from tests.support.java import JavaServer
from tests.support.kafka import PROPERTIES, answers_api_versions, real_kafka
from tests.support.ports import free_port, free_ports
from tests.support.zookeeper import real_zookeeper

Kind = Literal["zbroker", "kafka"]

SESSION_TIMEOUT_MS = 3000
READY_TIMEOUT_S = 60.0
POLL_S = 0.05

# A first light has one replica a partition; a test that wants more says so.
SETTINGS = {
    **PROPERTIES,
    "zookeeper.session.timeout.ms": str(SESSION_TIMEOUT_MS),
    "num.partitions": "1",
    "default.replication.factor": "1",
    # When all stop at once the last leaders can move nowhere: no use in asking for long.
    "controlled.shutdown.retry.backoff.ms": "200",
}


@attrs.define(eq=False)
class TestCluster:
    """A ZooKeeper and its brokers, by id. All of them were started."""

    __test__ = False  # a class of pytest's naming, but no test

    kind: Kind
    zookeeper: JavaServer
    brokers: dict[int, JavaServer]

    @property
    def bootstrap(self) -> str:
        return ",".join(self.address(broker_id) for broker_id in self.brokers)

    @property
    def zookeeper_connect(self) -> str:
        return f"127.0.0.1:{self.zookeeper.port}"

    def address(self, broker_id: int) -> str:
        return f"127.0.0.1:{self.brokers[broker_id].port}"

    def log_dir(self, broker_id: int) -> Path:
        """Where that broker keeps its partitions."""
        return self.brokers[broker_id].directory / "data"

    def pause(self, broker_id: int) -> None:
        """SIGSTOP: the process keeps its sockets and says nothing."""
        self._signal(broker_id, signal.SIGSTOP)

    def resume(self, broker_id: int) -> None:
        self._signal(broker_id, signal.SIGCONT)

    def _signal(self, broker_id: int, number: signal.Signals) -> None:
        child = self.brokers[broker_id].child
        assert child is not None, f"broker {broker_id} does not run"
        child.send(number)

    def stop_all(self) -> None:
        """As Ctrl-C on `zbroker-admin up`: the brokers by SIGTERM, ZooKeeper last."""
        for broker in self.brokers.values():
            if broker.child is not None:
                broker.child.send(signal.SIGCONT)  # one that is paused can't obey
                broker.child.send(signal.SIGTERM)
        for broker in self.brokers.values():
            broker.stop()
        self.zookeeper.stop()

    def kill_all(self) -> None:
        """SIGKILL for every process, ZooKeeper's too."""
        for server in (*self.brokers.values(), self.zookeeper):
            if server.child is not None:
                server.child.send(signal.SIGKILL)
        for server in (*self.brokers.values(), self.zookeeper):
            server.kill()

    def start_all(self) -> None:
        """Start what `stop_all` or `kill_all` ended, and wait until clients can work."""
        self.zookeeper.start()
        self.zookeeper.wait_ready()
        self.start_brokers()

    def start_brokers(self) -> None:
        """Start all brokers, none of which runs, and wait until clients can work."""
        if self.kind == "kafka":
            # A real broker gives up when its own node of before the kill is still there.
            self._wait_for("the old sessions' end", self._no_broker_is_registered)
        for broker in self.brokers.values():
            broker.start()
        self.wait_ready()

    def wait_ready(self) -> None:
        """Block until each broker tells its clients of all the brokers and of a controller."""
        for broker in self.brokers.values():
            broker.wait_ready()
        for broker_id in self.brokers:
            self._wait_for(f"broker {broker_id} to know all", partial(self._knows_all, broker_id))

    def metadata(self, broker_id: int) -> ClusterMetadata:
        """What that one broker says of the cluster."""
        client = AdminClient({"bootstrap.servers": self.address(broker_id), "log_level": 0})
        return client.list_topics(timeout=5)

    def _knows_all(self, broker_id: int) -> bool:
        try:
            metadata = self.metadata(broker_id)
        except KafkaException:
            return False
        return metadata.brokers.keys() == self.brokers.keys() and metadata.controller_id >= 0

    def _no_broker_is_registered(self) -> bool:
        client = KazooClient(self.zookeeper_connect)
        client.start()
        try:
            return not client.get_children("/brokers/ids")
        finally:
            client.stop()
            client.close()

    def _wait_for(self, what: str, happened: Callable[[], bool]) -> None:
        deadline = time.monotonic() + READY_TIMEOUT_S
        while not happened():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.kind}: waited {READY_TIMEOUT_S:.0f} s for {what}")
            time.sleep(POLL_S)


@contextmanager
def running_cluster(
    kind: Kind,
    directory: Path,
    *,
    brokers: int = 3,
    properties: Mapping[str, str] | None = None,
) -> Iterator[TestCluster]:
    """A cluster with broker ids from 1, its files in `directory`; ended when the block ends."""
    settings = {**SETTINGS, **(properties or {})}
    first_port = free_ports(brokers)
    with ExitStack() as stack:
        zookeeper = stack.enter_context(real_zookeeper(directory / "zookeeper", free_port()))
        connect = f"127.0.0.1:{zookeeper.port}"
        start = real_kafka if kind == "kafka" else zbroker
        servers = {
            broker_id: stack.enter_context(
                start(
                    broker_id,
                    connect,
                    directory / f"broker-{broker_id}",
                    port=first_port + broker_id - 1,
                    properties=settings,
                )
            )
            for broker_id in range(1, brokers + 1)
        }
        cluster = TestCluster(kind, zookeeper, servers)
        cluster.wait_ready()
        yield cluster
        # In parallel; the blocks' own ends then find nothing left to stop.
        cluster.stop_all()


@contextmanager
def zbroker(
    broker_id: int,
    zookeeper: str,
    directory: Path,
    *,
    port: int | None = None,
    properties: Mapping[str, str] | None = None,
) -> Iterator[JavaServer]:
    """A zbroker process registered in `zookeeper`, with its files in `directory`."""
    port = port or free_port()
    directory.mkdir(parents=True, exist_ok=True)
    settings = {
        "broker.id": str(broker_id),
        "listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "log.dirs": str(directory / "data"),
        "zookeeper.connect": zookeeper,
        **SETTINGS,
        **(properties or {}),
    }
    configuration = directory / "server.properties"
    configuration.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    server = JavaServer(
        f"zbroker-{broker_id}",
        port,
        directory,
        [sys.executable, "-m", "cli.server", str(configuration)],
        is_ready=lambda: answers_api_versions(port),
    )
    server.start()
    try:
        yield server
    finally:
        server.stop()
