"""What is measured: durations, requests, the event loop, ZooKeeper's answers; and its names."""

import json
import math
from collections import Counter

import pytest
import trio
import trio.lowlevel
from trio.testing import MockClock

from broker.api.context import RequestContext
from broker.monitoring import request_errors
from broker.monitoring.event_loop import EventLoopWatch
from broker.monitoring.mbeans import metric_name
from broker.monitoring.request_errors import count_errors
from broker.monitoring.request_stream import request_stream
from broker.monitoring.requests import RequestTimes
from broker.monitoring.text_format import text_of
from broker.monitoring.timings import NEWEST, ROWS_AT_ONCE, Timings, TimingsTable
from broker.monitoring.zookeeper import MeasuredStore, ZooKeeperTimes
from broker.network.answers import Answer, CloseConnection, Later, Throttled, Timed
from broker.wire.apis import API_TABLE, ApiKey
from broker.wire.errors import ErrorCode
from broker.wire.framing import EncodedResponse
from broker.wire.messages.fetch import (
    FetchableTopicResponse,
    FetchRequest,
    FetchResponse,
    PartitionData,
)
from broker.wire.messages.heartbeat import HeartbeatRequest, HeartbeatResponse
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
            "kafka.log:type=LogCleanerManager,name=max-dirty-percent",
            "kafka_log_logcleanermanager_max_dirty_percent",
        ),
        (
            "kafka.network:type=RequestMetrics,name=TotalTimeMs",
            "kafka_network_requestmetrics_totaltimems",
        ),
        (
            "kafka.network:type=RequestMetrics,name=ErrorsPerSec",
            "kafka_network_requestmetrics_errors_total",
        ),
        (
            "kafka.cluster:type=Partition,name=UnderMinIsr",
            "kafka_cluster_partition_underminisr",
        ),
        (
            "kafka.server:type=SessionExpireListener,name=ZooKeeperExpiresPerSec",
            "kafka_server_sessionexpirelistener_zookeeperexpires_total",
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


def test_a_tables_rows_are_its_columns_timings() -> None:
    table = TimingsTable(2)
    plain = Timings()
    for number in range(2 * NEWEST + ROWS_AT_ONCE // 2):
        table.add((float(number), 1.0))
        plain.add(number)
    numbers, ones = table.columns()
    assert (numbers.count, numbers.sum) == (plain.count, plain.sum)
    assert [numbers.quantile(part / 10) for part in range(11)] == [
        plain.quantile(part / 10) for part in range(11)
    ]
    assert (ones.count, ones.sum, ones.quantile(0.5)) == (plain.count, plain.count, 1.0)


def test_durations_are_added_over_the_end_of_the_newest() -> None:
    timings = Timings()
    timings.add_all([1.0] * (NEWEST - 1))
    timings.add_all([2.0, 3.0])
    timings.add_all([4.0] * (NEWEST - 3))
    assert timings.count == 2 * NEWEST - 2
    assert [timings.quantile(part / NEWEST) for part in (0, 1, 2, 3)] == [1, 2, 3, 4]


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


ERRORS = "kafka_network_requestmetrics_errors_total"
REQUESTS = "kafka_network_requestmetrics_requests_total"
TIMES = "kafka_network_requestmetrics_totaltimems"


async def sent(answer: Answer, clock: Clock, queued_s: float = 0, took_s: float = 0) -> Answer:
    """What the listener does with an answer; returns what it is given to send."""
    assert isinstance(answer, Timed)
    told = answer.answer.answer if isinstance(answer.answer, Throttled) else answer.answer
    if isinstance(told, Later):
        told = await told.wait()
    clock.now_s += queued_s
    answer.timing.sending()
    clock.now_s += took_s
    answer.timing.sent()
    return told


def phases_ms(families: dict[str, Read], request: str) -> dict[str, float]:
    """The sum of each."""
    names = ("local", "remote", "throttle", "responsequeue", "responsesend", "total")
    of_requests = "kafka_network_requestmetrics_"
    return {
        name: round(value(families, f"{of_requests}{name}timems", "_sum", request=request))
        for name in names
    }


async def test_a_request_is_counted_by_name_and_version_and_timed() -> None:
    clock = Clock()
    times = RequestTimes(clock)

    async def dispatch(context: RequestContext, request: object) -> Answer:
        clock.now_s += 0.002
        return HeartbeatResponse(error_code=ErrorCode.ILLEGAL_GENERATION)

    measured = times.measured(dispatch)
    for version in (4, 4, 3):
        answer = await measured(context(ApiKey.HEARTBEAT, version), HeartbeatRequest())
        assert await sent(answer, clock, queued_s=0.003, took_s=0.004) == HeartbeatResponse(
            error_code=ErrorCode.ILLEGAL_GENERATION
        )
    families = await told(times)
    assert value(families, REQUESTS, request="Heartbeat", version="4") == 2
    assert value(families, REQUESTS, request="Heartbeat", version="3") == 1
    assert value(families, ERRORS, request="Heartbeat", error="ILLEGAL_GENERATION") == 3
    assert value(families, TIMES, "_count", request="Heartbeat") == 3
    assert value(families, TIMES, request="Heartbeat", quantile="0.99") == pytest.approx(9)
    assert phases_ms(families, "Heartbeat") == {
        "local": 6,
        "remote": 0,
        "throttle": 0,
        "responsequeue": 9,
        "responsesend": 12,
        "total": 27,
    }


async def test_who_looks_on_is_told_of_each_request() -> None:
    clock = Clock()
    times = RequestTimes(clock)

    async def dispatch(context: RequestContext, request: object) -> Answer:
        clock.now_s += 0.002
        return HeartbeatResponse(error_code=ErrorCode.ILLEGAL_GENERATION)

    async def ask() -> None:
        answer = await times.measured(dispatch)(context(ApiKey.HEARTBEAT), HeartbeatRequest())
        await sent(answer, clock)

    await ask()
    with request_stream(times) as next_chunk:
        await ask()
        chunk = (await next_chunk()).decode()
    assert not times.readers
    event, data = chunk.splitlines()[:2]
    assert event == "event: Heartbeat"
    document = json.loads(data.removeprefix("data: "))
    assert (document["api"], document["total_ms"]) == ("Heartbeat", 2)
    assert document["errors"] == {"ILLEGAL_GENERATION": 1}
    assert chunk.count("data: ") == 1, "not of what was before"


async def test_what_a_handler_waits_for_is_remote_time() -> None:
    clock = Clock()
    times = RequestTimes(clock)
    go_on = trio.Event()

    async def dispatch(context: RequestContext, request: object) -> Answer:
        clock.now_s += 0.002
        await go_on.wait()
        clock.now_s += 0.001
        with pytest.raises(trio.TooSlowError):
            with trio.fail_after(0):
                await trio.lowlevel.checkpoint()
        return HeartbeatResponse()

    async def ask() -> None:
        answer = await times.measured(dispatch)(context(ApiKey.HEARTBEAT), HeartbeatRequest())
        await sent(answer, clock)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        await trio.testing.wait_all_tasks_blocked()
        clock.now_s += 0.5
        go_on.set()
    phases = phases_ms(await told(times), "Heartbeat")
    assert (phases["local"], phases["remote"], phases["total"]) == (2, 501, 503)


async def test_a_request_that_is_cancelled_while_it_waits_is_cancelled() -> None:
    times = RequestTimes()

    async def dispatch(context: RequestContext, request: object) -> Answer:
        await trio.sleep_forever()
        raise AssertionError

    with trio.move_on_after(0) as scope:
        await times.measured(dispatch)(context(ApiKey.HEARTBEAT), HeartbeatRequest())
    assert scope.cancelled_caught
    assert not (await told(times))[REQUESTS].samples


async def test_an_answer_that_waits_is_timed_when_it_is_sent() -> None:
    clock = Clock()
    times = RequestTimes(clock)

    async def wait() -> object:
        clock.now_s += 0.5
        return HeartbeatResponse()

    async def dispatch(context: RequestContext, request: object) -> Answer:
        clock.now_s += 0.001
        return Throttled(Later(wait), 1.5)

    answer = await times.measured(dispatch)(context(ApiKey.HEARTBEAT), HeartbeatRequest())
    assert isinstance(answer, Timed)
    assert isinstance(answer.answer, Throttled)
    assert answer.answer.quiet_s == 1.5
    assert not (await told(times))[REQUESTS].samples
    assert await sent(answer, clock) == HeartbeatResponse()
    families = await told(times)
    assert value(families, REQUESTS, request="Heartbeat", version="4") == 1
    phases = phases_ms(families, "Heartbeat")
    assert (phases["local"], phases["remote"]) == (1, 500)
    assert (phases["throttle"], phases["total"]) == (1500, 501)


@pytest.mark.parametrize(("replica_id", "who"), [(-1, "FetchConsumer"), (2, "FetchFollower")])
async def test_a_fetch_counts_by_who_fetches_too(replica_id: int, who: str) -> None:
    times = RequestTimes()

    async def dispatch(context: RequestContext, request: object) -> Answer:
        return None

    request = FetchRequest(replica_id=replica_id, replica_state=None)
    await sent(await times.measured(dispatch)(context(ApiKey.FETCH), request), Clock())
    assert value(await told(times), TIMES, "_count", request=who) == 1
    samples = (await told(times))[REQUESTS].samples
    assert {dict(labels)["request"] for _, labels in samples} == {"Fetch", who}


async def test_a_request_that_ends_its_connection_is_not_counted() -> None:
    times = RequestTimes()

    async def dispatch(context: RequestContext, request: object) -> Answer:
        raise CloseConnection

    with pytest.raises(CloseConnection):
        await times.measured(dispatch)(context(ApiKey.HEARTBEAT), HeartbeatRequest())
    assert not (await told(times))[REQUESTS].samples


def test_each_code_of_an_answer_is_counted() -> None:
    counts: Counter[int] = Counter()
    partitions = [
        PartitionData(partition_index=0),
        PartitionData(partition_index=1, error_code=ErrorCode.NOT_LEADER_OR_FOLLOWER),
    ]
    count_errors(
        FetchResponse(responses=[FetchableTopicResponse(topic="t", partitions=partitions)]), counts
    )
    count_errors(None, counts)
    count_errors(EncodedResponse(ApiKey.METADATA, 12, b""), counts)
    # The fetch's own, and those of the two partitions.
    assert counts == {ErrorCode.NONE: 2, ErrorCode.NOT_LEADER_OR_FOLLOWER: 1}


def test_the_codes_of_every_answer_are_found() -> None:
    """Each response can be looked into; those without a code are few, and known."""
    without = set()
    for api in API_TABLE.values():
        counts: Counter[int] = Counter()
        count_errors(api.response_class(), counts)
        if not request_errors._counting(api.response_class):
            without.add(api.name)
    assert without == set()


# --- the event loop


async def test_a_task_that_holds_up_the_loop_is_a_stall() -> None:
    clock, cpu_clock = Clock(), Clock()
    watch = EventLoopWatch(clock, cpu_clock)
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
        assert watch.computing_stalls == 0, "it only waited"
        clock.now_s += 0.021
        cpu_clock.now_s += 0.021
        await trio.lowlevel.checkpoint()
        assert (watch.stalls, watch.computing_stalls) == (stalls + 2, 1)
    finally:
        trio.lowlevel.remove_instrument(watch)
    families = read(await text_of(watch.families()))
    assert value(families, "zbroker_event_loop_stalls_total") == 2
    assert value(families, "zbroker_event_loop_computing_stalls_total") == 1
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
