"""What requests cost, and how long their client is to be quiet: the broker's side of quotas."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
import trio.testing
from trio.testing import MockClock

from broker.admin.applied_configs import apply_config_change
from broker.broker import Broker
from broker.network.answers import CloseConnection, Later, Throttled
from broker.wire.errors import ErrorCode
from broker.wire.messages import alter_client_quotas as alter
from broker.wire.messages.create_partitions import CreatePartitionsRequest, CreatePartitionsTopic
from broker.wire.messages.create_topics import CreatableTopic, CreateTopicsRequest
from broker.wire.messages.delete_topics import DeleteTopicsRequest
from broker.wire.messages.fetch import FetchPartition, FetchRequest, FetchTopic
from broker.wire.messages.heartbeat import HeartbeatRequest
from broker.wire.messages.list_partition_reassignments import ListPartitionReassignmentsRequest
from broker.wire.messages.metadata import MetadataRequest
from broker.wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from broker.wire.messages.write_txn_markers import WriteTxnMarkersRequest
from tests.broker.replica.support import batch
from tests.broker.support import call, know, lead, open_broker, take_the_controllers_seat, tp


async def limit(broker: Broker, quota: str, value: float | None, client_id: str = "test") -> None:
    """Set it as a tool does, and let the broker hear of it."""
    entry = alter.RequestEntryData(
        entity=[alter.RequestEntityData(entity_type="client-id", entity_name=client_id)],
        ops=[alter.OpData(key=quota, value=value or 0.0, remove=value is None)],
    )
    request = alter.AlterClientQuotasRequest(entries=[entry])
    [answer] = (await call(broker, request, 1)).entries
    assert answer.error_code == 0
    await apply_config_change(broker, f"clients/{client_id}")


def producing(acks: int = 1) -> ProduceRequest:
    data = PartitionProduceData(index=0, records=batch("v"))
    return ProduceRequest(
        acks=acks, timeout_ms=1000, topic_data=[TopicProduceData(name="t", partition_data=[data])]
    )


def fetching(**more: Any) -> FetchRequest:
    partition = FetchPartition(partition=0, fetch_offset=0, partition_max_bytes=1 << 20)
    topics = [FetchTopic(topic="t", partitions=[partition])]
    return attrs.evolve(FetchRequest(max_wait_ms=0, min_bytes=1, topics=topics), **more)


async def quiet_s(broker: Broker, request: object, version: int, **more: Any) -> float:
    """For how long; the answer, if there is one, must say the same."""
    answer = await call(broker, request, version, wait=False, **more)
    if not isinstance(answer, Throttled):
        assert getattr(answer, "throttle_time_ms", 0) == 0
        return 0.0
    told = answer.answer
    if isinstance(told, Later):
        told = await told.wait()
    assert told is None or told.throttle_time_ms == round(answer.quiet_s * 1000)
    return answer.quiet_s


async def test_a_producer_is_quiet_until_its_bytes_are_within_its_rate(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0")
        assert await quiet_s(broker, producing(), 9, size_bytes=5000) == 0
        await limit(broker, "producer_byte_rate", 100)
        assert await quiet_s(broker, producing(), 9, size_bytes=1000) == 0
        for acks, longer_s in ((1, 1), (-1, 2), (0, 3)):  # it's done at once, whatever it costs
            assert await quiet_s(broker, producing(acks), 9, size_bytes=100) == longer_s
        assert broker.replicas.partitions[tp("t-0")].log.log_end_offset == 5
        # What others do and ask costs this client nothing, nor does what it asks itself.
        assert await quiet_s(broker, producing(), 9, size_bytes=5000, client_id="other") == 0
        assert await quiet_s(broker, HeartbeatRequest(group_id="g"), 4, size_bytes=9000) == 0
        await limit(broker, "producer_byte_rate", 50)
        assert await quiet_s(broker, producing(), 9, size_bytes=0) > 10
        await limit(broker, "producer_byte_rate", None)
        assert not broker.quotas.in_force
        assert await quiet_s(broker, producing(), 9, size_bytes=5000) == 0


async def test_bytes_count_though_the_connection_is_closed_for_a_part_of_them(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """A partition that doesn't exist would make all others free, for who wants no answer."""
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0")
        await limit(broker, "producer_byte_rate", 100)
        request = producing(acks=0)
        request.topic_data.append(attrs.evolve(producing().topic_data[0], name="nowhere"))
        with pytest.raises(CloseConnection):
            await call(broker, request, 9, size_bytes=5000)
        assert broker.replicas.partitions[tp("t-0")].log.log_end_offset == 1
        assert await quiet_s(broker, producing(), 9, size_bytes=0) == 40


async def test_to_be_refused_costs_time_too(
    tmp_path: Path, autojump_clock: MockClock, half_a_second_each: Iterator[float]
) -> None:
    async with open_broker(tmp_path) as broker:
        broker.quotas.busy_clock_s = half_a_second_each.__next__
        await limit(broker, "request_percentage", 10)

        def nobody(*_question: object) -> bool:
            return False

        told = [
            await quiet_s(broker, ListPartitionReassignmentsRequest(), 0, authorizer=nobody)
            for _ in range(3)
        ]
        assert told == [0, 0, 1]


async def test_who_goes_on_with_a_session_too_late_is_told_to_be_quiet_too(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0")
        broker.replicas.partitions[tp("t-0")].append_as_leader(batch("x" * 1000), 1, 0.0)
        opened = await call(broker, fetching(session_epoch=0), 12)
        [records] = [p.records for topic in opened.responses for p in topic.partitions]
        size_bytes = sum(region.size_bytes for region in records)
        await limit(broker, "consumer_byte_rate", size_bytes / 2)
        for _ in range(5):
            await call(broker, fetching(session_epoch=-1), 12)
        answers = []

        async def fetch(epoch: int, **more: Any) -> None:
            session = {"session_id": opened.session_id, "session_epoch": epoch}
            answers.append(await call(broker, fetching(**session, **more), 12))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(fetch, 1, max_wait_ms=500, min_bytes=5 * size_bytes))
            await trio.testing.wait_all_tasks_blocked()
            nursery.start_soon(fetch, 2)
        assert [answer.error_code for answer in answers] == [
            ErrorCode.NONE,
            ErrorCode.INVALID_FETCH_SESSION_EPOCH,
        ]
        assert all(answer.throttle_time_ms > 0 for answer in answers)


async def test_a_consumer_that_has_read_too_much_is_given_nothing_and_asks_again(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0")
        partition = broker.replicas.partitions[tp("t-0")]
        partition.append_as_leader(batch("x" * 1000), 1, 0.0)
        first = await call(broker, fetching(session_epoch=0), 12)
        size_bytes = sum(r.size_bytes for r in first.responses[0].partitions[0].records)
        assert first.session_id != 0
        session = {"session_id": first.session_id, "topics": []}
        await limit(broker, "consumer_byte_rate", size_bytes / 10)
        again = fetching(session_epoch=1).topics
        told = await call(broker, fetching(**session | {"session_epoch": 1, "topics": again}), 12)
        assert (told.throttle_time_ms, len(told.responses)) == (0, 1)
        told = await call(broker, fetching(**session | {"session_epoch": 2, "topics": again}), 12)
        assert told.throttle_time_ms == 10_000
        assert (told.responses, told.session_id) == ([], first.session_id)
        # A first fetch begins no session then, and a follower's isn't held to the quota.
        told = await call(broker, fetching(session_epoch=0), 12)
        assert (told.throttle_time_ms > 0, told.responses, told.session_id) == (True, [], 0)
        follower = fetching(replica_id=2, session_epoch=-1)
        assert len((await call(broker, follower, 12)).responses) == 1
        await trio.sleep(11)  # the session goes on where it was
        told = await call(broker, fetching(**session | {"session_epoch": 3}), 12)
        [records] = [p.records for topic in told.responses for p in topic.partitions]
        assert sum(region.size_bytes for region in records) == size_bytes


async def test_a_fetch_of_many_batches_is_given_no_more_than_may_be_had_at_once(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0")
        partition = broker.replicas.partitions[tp("t-0")]
        for _ in range(20):
            partition.append_as_leader(batch("x" * 1000), 1, 0.0)
        await limit(broker, "consumer_byte_rate", 500)
        told = await call(broker, fetching(max_bytes=1 << 20, min_bytes=15_000), 12)
        assert told.throttle_time_ms == 0
        [records] = [p.records for topic in told.responses for p in topic.partitions]
        assert 4000 < sum(region.size_bytes for region in records) <= 5000
        # A single batch that is more can't be had, however long one is quiet.
        await limit(broker, "consumer_byte_rate", 50)
        await trio.sleep(60)
        told = await call(broker, fetching(max_bytes=1 << 20), 12)
        assert told.throttle_time_ms > 0


@pytest.fixture
def half_a_second_each() -> Iterator[float]:
    def seconds() -> Iterator[float]:
        now_s = 0.0
        while True:
            yield now_s
            now_s += 0.5

    return seconds()


async def test_the_event_loops_time_is_limited_a_second_at_most_is_told(
    tmp_path: Path, autojump_clock: MockClock, half_a_second_each: Iterator[float]
) -> None:
    async with open_broker(tmp_path) as broker:
        await know(broker)
        broker.quotas.busy_clock_s = half_a_second_each.__next__
        await limit(broker, "request_percentage", 10)  # of one core: a second in ten
        assert await quiet_s(broker, MetadataRequest(), 9) == 0
        assert await quiet_s(broker, MetadataRequest(), 9) == 0
        assert await quiet_s(broker, MetadataRequest(), 9) == 1
        assert await quiet_s(broker, WriteTxnMarkersRequest(), 1) == 0  # a broker's
        await trio.sleep(11)
        assert await quiet_s(broker, MetadataRequest(), 9) == 0


async def test_topics_are_refused_to_who_is_in_debt_to_the_controller(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with open_broker(tmp_path) as broker:
        take_the_controllers_seat(broker)
        await know(broker)
        await limit(broker, "controller_mutation_rate", 2)  # 22 at once

        async def create(
            *names: str, version: int = 7, partitions: int = 21, validate_only: bool = False
        ) -> tuple[list[ErrorCode], int]:
            request = CreateTopicsRequest(
                topics=[
                    CreatableTopic(name=name, num_partitions=partitions, replication_factor=1)
                    for name in names
                ],
                timeout_ms=0,
                validate_only=validate_only,
            )
            answer = await call(broker, request, version)
            return [ErrorCode(t.error_code) for t in answer.topics], answer.throttle_time_ms

        late, refused = ErrorCode.REQUEST_TIMED_OUT, ErrorCode.THROTTLING_QUOTA_EXCEEDED
        assert await create("asked", validate_only=True) == ([ErrorCode.NONE], 0)
        assert await create("bad name") == ([ErrorCode.INVALID_TOPIC_EXCEPTION], 0)
        # The second is the last that's allowed, however large; 20 partitions are too many.
        assert await create("a", "b", "c") == ([late, late, refused], 10_000)
        await trio.sleep(9)
        assert await create("d") == ([refused], 1000)
        # An older client doesn't know the error: it's made, and counted.
        assert await create("d", version=4) == ([late], 11_500)
        await know(broker, partitions=[(f"a-{n}", 1, (1,)) for n in range(21)])
        [deleted] = (await call(broker, DeleteTopicsRequest(topic_names=["a"]), 5)).responses
        assert deleted.error_code == refused
        larger = CreatePartitionsTopic(name="a", count=22, assignments=None)
        more = CreatePartitionsRequest(topics=[larger])
        [added] = (await call(broker, more, 3)).results
        assert added.error_code == refused
        await trio.sleep(11.5)
        assert (await call(broker, more, 3)).throttle_time_ms == 0
        answer = await call(broker, DeleteTopicsRequest(topic_names=["a"]), 5)
        assert (answer.responses[0].error_code, answer.throttle_time_ms) == (refused, 500)
