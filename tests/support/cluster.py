"""Ensembles of processes for tests: one ZooKeeper and N brokers, ours or the real Kafka's, or both.

    with running_cluster("zbroker", tmp_path) as cluster:
        ...clients at cluster.bootstrap...
        cluster.brokers[2].kill()                  # SIGKILL; start(); wait_ready() brings it back
        cluster.pause(3)                           # SIGSTOP: alive, but silent
        cluster.kill_all(); cluster.start_all()    # a power cut

    with running_cluster(["kafka", "kafka", "zbroker"], tmp_path) as cluster:
        cluster.brokers[1].stop(); cluster.turn_into("zbroker", 1); cluster.start(1)

Both kinds take the same server.properties, so whatever is tested on zbroker can
be shown on a real Kafka first, and either can be started on the other's files.
Everything listens on free ports of 127.0.0.1,
and is set to be quick: no wait before a group's first rebalance, a broker's
death noticed after `SESSION_TIMEOUT_MS`.
"""

import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import attrs
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, ClusterMetadata
from kazoo.client import KazooClient

from tests.support.broker_process import CONFIGURATION, Kind, broker_command, running_broker
from tests.support.ports import free_port, free_ports
from tests.support.server import ServerProcess
from tests.support.zookeeper import real_zookeeper

SESSION_TIMEOUT_MS = 3000
READY_TIMEOUT_S = 60.0
POLL_S = 0.05

SETTINGS = {"zookeeper.session.timeout.ms": str(SESSION_TIMEOUT_MS)}


@attrs.define(eq=False)
class TestCluster:
    """A ZooKeeper and its brokers, by id, each with its kind. All of them were started."""

    __test__ = False  # a class of pytest's naming, but no test

    zookeeper: ServerProcess
    brokers: dict[int, ServerProcess]
    kinds: dict[int, Kind]

    @property
    def bootstrap(self) -> str:
        return ",".join(self.address(broker_id) for broker_id in self.brokers)

    @property
    def zookeeper_connect(self) -> str:
        return self.zookeeper.address

    def address(self, broker_id: int) -> str:
        return self.brokers[broker_id].address

    def log_dir(self, broker_id: int) -> Path:
        """Where that broker keeps its partitions."""
        return self.brokers[broker_id].directory / "data"

    def of_kind(self, kind: Kind) -> list[int]:
        """The ids of the brokers that are of that kind now."""
        return [broker_id for broker_id, its in self.kinds.items() if its == kind]

    def turn_into(self, kind: Kind, broker_id: int) -> None:
        """Make a broker of the other kind of one that doesn't run: same properties, same files."""
        broker = self.brokers[broker_id]
        assert broker.child is None, f"broker {broker_id} runs"
        broker.name = f"{kind}-{broker_id}"
        broker.argv = broker_command(kind, broker.directory / CONFIGURATION)
        self.kinds[broker_id] = kind

    def start(self, broker_id: int) -> None:
        """Start a broker that doesn't run, without waiting for it."""
        if self.kinds[broker_id] == "kafka":
            # A real broker gives up when its own node of before the kill is still there.
            self._wait_for(
                f"the end of broker {broker_id}'s old session", partial(self._is_gone, broker_id)
            )
        self.brokers[broker_id].start()

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
        for broker_id in self.brokers:
            self.start(broker_id)
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

    def _is_gone(self, broker_id: int) -> bool:
        client = KazooClient(self.zookeeper_connect)
        client.start()
        try:
            return client.exists(f"/brokers/ids/{broker_id}") is None
        finally:
            client.stop()
            client.close()

    def _wait_for(self, what: str, happened: Callable[[], bool]) -> None:
        deadline = time.monotonic() + READY_TIMEOUT_S
        while not happened():
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"{list(self.kinds.values())}: waited {READY_TIMEOUT_S:.0f} s for {what}"
                )
            time.sleep(POLL_S)


@contextmanager
def running_cluster(
    kind: Kind | Sequence[Kind],
    directory: Path,
    *,
    brokers: int = 3,
    properties: Mapping[str, str] | None = None,
    racks: Mapping[int, str] | None = None,
) -> Iterator[TestCluster]:
    """A cluster with broker ids from 1, its files in `directory`; ended when the block ends.

    `kind` is that of all `brokers`, or says each one's, in the order in which they're started.
    `{directory}` in a property is each broker's own.
    """
    kinds = dict(enumerate([kind] * brokers if isinstance(kind, str) else kind, start=1))
    settings = {**SETTINGS, **(properties or {})}
    first_port = free_ports(len(kinds))
    with ExitStack() as stack:
        zookeeper = stack.enter_context(real_zookeeper(directory / "zookeeper", free_port()))
        connect = zookeeper.address
        servers = {
            broker_id: stack.enter_context(
                running_broker(
                    its_kind,
                    broker_id,
                    connect,
                    directory / f"broker-{broker_id}",
                    port=first_port + broker_id - 1,
                    properties={
                        name: value.replace("{directory}", str(directory / f"broker-{broker_id}"))
                        for name, value in (settings | _rack(racks, broker_id)).items()
                    },
                    waits=its_kind == "kafka",  # ours can all start at once
                )
            )
            for broker_id, its_kind in kinds.items()
        }
        cluster = TestCluster(zookeeper, servers, kinds)
        cluster.wait_ready()
        yield cluster
        # In parallel; the blocks' own ends then find nothing left to stop.
        cluster.stop_all()


def _rack(racks: Mapping[int, str] | None, broker_id: int) -> dict[str, str]:
    return {"broker.rack": racks[broker_id]} if racks else {}
