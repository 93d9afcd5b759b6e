"""Several listeners: each client is told of the brokers where it came in.

    broker 1, 2   INSIDE (between brokers), CONTROL (for the controller, KIP-291), CLIENTS
    broker 3      INSIDE, CONTROL

The real 3.9.1 passes the same (`--cluster kafka`).
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from kazoo.client import KazooClient

from broker.wire.apis import ApiKey
from broker.wire.errors import ErrorCode
from broker.wire.messages.create_topics import (
    CreatableReplicaAssignment,
    CreatableTopic,
    CreateTopicsRequest,
)
from broker.wire.messages.describe_cluster import DescribeClusterRequest
from broker.wire.messages.find_coordinator import FindCoordinatorRequest
from broker.wire.messages.metadata import MetadataRequest, MetadataRequestTopic
from tests.support.broker_process import Kind, running_broker
from tests.support.ports import free_port, free_ports
from tests.support.raw_client import RawClient
from tests.support.topics import wait_until_known
from tests.support.zookeeper import real_zookeeper

pytestmark = [pytest.mark.server, pytest.mark.matrix]

NAMES = {1: ("INSIDE", "CONTROL", "CLIENTS"), 2: ("INSIDE", "CONTROL", "CLIENTS")} | {
    3: ("INSIDE", "CONTROL")
}
WAIT_S = 60.0

Ports = dict[int, dict[str, int]]  # by broker and listener


@pytest.fixture(scope="module")
def zookeeper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with real_zookeeper(tmp_path_factory.mktemp("zookeeper"), free_port()) as server:
        yield f"127.0.0.1:{server.port}"


@pytest.fixture(scope="module")
def ports(kind: Kind, zookeeper: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ports]:
    directory = tmp_path_factory.mktemp("listeners")
    ports: Ports = {}
    with ExitStack() as stack:
        for broker_id, names in NAMES.items():
            first = free_ports(len(names))
            ports[broker_id] = {name: first + at for at, name in enumerate(names)}
            listeners = [f"{name}://127.0.0.1:{port}" for name, port in ports[broker_id].items()]
            server = running_broker(
                kind,
                broker_id,
                zookeeper,
                directory / f"broker-{broker_id}",
                port=ports[broker_id]["INSIDE"],
                properties={
                    "listeners": ",".join(listeners),
                    "listener.security.protocol.map": ",".join(
                        f"{name}:PLAINTEXT" for name in NAMES[1]
                    ),
                    "inter.broker.listener.name": "INSIDE",
                    "control.plane.listener.name": "CONTROL",
                    "offsets.topic.replication.factor": "1",
                    "offsets.topic.num.partitions": "3",
                },
            )
            stack.enter_context(server)
        wait_until(lambda: all(len(brokers(ports, at, "INSIDE")) == 3 for at in NAMES))
        create_topics(ports)
        yield ports


def wait_until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def ask(ports: Ports, at: int, listener: str, api_key: ApiKey, version: int, request: Any) -> Any:
    with RawClient(f"127.0.0.1:{ports[at][listener]}") as client:
        return client.ask(api_key, version, request)


def brokers(ports: Ports, at: int, listener: str) -> dict[int, int]:
    """The port of each broker, as that one tells who comes in there."""
    answer = ask(ports, at, listener, ApiKey.METADATA, 9, MetadataRequest(topics=[]))
    return {broker.node_id: broker.port for broker in answer.brokers}


def create_topics(ports: Ports) -> None:
    """t1 to t3, each led by the broker of its number, and replicated to all."""
    request = CreateTopicsRequest(
        timeout_ms=30_000,
        topics=[
            CreatableTopic(
                name=f"t{leader}",
                num_partitions=-1,
                replication_factor=-1,
                assignments=[
                    CreatableReplicaAssignment(
                        broker_ids=[leader, *(other for other in NAMES if other != leader)]
                    )
                ],
            )
            for leader in NAMES
        ],
    )
    metadata = ask(ports, 1, "INSIDE", ApiKey.METADATA, 9, MetadataRequest(topics=[]))
    answer = ask(ports, metadata.controller_id, "INSIDE", ApiKey.CREATE_TOPICS, 5, request)
    assert [topic.error_code for topic in answer.topics] == [0, 0, 0]
    inside = ",".join(f"127.0.0.1:{names['INSIDE']}" for names in ports.values())
    wait_until_known(inside, *(f"t{leader}" for leader in NAMES))


def partition(ports: Ports, topic: str, listener: str, version: int = 9) -> Any:
    """The topic's only one, as broker 1 tells who comes in there."""
    request = MetadataRequest(topics=[MetadataRequestTopic(name=topic)])
    [found] = ask(ports, 1, listener, ApiKey.METADATA, version, request).topics
    return found.partitions[0]


@pytest.mark.parametrize("listener", ["INSIDE", "CONTROL", "CLIENTS"])
def test_brokers_as_a_listener_knows_them(ports: Ports, listener: str) -> None:
    expected = {at: names[listener] for at, names in ports.items() if listener in names}
    assert brokers(ports, 1, listener) == expected
    answer = ask(
        ports, 1, listener, ApiKey.DESCRIBE_CLUSTER, 1, DescribeClusterRequest(endpoint_type=1)
    )
    assert {broker.broker_id: broker.port for broker in answer.brokers} == expected


@pytest.mark.parametrize(
    ("version", "code"),
    [
        (12, ErrorCode.LISTENER_NOT_FOUND),
        (6, ErrorCode.LISTENER_NOT_FOUND),
        (5, ErrorCode.LEADER_NOT_AVAILABLE),
        (1, ErrorCode.LEADER_NOT_AVAILABLE),
        (0, ErrorCode.LEADER_NOT_AVAILABLE),
    ],
)
def test_a_leader_without_that_listener(ports: Ports, version: int, code: ErrorCode) -> None:
    hidden = partition(ports, "t3", "CLIENTS", version)
    assert (hidden.error_code, hidden.leader_id) == (code, -1)
    assert sorted(hidden.replica_nodes) == ([1, 2] if version == 0 else [1, 2, 3])
    assert partition(ports, "t3", "INSIDE", version).leader_id == 3


def test_a_replica_without_that_listener(ports: Ports) -> None:
    """Only version 0 says anything of it."""
    told = partition(ports, "t1", "CLIENTS", 1)
    assert (told.error_code, told.leader_id, sorted(told.replica_nodes)) == (0, 1, [1, 2, 3])
    told = partition(ports, "t1", "CLIENTS", 0)
    assert (told.error_code, told.leader_id) == (ErrorCode.REPLICA_NOT_AVAILABLE, 1)
    assert (sorted(told.replica_nodes), sorted(told.isr_nodes)) == ([1, 2], [1, 2])


def test_coordinators_as_a_listener_knows_them(ports: Ports) -> None:
    """The three partitions of the offsets are led by three brokers; a group for each."""
    groups = [f"group-{number}" for number in range(10)]
    request = FindCoordinatorRequest(coordinator_keys=groups)

    def find(listener: str) -> list[Any]:
        answer = ask(ports, 1, listener, ApiKey.FIND_COORDINATOR, 4, request)
        return list(answer.coordinators)

    wait_until(lambda: all(each.error_code == 0 for each in find("INSIDE")))
    inside = {each.key: each.node_id for each in find("INSIDE")}
    assert set(inside.values()) == {1, 2, 3}
    for each in find("CLIENTS"):
        if inside[each.key] == 3:
            assert each.error_code == ErrorCode.COORDINATOR_NOT_AVAILABLE
        else:
            assert each.port == ports[inside[each.key]]["CLIENTS"]


def test_the_registration_has_all_endpoints(ports: Ports, zookeeper: str) -> None:
    client = KazooClient(zookeeper)
    client.start()
    try:
        for broker_id, names in ports.items():
            document = json.loads(client.get(f"/brokers/ids/{broker_id}")[0])
            assert document["endpoints"] == [
                f"{name}://127.0.0.1:{port}" for name, port in names.items()
            ]
            assert document["listener_security_protocol_map"] == dict.fromkeys(names, "PLAINTEXT")
            # What clients of the time before there were listeners read: the first one.
            assert (document["host"], document["port"]) == ("127.0.0.1", names["INSIDE"])
    finally:
        client.stop()
        client.close()


def test_the_controller_speaks_on_its_own_listener(ports: Ports) -> None:
    """And brokers fetch on theirs: who is connected to whom is the kernel's to say."""
    connected = remote_ports()
    controller = ask(ports, 1, "INSIDE", ApiKey.METADATA, 9, MetadataRequest()).controller_id
    for broker_id, names in ports.items():
        assert names["CONTROL"] in connected, f"{controller} has no connection to {broker_id}"
        assert names["INSIDE"] in connected, "two others fetch from it"


def remote_ports() -> set[int]:
    """The ports at the other end of this machine's established connections of IPv4 and IPv6."""
    ports = set()
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            _, _, remote, state, *_ = line.split()
            if state == "01":
                ports.add(int(remote.rpartition(":")[2], 16))
    return ports
