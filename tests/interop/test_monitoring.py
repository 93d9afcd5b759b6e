"""A broker that is watched over HTTP: its figures move with what it does, from start to end.

Not put to a real Kafka, which knows no `http.listener`; its numbers come by JMX.
"""

import http.client
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import NewTopic

from tests.broker.monitoring.reading import Read, read, value
from tests.broker.monitoring.test_monitor import COMPOSE, names_in
from tests.cli.commands.canned import check_schema
from tests.support.broker_process import broker_command, running_broker
from tests.support.ports import free_port
from tests.support.processes import running_program
from tests.support.promtool import promtool
from tests.support.server import ServerProcess
from tests.support.topics import make_topics
from tests.support.waiting import wait_until

pytestmark = pytest.mark.server

TIMEOUT_S = 20.0
RECORDS = 50


@attrs.frozen
class Watched:
    broker: ServerProcess
    http_port: int

    def get(self, path: str, method: str = "GET") -> tuple[int, bytes]:
        """Status and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=TIMEOUT_S)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def metrics(self) -> bytes:
        status, body = self.get("/metrics")
        assert status == 200
        return body

    def scrape(self) -> dict[str, Read]:
        return read(self.metrics())


@pytest.fixture
def watched(zookeeper: str, tmp_path: Path) -> Iterator[Watched]:
    http_port = free_port()
    properties = {"http.listener": f"HTTP://127.0.0.1:{http_port}"}
    with running_broker("zbroker", 1, zookeeper, tmp_path, properties=properties) as broker:
        yield Watched(broker, http_port)


def produce(address: str, count: int = RECORDS) -> None:
    producer = Producer({"bootstrap.servers": address, "acks": "all"})
    for number in range(count):
        producer.produce("t", b"x" * 100, str(number).encode())
    assert producer.flush(TIMEOUT_S) == 0


def consume(address: str, count: int) -> None:
    """In a group, which is a member while it reads."""
    consumer = Consumer(
        {
            "bootstrap.servers": address,
            "group.id": "g",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    consumer.subscribe(["t"])
    deadline = time.monotonic() + TIMEOUT_S
    while count > 0 and time.monotonic() < deadline:
        count -= len(consumer.consume(count, 0.5))
    assert count == 0
    consumer.commit(asynchronous=False)
    consumer.close()


def test_figures_move_with_what_the_broker_does(watched: Watched) -> None:
    address = watched.broker.address
    make_topics(address, NewTopic("t", 2, 1))
    before = watched.scrape()
    produce(address)
    consume(address, RECORDS)
    after = watched.scrape()

    def grew(name: str, suffix: str = "", **labels: str) -> float:
        there = before[name].samples.get((name + suffix, frozenset(labels.items())), 0)
        return value(after, name, suffix, **labels) - there

    of_topics = "kafka_server_brokertopicmetrics_"
    assert grew(of_topics + "messagesin_total", topic="t") == RECORDS
    size_bytes = grew(of_topics + "bytesin_total", topic="t")
    assert size_bytes > 100 * RECORDS
    assert grew(of_topics + "bytesout_total", topic="t") >= size_bytes
    ends = [value(after, "kafka_log_log_logendoffset", topic="t", partition=n) for n in "01"]
    assert sum(ends) == RECORDS
    requests = after["kafka_network_requestmetrics_requests_total"].samples
    counted: dict[str, float] = {}
    for (_, labels), count in requests.items():
        name = dict(labels)["request"]
        counted[name] = counted.get(name, 0) + count
    assert counted["Produce"] >= 1
    assert counted["Fetch"] == counted["FetchConsumer"] >= 1
    times = "kafka_network_requestmetrics_totaltimems"
    assert value(after, times, "_count", request="Produce") == counted["Produce"]
    assert value(after, times, "_sum", request="Produce") > 0
    phases = ("local", "remote", "responsequeue", "responsesend")
    of_requests = "kafka_network_requestmetrics_"
    in_phases_ms = sum(
        value(after, f"{of_requests}{phase}timems", "_sum", request="Produce") for phase in phases
    )
    assert in_phases_ms == pytest.approx(value(after, times, "_sum", request="Produce"))
    assert value(after, of_requests + "errors_total", request="Produce", error="NONE") >= 1
    assert grew(of_topics + "totalfetchrequests_total", topic="t") >= 1
    of_listeners = "kafka_server_socket_server_metrics_"
    assert grew(of_listeners + "connection_creation_total", listener="PLAINTEXT") >= 2
    assert value(after, "kafka_server_kafkaserver_brokerstate") == 3
    promtool("check", "metrics", stdin=watched.metrics())
    of_partition = {"topic": "t", "partition": "0"}
    assert value(after, "kafka_cluster_partition_insyncreplicascount", **of_partition) == 1
    of_zookeeper = "kafka_server_zookeeperclientmetrics_zookeeperrequestlatencyms"
    assert value(after, of_zookeeper, "_count") > 0
    assert value(after, of_zookeeper, quantile="0.5") > 0
    assert value(after, "kafka_controller_kafkacontroller_activecontrollercount") == 1
    assert value(after, "kafka_controller_kafkacontroller_offlinepartitionscount") == 0
    assert value(after, "kafka_server_replicamanager_underreplicatedpartitions") == 0
    assert value(after, "kafka_server_replicamanager_leadercount") == 2 + 5
    assert value(after, "kafka_coordinator_group_groupmetadatamanager_numgroups") == 1
    assert value(after, "kafka_coordinator_group_groupmetadatamanager_numoffsets") == 2
    assert grew("zbroker_event_loop_lag_seconds", "_count") > 0
    assert value(after, "zbroker_events_total", kind="controller.elected") == 1
    told = set(after) | {name for family in after.values() for name, _ in family.samples}
    for file in ("dashboard.json", "alerts.yml"):
        assert set(names_in((COMPOSE / file).read_text())) <= told


def next_event(stream: http.client.HTTPResponse) -> dict[str, Any]:
    """The document of the stream's next event."""
    fields: dict[str, str] = {}
    while True:
        line = stream.readline().decode().rstrip("\n")
        if line.startswith(":"):
            continue
        if line:
            name, _, text = line.partition(": ")
            fields[name] = text
        elif fields:
            document: dict[str, Any] = json.loads(fields["data"])
            assert fields["event"] == document["kind"]
            return document


def test_the_trace_is_followed_to_the_end_of_the_broker(watched: Watched) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", watched.http_port, timeout=TIMEOUT_S)
    connection.request("GET", "/events")
    stream = connection.getresponse()
    assert stream.headers["Content-Type"] == "text/event-stream"
    assert next_event(stream)["kind"] == "broker.starting"
    make_topics(watched.broker.address, NewTopic("t", 1, 1))
    event = next_event(stream)
    while event["kind"] != "topic.created":
        event = next_event(stream)
    assert event["facts"]["topic"] == "t"
    assert watched.get("/healthz") == (200, b"ok\n")
    assert watched.get("/readyz") == (200, b"ok\n")
    assert watched.get("/nothing")[0] == 404
    assert watched.get("/metrics", "POST")[0] == 405
    process = watched.broker.child
    assert process is not None
    watched.broker.stop()  # with a reader who would stay
    assert process.exit_code == 0
    connection.close()


@contextmanager
def writing(address: str) -> Iterator[None]:
    """A record now and then: who looks on isn't told of what was before he came."""
    ended = threading.Event()

    def write() -> None:
        producer = Producer({"bootstrap.servers": address, "client.id": "writer"})
        while not ended.wait(0.1):
            producer.produce("t", b"x")
            producer.flush(TIMEOUT_S)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        ended.set()
        writer.join(TIMEOUT_S)


def test_the_admin_sees_what_the_controller_is_doing(watched: Watched) -> None:
    """`controller queue` and `state-machines`, of a cluster of one that has come to rest."""
    make_topics(watched.broker.address, NewTopic("t", 1, 1))

    def facts(verb: str) -> dict[str, Any]:
        where = ["--http", f"127.0.0.1:{watched.http_port}", "-o", "json"]
        said = subprocess.run(
            [sys.executable, "-m", "cli.admin", "controller", verb, *where],
            capture_output=True,
            timeout=TIMEOUT_S,
            check=True,
        ).stdout
        found: dict[str, Any] = json.loads(said)
        check_schema(["controller", verb], found)
        return found

    states = facts("state-machines")
    [topic] = [each for each in states["topics"] if each["topic"] == "t"]
    [partition] = topic["partitions"]
    assert (partition["state"], partition["leader"]) == ("OnlinePartition", 1)
    assert partition["replicas"] == [{"broker": 1, "state": "OnlineReplica"}]
    wait_until("rest", lambda: facts("queue")["under_way"] is None)
    queue = facts("queue")
    assert (queue["broker"], queue["epoch"]) == (1, states["epoch"])
    assert [each["broker"] for each in queue["brokers"]] == [1]


def test_the_admin_follows_a_running_broker(watched: Watched) -> None:
    """`trace requests` and `trace events --http`: what comes while they look on."""
    admin = [sys.executable, "-m", "cli.admin", "trace"]
    http = ["--http", f"127.0.0.1:{watched.http_port}"]
    requests = [*admin, "requests", *http, "--api", "Produce", "--client", "writer", "-o", "json"]
    events = [*admin, "events", *http, "--follow", "--kind", "partition"]
    with running_program(requests) as answered, running_program(events) as happened:
        make_topics(watched.broker.address, NewTopic("t", 1, 1))
        happened.wait_for_line("partition.")
        with writing(watched.broker.address):
            line = answered.wait_for_line('"Produce"')
        told = json.loads(line)
        check_schema(["trace", "requests"], told)
        assert (told["client_id"], told["errors"]) == ("writer", [{"error": "NONE", "count": 1}])
        assert told["total_ms"] >= told["local_ms"] > 0
        assert answered.interrupt() == 0
        assert happened.interrupt() == 0


def test_a_broker_without_zookeeper_is_healthy_and_not_ready(tmp_path: Path) -> None:
    http_port = free_port()
    properties = {"http.listener": f"HTTP://127.0.0.1:{http_port}"}
    nobody = f"127.0.0.1:{free_port()}"
    with running_broker(
        "zbroker", 1, nobody, tmp_path, properties=properties, waits=False
    ) as broker:
        watched = Watched(broker, http_port)

        def answers() -> bool:
            try:
                return watched.get("/healthz") == (200, b"ok\n")
            except OSError:
                return False

        wait_until("the broker to answer", answers, TIMEOUT_S)
        assert watched.get("/readyz") == (503, b"starting\n")
        assert value(watched.scrape(), "zbroker_ready") == 0


def test_a_port_in_use_is_one_line(watched: Watched, tmp_path: Path) -> None:
    file = tmp_path / "other.properties"
    file.write_text(
        f"broker.id=2\nzookeeper.connect=127.0.0.1:1\nlisteners=PLAINTEXT://127.0.0.1:0\n"
        f"http.listener=HTTP://127.0.0.1:{watched.http_port}\nlog.dirs={tmp_path / 'other'}\n"
    )
    command = broker_command("zbroker", file)
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].endswith(
        f"http.listener failed to bind to 127.0.0.1:{watched.http_port}: Address already in use."
    )
    assert "Traceback" not in ended.stderr
