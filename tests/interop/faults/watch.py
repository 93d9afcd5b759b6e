"""What ZooKeeper knows, seen by a client of our own: who is registered, leads, is in sync."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import attrs
from kazoo.client import KazooClient
from kazoo.exceptions import NoNodeError

POLL_S = 0.05
TIMEOUT_S = 90.0

# Short, for kazoo waits for most of it before it gives up a connection that doesn't answer. If the
# session ends while ZooKeeper is silent, the next one reads as well.
SESSION_TIMEOUT_S = 6.0


@attrs.define(eq=False)
class Vanishing:
    """An ephemeral node's end: `at_s`, of the monotonic clock, once `happened`."""

    path: str
    happened: threading.Event = attrs.field(factory=threading.Event)
    at_s: float = float("inf")

    def _seen(self, _: object) -> None:
        self.at_s = time.monotonic()
        self.happened.set()

    def wait(self) -> float:
        """Block until it has vanished; when that was."""
        if not self.happened.wait(TIMEOUT_S):
            raise TimeoutError(f"{self.path} is still there after {TIMEOUT_S:.0f} s")
        return self.at_s


@attrs.define(eq=False)
class ClusterWatch:
    """Reads the cluster's state from ZooKeeper, the authority."""

    client: KazooClient

    def controller(self) -> int:
        """The broker id of the controller; waits until there is one."""
        return int(self.document("/controller")["brokerid"])

    def leaders(self, topic: str) -> dict[int, int]:
        """The leader of each partition."""
        return {number: state["leader"] for number, state in self.states(topic).items()}

    def vanishing(self, path: str) -> Vanishing:
        """Begin to watch the node at `path`, which must be there."""
        vanishing = Vanishing(path)
        assert self.client.exists(path, watch=vanishing._seen) is not None, f"no {path}"
        return vanishing

    def wait_until_full_isr(self, *topics: str) -> None:
        """Block until each partition of `topics` has a leader and all replicas in its ISR."""
        deadline = time.monotonic() + TIMEOUT_S
        while short := self._short_of_replicas(topics):
            if time.monotonic() > deadline:
                raise TimeoutError(f"not in sync after {TIMEOUT_S:.0f} s: {short}")
            time.sleep(POLL_S)

    def _short_of_replicas(self, topics: tuple[str, ...]) -> list[str]:
        return [
            f"{topic}-{number}: {state}"
            for topic in topics
            for number, state in self.states(topic).items()
            if len(state["isr"]) < len(self.replicas(topic)[str(number)]) or state["leader"] < 0
        ]

    def replicas(self, topic: str) -> dict[str, list[int]]:
        """Who is to hold each partition; the numbers are text, as in JSON."""
        replicas: dict[str, list[int]] = self.document(f"/brokers/topics/{topic}")["partitions"]
        return replicas

    def states(self, topic: str) -> dict[int, dict[str, Any]]:
        """Each partition's leader, ISR and epochs."""
        return {
            int(number): self.document(f"/brokers/topics/{topic}/partitions/{number}/state")
            for number in self.replicas(topic)
        }

    def document(self, path: str) -> dict[str, Any]:
        """The node's JSON; waits for a node that isn't there yet."""
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            try:
                data, _ = self.client.retry(self.client.get, path)
            except NoNodeError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(POLL_S)
            else:
                document: dict[str, Any] = json.loads(data)
                return document


@contextmanager
def watching(zookeeper_connect: str) -> Iterator[ClusterWatch]:
    client = KazooClient(
        zookeeper_connect,
        timeout=SESSION_TIMEOUT_S,
        connection_retry={"max_tries": -1, "max_delay": 0.5},
        command_retry={"max_tries": -1, "max_delay": 0.5},
    )
    client.start()
    try:
        yield ClusterWatch(client)
    finally:
        client.stop()
        client.close()
