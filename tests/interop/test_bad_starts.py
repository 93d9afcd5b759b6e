"""Starts that cannot succeed, and ensembles with garbage in them.

A start that fails does so with one line that names what is wrong, and leaves everyone else alone;
garbage in a znode is said and passed over, as far as there is a way to go on without it. Kafka ends
in the same cases, but for the garbage: a broker's or a topic config's garbage ends its start, and
we go on (`test_garbage_in_a_znode`, ours alone).
"""

import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient, NewTopic
from kazoo.client import KazooClient

from tests.support.broker_process import Kind, running_broker
from tests.support.cluster import TestCluster
from tests.support.kafka import answers_api_versions
from tests.support.ports import free_port
from tests.support.server import ServerProcess

pytestmark = pytest.mark.server

END_TIMEOUT_S = 30.0

started = partial(running_broker, "zbroker", waits=False)


def ends_with(server: ServerProcess) -> tuple[int, str]:
    """The exit code and what was said, of a broker that was started and ends by itself."""
    assert server.child is not None
    code = server.child.process.wait(END_TIMEOUT_S)
    return code, server.log_file.read_text()


def is_one_clear_line(said: str, expected: str) -> bool:
    """The last line says it, and no traceback is to be seen."""
    last = said.strip().splitlines()[-1]
    return (
        last.startswith("zbroker: ")
        and re.search(expected, last) is not None
        and "Traceback" not in said
    )


@pytest.fixture
def running(cluster: TestCluster, kind: Kind) -> TestCluster:
    """The shared cluster, beside which brokers are started in vain; for zbroker only."""
    if kind == "kafka":
        pytest.skip("the lines and exit codes are ours; Kafka ends in the same cases with others")
    return cluster


def test_a_port_in_use(running: TestCluster, tmp_path: Path) -> None:
    with socket.socket() as taken:
        port = free_port()
        taken.bind(("127.0.0.1", port))
        taken.listen()
        with started(91, running.zookeeper_connect, tmp_path, port=port) as broker:
            code, said = ends_with(broker)
    assert code == 1
    assert is_one_clear_line(said, rf"127\.0\.0\.1:{port}.*already in use")


def test_an_unreachable_zookeeper(running: TestCluster, tmp_path: Path) -> None:
    """It waits and says so, and ends after zookeeper.connection.timeout.ms."""
    nobody = f"127.0.0.1:{free_port()}"
    began = time.monotonic()
    properties = {"zookeeper.connection.timeout.ms": "3000"}
    with started(92, nobody, tmp_path, properties=properties) as broker:
        code, said = ends_with(broker)
    assert code == 1
    assert 3 <= time.monotonic() - began < 20
    assert is_one_clear_line(said, re.escape(nobody))
    *before, _ = said.strip().splitlines()
    assert any(nobody in line for line in before), "it says that it waits, before it gives up"


def test_a_directory_of_another_broker(running: TestCluster, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "meta.properties").write_text("version=0\nbroker.id=7\n")
    with started(93, running.zookeeper_connect, tmp_path) as broker:
        code, said = ends_with(broker)
    assert code == 1
    assert is_one_clear_line(said, r"broker.id 93 doesn't match stored broker.id 7 .*meta\.prop")


def test_a_directory_of_another_cluster(running: TestCluster, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "meta.properties").write_text(
        "version=0\nbroker.id=94\ncluster.id=AAAAAAAAAAAAAAAAAAAAAA\n"
    )
    with started(94, running.zookeeper_connect, tmp_path) as broker:
        code, said = ends_with(broker)
    assert code == 1
    assert is_one_clear_line(said, r"doesn't match stored clusterId AAAAAAAAAAAAAAAAAAAAAA")


def test_a_directory_in_use(running: TestCluster, tmp_path: Path) -> None:
    """Two brokers of the same log directory: the second one leaves it alone."""
    properties = {"log.dirs": str(running.log_dir(1))}
    with started(1, running.zookeeper_connect, tmp_path, properties=properties) as broker:
        code, said = ends_with(broker)
    assert code == 1
    assert is_one_clear_line(said, re.escape(str(running.log_dir(1))))
    assert running.metadata(1).brokers.keys() == running.brokers.keys()


@pytest.fixture
def garbage(running: TestCluster) -> Iterator[KazooClient]:
    """A chroot of the shared ZooKeeper, empty but for what the test puts into it."""
    root = KazooClient(running.zookeeper_connect)
    root.start()
    chroot = f"/garbage-{time.monotonic_ns()}"
    root.create(chroot)
    client = KazooClient(running.zookeeper_connect + chroot)
    client.start()
    yield client
    client.stop()
    client.close()
    root.stop()
    root.close()


TOPIC = (
    b'{"version":3,"topic_id":"AAAAAAAAAAAAAAAAAAAABw","partitions":{"0":[1]},'
    b'"adding_replicas":{},"removing_replicas":{}}'
)
PASSED_OVER = [
    ("/brokers/topics/T", b"{garbage", "/brokers/topics/T"),
    ("/brokers/topics/T", b"", "/brokers/topics/T"),
    ("/brokers/topics/T", b'{"version":99,"partitions":{"a":"b"}}', "/brokers/topics/T"),
    ("/brokers/topics/a b", TOPIC, None),
    ("/brokers/topics/T/partitions/0/state", b"\xff\xfe", "/brokers/topics/T/partitions/0/state"),
    ("/brokers/topics/T/partitions/0/state", b"", "/brokers/topics/T/partitions/0/state"),
    ("/brokers/ids/7", b"garbage", "/brokers/ids/7"),
    ("/brokers/ids/abc", b"{}", None),
    ("/config/topics/T", b"garbage", "/config/topics/T"),
    ("/config/topics/T", b'{"version":1,"config":{"retention.ms":"abc"}}', "retention.ms"),
    ("/config/changes/config_change_0000000000", b"garbage", None),
    ("/isr_change_notification/isr_change_0000000000", b"garbage", None),
    ("/admin/delete_topics/nothing", b"", None),
    ("/admin/reassign_partitions", b"garbage", None),
    ("/latest_producer_id_block", b"garbage", None),
    ("/admin/preferred_replica_election", b"garbage", "/admin/preferred_replica_election"),
    ("/feature", b"garbage", "/feature"),
    ("/feature", b'{"version":2,"status":1,"features":{"f":{"max_version_level":1}}}', "/feature"),
    ("/log_dir_event_notification/log_dir_event_0000000000", b"garbage", None),
    ("/config/brokers/1", b"garbage", None),
    ("/config/changes/by-hand", b"garbage", None),
]


@pytest.mark.matrix
@pytest.mark.parametrize(("path", "data", "what_is_said"), PASSED_OVER)
def test_garbage_in_a_znode(
    running: TestCluster,
    garbage: KazooClient,
    tmp_path: Path,
    path: str,
    data: bytes,
    what_is_said: str | None,
) -> None:
    """The broker starts, says which znode it could not read, and serves all the other topics."""
    if "/partitions/" in path:
        garbage.create("/brokers/topics/T", TOPIC, makepath=True)
    garbage.create(path, data, makepath=True)
    with started(1, running.zookeeper_connect + garbage.chroot, tmp_path) as broker:
        broker.wait_ready()
        wait_for(lambda: "controller.ready" in broker.log_file.read_text())
        admin = AdminClient({"bootstrap.servers": f"127.0.0.1:{broker.port}", "log_level": 0})
        wait_for(lambda: 1 in admin.list_topics(timeout=5).brokers)
        admin.create_topics([NewTopic("other", 2, 1)])["other"].result(20)
        assert len(admin.list_topics("other", timeout=10).topics["other"].partitions) == 2
        said = broker.log_file.read_text()
    assert "Traceback" not in said
    assert what_is_said is None or what_is_said in said


@pytest.mark.matrix
def test_garbage_in_the_controllers_epoch(
    running: TestCluster, garbage: KazooClient, tmp_path: Path
) -> None:
    """Nobody can become controller, as in Kafka; once it is mended somebody does."""
    garbage.create("/controller_epoch", b"abc")
    with started(1, running.zookeeper_connect + garbage.chroot, tmp_path) as broker:
        broker.wait_ready()
        wait_for(lambda: "bad znode /controller_epoch" in broker.log_file.read_text())
        garbage.set("/controller_epoch", b"4")
        wait_for(lambda: garbage.exists("/controller") is not None)
        assert garbage.get("/controller_epoch")[0] == b"5"
        assert "Traceback" not in broker.log_file.read_text()


def test_garbage_in_the_clusters_id(
    running: TestCluster, garbage: KazooClient, tmp_path: Path
) -> None:
    """Whose data the directories hold can't be told: there is no way to go on."""
    garbage.create("/cluster/id", b"garbage", makepath=True)
    with started(1, running.zookeeper_connect + garbage.chroot, tmp_path) as broker:
        code, said = ends_with(broker)
    assert code == 1
    assert is_one_clear_line(said, "bad znode /cluster/id")


@pytest.mark.matrix
def test_garbage_beside_a_living_cluster(
    kind: Kind, new_cluster: Callable[..., AbstractContextManager[TestCluster]]
) -> None:
    """What appears while it runs disturbs nobody either, Kafka's brokers too."""
    with new_cluster(brokers=1) as cluster:
        client = KazooClient(cluster.zookeeper_connect)
        client.start()
        client.create("/brokers/topics/T", b"{garbage")
        client.create("/config/changes/config_change_", b"garbage", sequence=True)
        client.create("/isr_change_notification/isr_change_", b"garbage", sequence=True)
        client.create("/log_dir_event_notification/log_dir_event_", b"garbage", sequence=True)
        client.create("/admin/preferred_replica_election", b"garbage")
        admin = AdminClient({"bootstrap.servers": cluster.address(1), "log_level": 0})
        admin.create_topics([NewTopic("other", 2, 1)])["other"].result(30)
        assert answers_api_versions(cluster.brokers[1].port)
        if kind == "zbroker":
            said = cluster.brokers[1].log_file.read_text()
            assert "Traceback" not in said
            assert "/brokers/topics/T" in said
        client.stop()
        client.close()


def wait_for(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + END_TIMEOUT_S
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.05)
