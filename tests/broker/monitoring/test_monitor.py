"""What is told of a broker, and by which path; the broker is put together, and doesn't run."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from broker.broker import Broker
from broker.broker_state import BrokerState
from broker.events import EventLog
from broker.groups.member import JoinRequest
from broker.groups.offsets_log import OFFSETS_TOPIC
from broker.log.cleaner.log_cleaner import LogCleaner
from broker.monitoring.coordinator_metrics import ElectionCount
from broker.monitoring.http import Page, Request, Stream
from broker.monitoring.monitor import Monitor
from broker.monitoring.pages import Pages
from broker.monitoring.requests import RequestTimes
from broker.monitoring.text_format import text_of
from broker.network.connections import Connections
from broker.network.endpoints import connections_of
from broker.replica.traffic import TrafficByTopic
from broker.wire.apis import ApiKey
from broker.wire.errors import ErrorCode
from broker.wire.messages.heartbeat import HeartbeatRequest
from coordination.controller.context import ControllerContext
from coordination.controller.inbox import Inbox
from coordination.controller.partition_states import PartitionState
from coordination.controller.runner import ActiveController
from coordination.values import (
    BrokerRegistration,
    LeaderAndIsr,
    PartitionAssignment,
    TopicAssignment,
)
from tests.broker.api.test_fetch import fetch
from tests.broker.api.test_fetch import request as fetch_request
from tests.broker.api.test_produce import batch, produce
from tests.broker.monitoring.reading import Read, read, value
from tests.broker.monitoring.test_measures import Clock, context, sent
from tests.broker.network.test_connections import Open
from tests.broker.support import lead, make_coordinators_topic, open_broker, tp

COMPOSE = Path(__file__).parents[3] / "compose" / "monitoring"


@attrs.define
class Life:
    broker: Broker | None = None
    not_ready: str | None = None
    connections: Connections | None = None
    state: BrokerState = BrokerState.RUNNING


def monitor_of(broker: Broker) -> Monitor:
    life = Life(broker, connections=connections_of(broker))
    return Monitor(life, cast(EventLog, broker.events))


async def scraped(broker: Broker) -> dict[str, Read]:
    return read(await text_of(monitor_of(broker).families()))


# --- the pages


async def answer_to(life: Life, path: str, method: str = "GET") -> Page:
    monitor = Monitor(life, EventLog(1))
    pages = Pages(life, monitor.events, monitor.requests, monitor.families)
    answer = await pages.answer_to(Request(method, path, {}))
    assert isinstance(answer, Page)
    return answer


async def test_a_broker_that_starts_is_healthy_and_not_ready() -> None:
    life = Life(not_ready="starting", state=BrokerState.STARTING)
    assert (await answer_to(life, "/healthz")).status == 200
    page = await answer_to(life, "/readyz")
    assert (page.status, page.body) == (503, b"starting\n")
    families = read((await answer_to(life, "/metrics")).body)
    assert value(families, "zbroker_ready") == 0
    assert value(families, "kafka_server_kafkaserver_brokerstate") == 1
    assert "kafka_server_replicamanager_leadercount" not in families


async def test_a_broker_that_serves_is_ready() -> None:
    assert (await answer_to(Life(), "/readyz")).status == 200
    metrics = await answer_to(Life(), "/metrics")
    assert metrics.content_type.startswith("text/plain; version=0.0.4")
    assert value(read(metrics.body), "zbroker_ready") == 1


@pytest.mark.parametrize("path", ["/", "/metric", "/metrics/", "//metrics", "http://x/metrics"])
async def test_another_path_is_not_found(path: str) -> None:
    page = await answer_to(Life(), path)
    assert page.status == 404
    assert b"/metrics" in page.body


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/metrics", "GET, HEAD"),
        ("DELETE", "/readyz", "GET, HEAD"),
        ("HEAD", "/events", "GET"),
    ],
)
async def test_another_method_is_not_allowed(method: str, path: str, allowed: str) -> None:
    page = await answer_to(Life(), path, method)
    assert page.status == 405
    assert ("Allow", allowed) in page.headers


@pytest.mark.parametrize("path", ["/controller/queue", "/controller/states"])
async def test_only_the_controllers_broker_has_its_pages(path: str, tmp_path: Path) -> None:
    assert (await answer_to(Life(), path)).status == 503
    async with open_broker(tmp_path) as broker:
        assert (await answer_to(Life(broker), path)).status == 503
        broker.controller.active = leading_controller()
        assert (await answer_to(Life(broker), path)).status == 200


async def test_the_trace_is_a_stream() -> None:
    events = EventLog(1, life="cafe")
    for _ in range(2):
        events("broker.stopped")
    pages = Pages(Life(), events, RequestTimes(), list)
    stream = await pages.answer_to(Request("GET", "/events", {"last-event-id": "cafe.1"}))
    assert isinstance(stream, Stream)
    assert stream.content_type == "text/event-stream"
    with stream.chunks as next_chunk:
        assert (await next_chunk()).startswith(b"id: cafe.2\n")


# --- replicas and traffic


async def test_replicas_are_counted(tmp_path: Path) -> None:
    async with open_broker(tmp_path, min_insync_replicas="2") as broker:
        await lead(broker, "t-0", isr=(1, 2), replicas=(1, 2))
        await lead(broker, "t-1", isr=(1,), replicas=(1, 2))
        await lead(broker, "t-2", isr=(2,), replicas=(1, 2), leader=2)
        broker.replicas.offline.add(tp("t-3"))
        broker.isr_changes.shrinks, broker.isr_changes.expands = 3, 2
        families = await scraped(broker)
    of_replicas = "kafka_server_replicamanager_"
    for name, expected in {
        "leadercount": 2,
        "partitioncount": 4,
        "offlinereplicacount": 1,
        "underreplicatedpartitions": 1,
        "underminisrpartitioncount": 1,
        "atminisrpartitioncount": 1,
        "isrshrinks_total": 3,
        "isrexpands_total": 2,
        "failedisrupdates_total": 0,
    }.items():
        assert value(families, of_replicas + name) == expected, name


async def test_a_replica_that_a_reassignment_brings_is_not_missed_yet(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0", isr=(1, 2), replicas=(1, 2, 3), adding=(3,))
        partition = broker.replicas.partitions[tp("t-0")]
        assert not partition.is_under_replicated
        families = await scraped(broker)
        of = {"topic": "t", "partition": "0"}
        assert value(families, "kafka_cluster_partition_underreplicated", **of) == 0
        assert value(families, "kafka_server_replicamanager_reassigningpartitions") == 1
        # It has arrived, and then lags like any other.
        await lead(broker, "t-0", isr=(1, 2), replicas=(1, 2, 3), leader_epoch=1)
        assert partition.is_under_replicated


async def test_what_comes_in_and_goes_out_is_counted_by_topic(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0", isr=(1,), replicas=(1, 2))
        await lead(broker, "u-0")
        await produce(broker, 1, ("t-0", "a"), ("u-0", "b"))
        await produce(broker, 1, ("t-0", "c"), ("missing-0", "d"))
        size_bytes = broker.logs.logs[tp("t-0")].local.segments.size_bytes
        await fetch(broker, fetch_request())
        await fetch(broker, fetch_request(offset=1))
        await fetch(broker, fetch_request(replica_id=2))
        families = await scraped(broker)
    of_topics = "kafka_server_brokertopicmetrics_"
    assert value(families, of_topics + "messagesin_total") == 3
    assert value(families, of_topics + "messagesin_total", topic="t") == 2
    assert value(families, of_topics + "messagesin_total", topic="u") == 1
    assert value(families, of_topics + "bytesin_total", topic="t") == size_bytes
    assert value(families, of_topics + "bytesout_total", topic="t") == size_bytes * 3 // 2
    assert value(families, of_topics + "replicationbytesout_total") == size_bytes
    assert value(families, of_topics + "totalproducerequests_total", topic="t") == 2
    assert value(families, of_topics + "totalfetchrequests_total", topic="t") == 3
    assert value(families, of_topics + "totalfetchrequests_total") == 3
    assert value(families, of_topics + "reassignmentbytesout_total") == 0
    assert value(families, "kafka_log_log_logendoffset", topic="t", partition="0") == 2
    assert value(families, "kafka_log_log_logstartoffset", topic="t", partition="0") == 0
    assert value(families, "kafka_log_log_size", topic="t", partition="0") == size_bytes
    assert value(families, "kafka_log_log_numlogsegments", topic="t", partition="0") == 1


async def test_what_a_log_refuses_is_counted(tmp_path: Path) -> None:
    async with open_broker(tmp_path, min_insync_replicas="2") as broker:
        await lead(broker, "t-0", isr=(1,), replicas=(1, 2))
        [refused] = await produce(broker, -1, ("t-0", "a"))
        assert refused.error_code == ErrorCode.NOT_ENOUGH_REPLICAS
        families = await scraped(broker)
    name = "kafka_server_brokertopicmetrics_failedproducerequests_total"
    assert value(families, name, topic="t") == 1


async def test_what_is_too_large_is_counted(tmp_path: Path) -> None:
    async with open_broker(tmp_path, message_max_bytes="80") as broker:
        await lead(broker, "t-0")
        [refused] = await produce(broker, 1, ("t-0", "a" * 100))
        assert refused.error_code == ErrorCode.MESSAGE_TOO_LARGE
        families = await scraped(broker)
    of_topics = "kafka_server_brokertopicmetrics_"
    assert value(families, of_topics + "bytesrejected_total", topic="t") == len(batch("a" * 100))
    assert value(families, of_topics + "totalproducerequests_total", topic="t") == 1
    assert value(families, of_topics + "failedproducerequests_total", topic="t") == 0


async def test_what_a_reassignment_copies_is_counted(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0", isr=(1,), replicas=(1, 2), adding=(2,))
        await produce(broker, 1, ("t-0", "a"))
        await fetch(broker, fetch_request(replica_id=2))
        families = await scraped(broker)
        size_bytes = broker.logs.logs[tp("t-0")].local.segments.size_bytes
    of_topics = "kafka_server_brokertopicmetrics_"
    assert value(families, of_topics + "reassignmentbytesout_total") == size_bytes
    assert value(families, of_topics + "reassignmentbytesin_total") == 0


async def test_a_leader_tells_of_each_partition_and_a_follower_nothing(tmp_path: Path) -> None:
    async with open_broker(tmp_path, min_insync_replicas="2") as broker:
        await lead(broker, "t-0", isr=(1, 2), replicas=(1, 2, 3))
        await lead(broker, "t-1", isr=(1,), replicas=(1, 2))
        await lead(broker, "t-2", isr=(2,), replicas=(1, 2), leader=2)
        families = await scraped(broker)
    for name, expected in {
        "underreplicated": [1, 1, 0],
        "underminisr": [0, 1, 0],
        "atminisr": [1, 0, 0],
        "insyncreplicascount": [2, 1, 0],
        "replicascount": [3, 2, 0],
        "laststableoffsetlag": [0, 0, 0],
    }.items():
        assert [
            value(families, f"kafka_cluster_partition_{name}", topic="t", partition=str(number))
            for number in range(3)
        ] == expected, name


async def test_who_waits_is_counted_once(tmp_path: Path) -> None:
    purgatory = "kafka_server_delayedoperationpurgatory_purgatorysize"

    async def waiting(broker: Broker) -> dict[str, float]:
        families = await scraped(broker)
        names = ("Produce", "Fetch", "DeleteRecords")
        return {each: value(families, purgatory, delayedoperation=each) for each in names}

    async with open_broker(tmp_path) as broker:
        for name in ("t-0", "t-1"):
            await lead(broker, name, isr=(1, 2), replicas=(1, 2))
        assert await waiting(broker) == {"Produce": 0, "Fetch": 0, "DeleteRecords": 0}
        async with trio.open_nursery() as nursery:
            nursery.start_soon(produce, broker, -1, ("t-0", "a"), ("t-1", "b"))
            nursery.start_soon(fetch, broker, fetch_request(min_bytes=1, max_wait_ms=1000))
            await wait_all_tasks_blocked()
            assert await waiting(broker) == {"Produce": 1, "Fetch": 1, "DeleteRecords": 0}
            nursery.cancel_scope.cancel()
        assert await waiting(broker) == {"Produce": 0, "Fetch": 0, "DeleteRecords": 0}


async def test_fetch_sessions_are_counted(tmp_path: Path) -> None:
    of_cache = "kafka_server_fetchsessioncache_"
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0")
        await fetch(broker, fetch_request(session_epoch=0))
        broker.fetch_sessions.evictions = 2
        families = await scraped(broker)
    assert value(families, of_cache + "numincrementalfetchsessions") == 1
    assert value(families, of_cache + "numincrementalfetchpartitionscached") == 1
    assert value(families, of_cache + "incrementalfetchsessionevictions_total") == 2


async def test_a_log_that_is_not_cleaned_is_counted_in_its_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "kafka_log_logcleanermanager_uncleanable_partitions_count"
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0")
        [directory] = broker.logs.directories.all
        in_directory = {"logdirectory": str(directory.path)}
        assert value(await scraped(broker), name, **in_directory) == 0
        logs = list(broker.logs.logs.values())
        monkeypatch.setattr(LogCleaner, "uncleanable", lambda _: logs)
        assert value(await scraped(broker), name, **in_directory) == 1


async def test_connections_are_told_by_listener() -> None:
    connections = Connections(lambda: 10, lambda _: 10)
    life = Life(connections=connections)
    with connections.opened(Open("CLIENTS")), connections.opened(Open("BROKERS")):
        with connections.opened(Open("CLIENTS")):
            pass
        families = read((await answer_to(life, "/metrics")).body)
    of_listeners = "kafka_server_socket_server_metrics_connection_"
    for name, clients, brokers in (
        ("count", 1, 1),
        ("creation_total", 2, 1),
        ("close_total", 1, 0),
    ):
        assert value(families, of_listeners + name, listener="CLIENTS") == clients, name
        assert value(families, of_listeners + name, listener="BROKERS") == brokers, name


async def test_what_becomes_of_sessions_is_counted() -> None:
    monitor = Monitor(Life(), EventLog(1))
    for kind in ("connected", "suspended", "reconnected", "suspended", "lost", "connected"):
        monitor.events(f"session.{kind}")
    families = read(await text_of(monitor.families()))
    of_sessions = "kafka_server_sessionexpirelistener_zookeeper"
    assert value(families, of_sessions + "disconnects_total") == 2
    assert value(families, of_sessions + "expires_total") == 1
    assert value(families, of_sessions + "syncconnects_total") == 3


def test_a_topic_that_goes_leaves_its_numbers_in_the_sum() -> None:
    traffic = TrafficByTopic()
    of_t = traffic.joined("t")
    assert traffic.joined("t") is of_t
    of_t.bytes_in += 5
    traffic.left("t")
    assert traffic.by_topic == {"t": of_t}
    traffic.left("t")
    assert traffic.by_topic == {}
    traffic.joined("t").bytes_in += 2
    assert traffic.by_topic["t"].bytes_in == 2
    assert traffic.of_all().bytes_in == 7


# --- the controller and the groups


def leading_controller() -> ActiveController:
    """Of two brokers and the partitions t-0 (as preferred), t-1 (led by another), t-2 (offline)."""
    context = ControllerContext(1, 1, 1)
    context.brokers = {number: BrokerRegistration(number, ()) for number in (1, 2)}
    context.put_topic(
        TopicAssignment("t", None, {number: PartitionAssignment((1, 2)) for number in range(3)})
    )
    for partition, leader in (("t-0", 1), ("t-1", 2), ("t-2", -1)):
        state = PartitionState.OFFLINE if leader < 0 else PartitionState.ONLINE
        context.start_partition(tp(partition), state)
        context.leadership[tp(partition)] = LeaderAndIsr(leader, 0, (1, 2), 1, 0)
    return ActiveController(context, Inbox())


async def test_only_the_controller_tells_of_the_cluster(tmp_path: Path) -> None:
    of_controller = "kafka_controller_kafkacontroller_"
    expected = {
        "activecontrollercount": 1,
        "activebrokercount": 2,
        "globaltopiccount": 1,
        "globalpartitioncount": 3,
        "offlinepartitionscount": 1,
        "preferredreplicaimbalancecount": 2,
        "topicstodeletecount": 0,
    }
    async with open_broker(tmp_path) as broker:
        families = await scraped(broker)
        assert all(value(families, of_controller + name) == 0 for name in expected)
        broker.controller.active = leading_controller()
        families = await scraped(broker)
        for name, count in expected.items():
            assert value(families, of_controller + name) == count, name
        broker.controller.active.context.topics_to_be_deleted.add("t")
        families = await scraped(broker)
        assert value(families, of_controller + "offlinepartitionscount") == 0
        assert value(families, of_controller + "topicstodeletecount") == 1


async def test_elections_are_counted_by_kind() -> None:
    events, elections = EventLog(1), ElectionCount()
    events.readers.add(elections)
    for election in ("initial", "unclean", "offline", "unclean"):
        events("partition.leader_elected", election=election)
    events("broker.stopped")
    families = read(await text_of(elections.families()))
    unclean = "kafka_controller_controllerstats_uncleanleaderelections_total"
    assert value(families, unclean) == 2
    assert value(families, "zbroker_leader_elections_total", election="offline") == 1


async def test_groups_are_counted_by_state(tmp_path: Path, autojump_clock: MockClock) -> None:
    of_groups = "kafka_coordinator_group_groupmetadatamanager_"
    join = JoinRequest(
        group_id="g",
        member_id="",
        group_instance_id=None,
        client_id="test",
        client_host="client",
        session_timeout_ms=10_000,
        rebalance_timeout_ms=10_000,
        protocol_type="consumer",
        protocols=(("range", b""),),
        requires_member_id=False,
        can_skip_assignment=False,
    )
    async with open_broker(tmp_path) as broker, trio.open_nursery() as nursery:
        await nursery.start(broker.groups.run)
        await make_coordinators_topic(broker, OFFSETS_TOPIC)
        await lead(broker, f"{OFFSETS_TOPIC}-{broker.groups.partition_for('g')}")
        await wait_all_tasks_blocked()
        await broker.groups.join(join)
        families = await scraped(broker)
        nursery.cancel_scope.cancel()
    assert value(families, of_groups + "numgroups") == 1
    assert value(families, of_groups + "numgroupscompletingrebalance") == 1
    assert value(families, of_groups + "numgroupsstable") == 0
    assert value(families, of_groups + "numoffsets") == 0


# --- what stands in compose/monitoring


def names_in(text: str) -> Iterator[str]:
    yield from re.findall(r"\b(?:kafka|zbroker|process)_[a-z_]+\b", text)


@pytest.mark.parametrize("file", ["dashboard.json", "alerts.yml"])
async def test_every_metric_that_a_file_names_is_there(tmp_path: Path, file: str) -> None:
    async with open_broker(tmp_path) as broker:
        monitor = monitor_of(broker)

        async def dispatch(*_: object) -> None:
            return None

        measured = monitor.requests.measured(dispatch)
        await sent(await measured(context(ApiKey.HEARTBEAT), HeartbeatRequest()), Clock())
        families = read(await text_of(monitor.families()))
    told = set(families) | {name for family in families.values() for name, _ in family.samples}
    named = set(names_in((COMPOSE / file).read_text()))
    assert len(named) > 3
    assert named <= told


def test_the_dashboard_is_one_that_grafana_takes() -> None:
    dashboard = json.loads((COMPOSE / "dashboard.json").read_text())
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        assert panel["title"]
        assert panel["type"] == "row" or panel["targets"]
        for target in panel.get("targets", []):
            assert list(names_in(target["expr"])), panel["title"]
        x, y, width, height = (panel["gridPos"][name] for name in "xywh")
        assert x + width <= 24
        cells = {(x + right, y + down) for right in range(width) for down in range(height)}
        assert not cells & taken, f"{panel['title']} lies over another one"
        taken |= cells
