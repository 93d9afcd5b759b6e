"""What is measured: durations, requests, the event loop, ZooKeeper's answers; and its names."""

import math

import pytest
import trio
import trio.lowlevel
from trio.testing import MockClock

from broker.api.context import RequestContext
from broker.monitoring.event_loop import EventLoopWatch
from broker.monitoring.mbeans import metric_name
from broker.monitoring.requests import RequestTimes
from broker.monitoring.text_format import text_of
from broker.monitoring.timings import NEWEST, Timings
from broker.monitoring.zookeeper import MeasuredStore, ZooKeeperTimes
from broker.network.listener import Answer, CloseConnection, Later, Throttled
from broker.wire.apis import ApiKey
from broker.wire.messages.fetch import FetchRequest
from broker.wire.messages.heartbeat import HeartbeatRequest
from coordination.memory_store import MemoryStore
from coordination.store import NoNode
from tests.broker.monitoring.reading import Read, read, value


class Clock:
    """Seconds, as the test says."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.mark.parametrize(
    ("mbean", "name"),
    [
        # As the exporter's example configuration makes them.
        (
            "kafka.server:type=ReplicaManager,name=UnderReplicatedPartitions",
            "kafka_server_replicamanager_underreplicatedpartitions",
        ),
        (
            "kafka.server:type=BrokerTopicMetrics,name=MessagesInPerSec",
            "kafka_server_brokertopicmetrics_messagesin_total",
        ),
        (
            "kafka.network:type=RequestMetrics,name=TotalTimeMs",
            "kafka_network_requestmetrics_totaltimems",
        ),
        (
            "kafka.coordinator.group:type=GroupMetadataManager,name=NumGroups",
            "kafka_coordinator_group_groupmetadatamanager_numgroups",
        ),
    ],
)
def test_names_follow_the_exporters_rules(mbean: str, name: str) -> None:
    assert metric_name(mbean) == name


def test_quantiles_are_of_the_newest() -> None:
    timings = Timings()
    assert math.isnan(timings.quantile(0.5))
    for _ in range(NEWEST):
        timings.add(1000)
    for number in range(NEWEST):
        timings.add(number)
    assert timings.quantile(0.5) == NEWEST / 2
    assert timings.quantile(0.999) == NEWEST - 2
    assert timings.quantile(1.0) == NEWEST - 1
    assert timings.count == 2 * NEWEST
    assert timings.sum == NEWEST * 1000 + sum(range(NEWEST))


# --- requests


def context(api_key: ApiKey, version: int = 4) -> RequestContext:
    return RequestContext(
        api_key=api_key,
        api_version=version,
        correlation_id=1,
        client_id="test",
        listener="PLAINTEXT",
        principal="User:ANONYMOUS",
        host="client",
    )


async def told(times: RequestTimes) -> dict[str, Read]:
    return read(await text_of(times.families()))


REQUESTS = "kafka_network_requestmetrics_requests_total"
TIMES = "kafka_network_requestmetrics_totaltimems"


async def test_a_request_is_counted_by_name_and_version_and_timed() -> None:
    clock = Clock()
    times = RequestTimes(clock)

    async def dispatch(context: RequestContext, request: object) -> Answer:
        clock.now_s += 0.002
        return "answer"

    measured = times.measured(dispatch)
    assert await measured(context(ApiKey.HEARTBEAT), HeartbeatRequest()) == "answer"
    await measured(context(ApiKey.HEARTBEAT), HeartbeatRequest())
    await measured(context(ApiKey.HEARTBEAT, version=3), HeartbeatRequest())
    families = await told(times)
    assert value(families, REQUESTS, request="Heartbeat", version="4") == 2
    assert value(families, REQUESTS, request="Heartbeat", version="3") == 1
    assert value(families, TIMES, "_count", request="Heartbeat") == 3
    assert value(families, TIMES, "_sum", request="Heartbeat") == pytest.approx(6)
    assert value(families, TIMES, request="Heartbeat", quantile="0.99") == pytest.approx(2)


async def test_an_answer_that_waits_is_timed_when_it_is_there() -> None:
    clock = Clock()
    times = RequestTimes(clock)

    async def wait() -> object:
        clock.now_s += 0.5
        return "late"

    async def dispatch(context: RequestContext, request: object) -> Answer:
        return Throttled(Later(wait), 1.5)

    answer = await times.measured(dispatch)(context(ApiKey.HEARTBEAT), HeartbeatRequest())
    families = await told(times)
    assert value(families, REQUESTS, request="Heartbeat", version="4") == 1
    assert not families[TIMES].samples
    assert isinstance(answer, Throttled)
    assert answer.quiet_s == 1.5
    assert isinstance(answer.answer, Later)
    assert await answer.answer.wait() == "late"
    assert value(await told(times), TIMES, "_sum", request="Heartbeat") == pytest.approx(500)


@pytest.mark.parametrize(("replica_id", "who"), [(-1, "FetchConsumer"), (2, "FetchFollower")])
async def test_a_fetch_counts_by_who_fetches_too(replica_id: int, who: str) -> None:
    times = RequestTimes()

    async def dispatch(context: RequestContext, request: object) -> Answer:
        return None

    request = FetchRequest(replica_id=replica_id, replica_state=None)
    await times.measured(dispatch)(context(ApiKey.FETCH), request)
    samples = (await told(times))[REQUESTS].samples
    assert {dict(labels)["request"] for _, labels in samples} == {"Fetch", who}


async def test_a_request_without_an_answer_is_not_counted() -> None:
    times = RequestTimes()

    async def dispatch(context: RequestContext, request: object) -> Answer:
        raise CloseConnection

    with pytest.raises(CloseConnection):
        await times.measured(dispatch)(context(ApiKey.HEARTBEAT), HeartbeatRequest())
    assert not (await told(times))[REQUESTS].samples


# --- the event loop


async def test_a_task_that_holds_up_the_loop_is_a_stall() -> None:
    clock = Clock()
    watch = EventLoopWatch(clock)
    trio.lowlevel.add_instrument(watch)
    try:
        await trio.lowlevel.checkpoint()
        await trio.lowlevel.checkpoint()
        passes, stalls = watch.passes_s.count, watch.stalls
        clock.now_s += 0.019
        await trio.lowlevel.checkpoint()
        assert (watch.passes_s.count, watch.stalls) == (passes + 1, stalls)
        clock.now_s += 0.021
        await trio.lowlevel.checkpoint()
        assert watch.stalls == stalls + 1
        assert watch.longest_s == pytest.approx(0.021)
    finally:
        trio.lowlevel.remove_instrument(watch)
    families = read(await text_of(watch.families()))
    assert value(families, "zbroker_event_loop_stalls_total") == 1
    assert value(families, "zbroker_open_tasks") >= 1


def test_waiting_is_no_stall() -> None:
    clock = Clock()
    watch = EventLoopWatch(clock)
    watch.before_io_wait(3600)
    clock.now_s += 3600
    watch.after_io_wait(3600)
    watch.before_io_wait(0)
    assert watch.passes_s.count == 1
    assert watch.longest_s == 0
    assert watch.stalls == 0


# --- ZooKeeper


async def test_zookeepers_answers_are_timed_and_unchanged(autojump_clock: MockClock) -> None:
    times = ZooKeeperTimes(trio.current_time)
    store = MemoryStore(lambda: 0)
    session = await MeasuredStore(store, times).open_session(timeout_ms=1000)
    plain = await store.open_session()
    await session.create("/a", b"x")
    assert times.times_ms.count == 1
    assert (await session.get("/a")).data == (await plain.get("/a")).data == b"x"
    with pytest.raises(NoNode):
        await session.get("/none")
    assert await session.children("/") == await plain.children("/")
    assert times.times_ms.count == 4
    assert times.times_ms.sum == 0
    await session.aclose()
    assert session.lost
