"""Transactions end as they were decided, at whatever step their coordinator dies.

    commit or abort ─▶ Prepare is written ─▶ marker ─▶ marker ─▶ Complete is written
                      ▲                  ▲  ▲      ▲            ▲                   ▲
                      before             after, and so on: here it is killed

Broker 2 coordinates, 1 and 3 lead the partitions. The client asks again, as clients do; at the end
both partitions have the outcome, nothing is left open, and the next transaction goes its way.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import attrs
import pytest
import trio

from broker.broker import Broker
from broker.coordinators.replicated_log import ReplicatedLog
from broker.network.broker_link import BrokerLink
from broker.replica.append import Appended, wait_until_acknowledged
from broker.transactions.transaction_states import COMPLETE_ABORT, COMPLETE_COMMIT
from broker.transactions.transactions_log import TRANSACTIONS_TOPIC
from broker.wire.apis import ApiKey
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.records import Record
from coordination.values import TopicPartition
from tests.simulation.ensemble import host_of
from tests.simulation.looking import events
from tests.simulation.stage import Stage, play
from tests.simulation.transactional import read_committed, transactional_producer

COORDINATOR = 2
P0, P1 = TopicPartition("t", 0), TopicPartition("t", 1)
WRITE, MARK = "write", "mark"


@attrs.define(eq=False)
class Killer:
    """Kills the coordinator before or after the n-th record or marker that it sends out."""

    stage: Stage
    kind: str
    number: int
    after: bool
    is_armed: bool = False
    count: int = 0

    def is_it(self, kind: str, broker_id: int) -> bool:
        if not self.is_armed or kind != self.kind or broker_id != COORDINATOR:
            return False
        self.count += 1
        return self.count == self.number

    def strike(self) -> None:
        self.is_armed = False
        self.stage.ensemble.kill(COORDINATOR)

    @contextmanager
    def lying_in_wait(self) -> Iterator[None]:
        append, request = ReplicatedLog.append, BrokerLink.request

        def append_or_die(
            log: ReplicatedLog, partition: int, records: Sequence[Record]
        ) -> Appended:
            is_it = log.topic == TRANSACTIONS_TOPIC and self.is_it(WRITE, log.replicas.broker_id)
            if is_it and not self.after:
                self.strike()
                raise KafkaError(ErrorCode.NOT_LEADER_OR_FOLLOWER)
            appended = append(log, partition, records)
            if is_it:
                self.strike()
            return appended

        async def request_or_die(link: BrokerLink, api_key: ApiKey, *rest: Any) -> Any:
            is_it = api_key is ApiKey.WRITE_TXN_MARKERS and self.is_it(MARK, int(link.client_id))
            if is_it and not self.after:
                self.strike()
                await trio.lowlevel.checkpoint()
            answer = await request(link, api_key, *rest)
            if is_it:
                self.strike()
            return answer

        with (
            patch.object(ReplicatedLog, "append", append_or_die),
            patch.object(BrokerLink, "request", request_or_die),
        ):
            yield


async def three_brokers(
    stage: Stage, controller: int = 1, coordinators: tuple[int, ...] = (COORDINATOR, 3, 1)
) -> None:
    """Broker 1 leads t-0 and 3 leads t-1; the first of `coordinators` coordinates."""
    await stage.ensemble.start(controller)
    await stage.ensemble.start(*sorted({1, 2, 3} - {controller}))
    await stage.client.create_topic("t", {0: (1, 3, 2), 1: (3, 1, 2)}, min_insync_replicas="2")
    await stage.client.create_topic(
        TRANSACTIONS_TOPIC,
        {0: coordinators},
        min_insync_replicas="2",
        cleanup_policy="compact",
    )
    await stage.checker.settled()


async def values(stage: Stage, tp: TopicPartition) -> tuple[str, ...]:
    """What one reads committed; all of it, for nothing is open."""
    seen = await read_committed(stage.client, tp)
    assert seen.last_stable_offset == seen.high_watermark, "a transaction hangs"
    return seen.values


# All of them take half a minute: one that is in the middle stands for them in the quick tests.
STEPS = [
    pytest.param(
        kind,
        number,
        after,
        commit,
        marks=[] if (kind, number, after, commit) == (MARK, 1, True, True) else pytest.mark.matrix,
    )
    for kind in (WRITE, MARK)
    for number in (1, 2)
    for after in (False, True)
    for commit in (True, False)
]
PROPERTIES = {"transaction_state_log_num_partitions": "1"}
TIMEOUT_MS = 5000


@pytest.mark.long
@pytest.mark.parametrize(("kind", "number", "after", "commit"), STEPS)
def test_the_coordinator_dies(
    tmp_path: Path, kind: str, number: int, after: bool, commit: bool
) -> None:
    async def story(stage: Stage) -> None:
        await three_brokers(stage)
        producer = await transactional_producer(stage.client, "x")
        await producer.send(P0, "a")
        await producer.send(P1, "b")
        killer = Killer(stage, kind, number, after)
        with killer.lying_in_wait():
            killer.is_armed = True
            await producer.end(commit=commit)
            await stage.ensemble.until(lambda: COORDINATOR not in stage.ensemble.lives, "its death")
        await stage.ensemble.start(COORDINATOR)
        await stage.checker.settled()
        expected = (("a",), ("b",)) if commit else ((), ())
        assert (await values(stage, P0), await values(stage, P1)) == expected
        await producer.send(P0, "next")
        await producer.end(commit=True)
        await stage.checker.settled()
        assert await values(stage, P0) == (*expected[0], "next")

    play(story, tmp_path, **PROPERTIES)


@pytest.mark.long
def test_a_leader_dies_before_its_marker(tmp_path: Path) -> None:
    """The marker goes to the next leader, as soon as there is one; the client does not wait."""

    async def story(stage: Stage) -> None:
        await three_brokers(stage, controller=3, coordinators=(COORDINATOR, 3))
        producer = await transactional_producer(stage.client, "x")
        await producer.send(P0, "a")
        await producer.send(P1, "b")
        stage.ensemble.cut(COORDINATOR, 1)
        await producer.end(commit=True)
        await stage.ensemble.crash(1)
        stage.ensemble.heal()
        await stage.ensemble.until(lambda: _state(stage) == "CompleteCommit", "the end")
        assert (await values(stage, P0), await values(stage, P1)) == (("a",), ("b",))

    play(story, tmp_path, **PROPERTIES)


@pytest.mark.long
def test_a_leader_that_answers_as_late_as_kafka_is_heard(tmp_path: Path) -> None:
    """One partition does not replicate, and its leader says so when its request.timeout.ms is over.

    A zbroker says so after half of it. The sender hears it all the same: the other partition on
    that broker is sent its marker once, and not again with the slow one's.
    """
    named: list[set[int]] = []

    async def asked(
        link: BrokerLink, api_key: ApiKey, version: int, request: Any, *rest: Any
    ) -> Any:
        if api_key is ApiKey.WRITE_TXN_MARKERS:
            named.append(
                {
                    index
                    for marker in request.markers
                    for topic in marker.topics
                    for index in topic.partition_indexes
                }
            )
        return await request_of_link(link, api_key, version, request, *rest)

    async def as_late_as_kafka(appended: Any, timeout_s: float) -> None:
        await wait_until_acknowledged(appended, 2 * timeout_s)

    async def story(stage: Stage) -> None:
        await stage.ensemble.start(COORDINATOR)
        await stage.ensemble.start(1, 3)
        await stage.client.create_topic("t", {0: (1, 3), 1: (1, 2)})
        await stage.client.create_topic(TRANSACTIONS_TOPIC, {0: (COORDINATOR,)})
        await stage.checker.settled()
        producer = await transactional_producer(stage.client, "x")
        await producer.send(P0, "a")
        await producer.send(P1, "b")
        stage.ensemble.network.delay(host_of(1), host_of(COORDINATOR), 0.05)
        stage.ensemble.cut(1, 3)
        await producer.end(commit=True)
        await trio.sleep(4 * TIMEOUT_MS / 1000)
        assert named == [{0, 1}, {0}, {0}, {0}]
        stage.ensemble.heal()
        await stage.ensemble.until(lambda: _state(stage) == "CompleteCommit", "the end")
        assert (await values(stage, P0), await values(stage, P1)) == (("a",), ("b",))

    request_of_link = BrokerLink.request
    lag = {"replica_lag_time_max_ms": "60000"}
    timeout = {"request_timeout_ms": str(TIMEOUT_MS)}
    with (
        patch.object(BrokerLink, "request", asked),
        patch("broker.api.write_txn_markers.wait_until_acknowledged", as_late_as_kafka),
    ):
        play(story, tmp_path, **PROPERTIES, **lag, **timeout)


@pytest.mark.long
@pytest.mark.parametrize("commit", [True, False])
def test_the_only_broker_dies_before_its_markers(tmp_path: Path, commit: bool) -> None:
    """In the next term it is told of its leaderships first, and of the partitions that there are
    only then: what it does not know of yet is not deleted."""

    async def story(stage: Stage) -> None:
        await stage.ensemble.start(1)
        await stage.client.create_topic("t", {0: (1,), 1: (1,)})
        await stage.client.create_topic(TRANSACTIONS_TOPIC, {0: (1,)}, cleanup_policy="compact")
        await stage.checker.settled()
        producer = await transactional_producer(stage.client, "x")
        await producer.send(P0, "a")
        await producer.send(P1, "b")
        stage.ensemble.cut(1, 1)
        await producer.end(commit=commit)
        await stage.ensemble.crash(1)
        stage.ensemble.heal()
        # Between one order of the controller and the next there is time enough to load.
        stage.ensemble.network.delay(host_of(1), host_of(1), 0.2)
        await stage.ensemble.start(1)
        await stage.ensemble.until(lambda: _is_complete(stage.ensemble.broker(1)), "the end")
        # If it hung in the log still, this one would decide it.
        await producer.send(P0, "next")
        await producer.end(commit=not commit)
        await stage.ensemble.until(lambda: _is_complete(stage.ensemble.broker(1)), "the next end")
        expected = (("a",), ("b",)) if commit else (("next",), ())
        assert (await values(stage, P0), await values(stage, P1)) == expected

    play(story, tmp_path, **PROPERTIES)


@pytest.mark.long
def test_a_transaction_that_nobody_ends_times_out(tmp_path: Path) -> None:
    """Its readers wait for it, and no longer than its timeout; its producer is fenced."""

    async def story(stage: Stage) -> None:
        await three_brokers(stage)
        producer = await transactional_producer(stage.client, "x", timeout_ms=15_000)
        await producer.send(P0, "a")
        seen = await read_committed(stage.client, P0)
        assert (seen.values, seen.last_stable_offset, seen.high_watermark) == ((), 0, 1)
        await stage.ensemble.until(lambda: _state(stage) == "CompleteAbort", "its end")
        await stage.checker.settled()
        assert await values(stage, P0) == ()
        with pytest.raises(AssertionError, match="PRODUCER_FENCED"):
            await producer.end(commit=True)
        [fenced] = events(stage, "transaction.fenced")
        assert fenced.facts["reason"] == "timed out"

    play(story, tmp_path, **PROPERTIES)


def _state(stage: Stage) -> str:
    broker = stage.ensemble.broker(COORDINATOR)
    return broker.transactions.describe("x").state.value


def _is_complete(broker: Broker) -> bool:
    """Whether the coordinator has loaded the transaction, and ended it."""
    try:
        return broker.transactions.describe("x").state in (COMPLETE_ABORT, COMPLETE_COMMIT)
    except KafkaError:
        return False
