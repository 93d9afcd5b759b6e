"""Transactional records: asked after at their transaction's coordinator before they enter a log."""

from collections.abc import Collection, Mapping
from pathlib import Path

import attrs
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from broker.broker import Broker
from broker.log.values import Origin
from broker.wire.control_records import build_marker
from broker.wire.errors import ErrorCode
from broker.wire.messages.produce import (
    PartitionProduceData,
    PartitionProduceResponse,
    ProduceRequest,
    ProduceResponse,
    TopicProduceData,
)
from coordination.values import TopicPartition
from tests.broker.log.logs import START_MS, make_batch
from tests.broker.support import call, know, lead, open_broker, tp


@attrs.define
class Coordinator:
    """A `Verifier` that says what it's told to, when it's told to."""

    answers: dict[str, ErrorCode] = attrs.field(factory=dict)  # NONE, where nothing is said
    asked: list[tuple[str, int, int, list[str]]] = attrs.field(factory=list)
    may_answer: trio.Event = attrs.field(factory=trio.Event)

    async def verify(
        self,
        transactional_id: str,
        producer_id: int,
        producer_epoch: int,
        partitions: Collection[TopicPartition],
    ) -> Mapping[TopicPartition, ErrorCode]:
        self.asked.append((transactional_id, producer_id, producer_epoch, [*map(str, partitions)]))
        await self.may_answer.wait()
        return {each: self.answers.get(str(each), ErrorCode.NONE) for each in partitions}


def transactional(sequence: int = 0, producer_id: int = 7, epoch: int = 0) -> bytearray:
    return make_batch(producer=(producer_id, epoch, sequence), transactional=True)


def marker(commit: bool = False) -> memoryview:
    return memoryview(build_marker(7, 0, commit=commit, coordinator_epoch=0, timestamp_ms=START_MS))


async def produce(
    broker: Broker,
    version: int = 10,
    transactional_id: str | None = "x",
    **batches: bytearray,
) -> list[PartitionProduceResponse]:
    """To the topics of these names, partition 0."""
    request = ProduceRequest(
        acks=1,
        transactional_id=transactional_id,
        topic_data=[
            TopicProduceData(
                name=name,
                partition_data=[PartitionProduceData(index=0, records=memoryview(records))],
            )
            for name, records in batches.items()
        ],
    )
    answer = await call(broker, request, version)
    assert isinstance(answer, ProduceResponse)
    of_topic = {topic.name: topic.partition_responses[0] for topic in answer.responses}
    return [of_topic[name] for name in batches]


async def ready(broker: Broker) -> Coordinator:
    """Topics t and u are led here; the coordinator answers at once."""
    await know(broker, partitions=[("t-0", 1, (1,)), ("u-0", 1, (1,))])
    await lead(broker, "t-0")
    await lead(broker, "u-0")
    broker.transactions.verifier = coordinator = Coordinator()
    coordinator.may_answer.set()
    return coordinator


def end_offset(broker: Broker, partition: str = "t-0") -> int:
    return broker.replicas.partitions[tp(partition)].log.log_end_offset


async def test_it_is_asked_once_a_transaction_and_partition(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        coordinator = await ready(broker)
        await produce(broker, t=transactional())
        first, second = await produce(broker, t=transactional(1), u=transactional())
        assert (first.error_code, second.error_code) == (0, 0)
        assert (first.base_offset, second.base_offset) == (1, 0)
        assert coordinator.asked == [("x", 7, 0, ["t-0"]), ("x", 7, 0, ["u-0"])]
        partition = broker.replicas.partitions[tp("t-0")]
        partition.append_as_leader(marker(commit=True), 1, 0.0, Origin.COORDINATOR)
        await produce(broker, t=transactional(2))
        assert len(coordinator.asked) == 3


async def test_others_are_not_asked_after(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        coordinator = await ready(broker)
        await produce(broker, t=make_batch(producer=(7, 0, 0)))
        broker.replicas.partitions[tp("u-0")].log.producers.config = attrs.evolve(
            broker.replicas.partitions[tp("u-0")].log.producers.config, verifies_transactions=False
        )
        [unverified] = await produce(broker, u=transactional())
        assert (unverified.error_code, coordinator.asked) == (0, [])


@pytest.mark.parametrize(
    ("says", "version", "heard"),
    [
        (ErrorCode.INVALID_TXN_STATE, 10, ErrorCode.INVALID_TXN_STATE),
        (ErrorCode.TRANSACTION_ABORTABLE, 10, ErrorCode.INVALID_TXN_STATE),
        (ErrorCode.TRANSACTION_ABORTABLE, 11, ErrorCode.TRANSACTION_ABORTABLE),
        (ErrorCode.INVALID_PRODUCER_ID_MAPPING, 10, ErrorCode.INVALID_PRODUCER_ID_MAPPING),
        (ErrorCode.CONCURRENT_TRANSACTIONS, 10, ErrorCode.NOT_ENOUGH_REPLICAS),
        (ErrorCode.NETWORK_EXCEPTION, 10, ErrorCode.NOT_ENOUGH_REPLICAS),
        (ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, 10, ErrorCode.NOT_ENOUGH_REPLICAS),
        (ErrorCode.COORDINATOR_NOT_AVAILABLE, 10, ErrorCode.NOT_ENOUGH_REPLICAS),
        (ErrorCode.NOT_COORDINATOR, 10, ErrorCode.NOT_ENOUGH_REPLICAS),
    ],
)
async def test_what_the_coordinator_has_against_it(
    tmp_path: Path, says: ErrorCode, version: int, heard: ErrorCode
) -> None:
    async with open_broker(tmp_path) as broker:
        coordinator = await ready(broker)
        coordinator.answers["t-0"] = says
        refused, appended = await produce(broker, version, t=transactional(), u=transactional())
        assert (refused.error_code, refused.base_offset, refused.log_start_offset) == (
            heard,
            -1,
            -1,
        )
        assert (appended.error_code, appended.base_offset) == (0, 0)
        assert end_offset(broker) == 0
        if heard is ErrorCode.NOT_ENOUGH_REPLICAS:
            assert (
                refused.error_message == "Unable to verify the partition has been added to the "
                f"transaction. Underlying error: {says.name}"
            )


async def test_what_came_too_late_holds_nobody_back(tmp_path: Path) -> None:
    """Refused for good, unlike what was refused for a reason that passes: that one comes again."""
    async with open_broker(tmp_path) as broker:
        coordinator = await ready(broker)
        coordinator.answers = {
            "t-0": ErrorCode.TRANSACTION_ABORTABLE,
            "u-0": ErrorCode.COORDINATOR_NOT_AVAILABLE,
        }
        await produce(broker, t=transactional(0), u=transactional(0))
        coordinator.answers = {}
        next_one, too_early = await produce(broker, t=transactional(10), u=transactional(10))
        assert next_one.error_code == 0
        assert too_early.error_code == ErrorCode.NOT_ENOUGH_REPLICAS
        assert end_offset(broker, "u-0") == 0


async def test_without_transactions_there_is_nobody_to_ask(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0")
        [refused] = await produce(broker, t=transactional())
        assert refused.error_code == ErrorCode.NOT_ENOUGH_REPLICAS


async def test_who_does_not_lead_asks_nobody(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        coordinator = await ready(broker)
        await lead(broker, "t-0", (1, 2), leader=2, leader_epoch=1)
        [refused] = await produce(broker, t=transactional())
        assert (refused.error_code, coordinator.asked) == (ErrorCode.NOT_LEADER_OR_FOLLOWER, [])


async def test_a_request_is_one_producers(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        coordinator = await ready(broker)
        both = await produce(broker, t=transactional(), u=transactional(producer_id=8))
        assert {each.error_code for each in both} == {ErrorCode.INVALID_PRODUCER_ID_MAPPING}
        assert coordinator.asked == []


async def test_one_without_a_transactional_id_is_refused(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        coordinator = await ready(broker)
        [refused] = await produce(broker, transactional_id=None, t=transactional())
        assert refused.error_code == ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
        assert coordinator.asked == []


async def test_what_is_no_batch_is_refused_by_itself(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        coordinator = await ready(broker)
        two = transactional() + transactional(1)
        refused, appended = await produce(broker, t=two, u=transactional())
        assert (refused.error_code, appended.error_code) == (ErrorCode.INVALID_RECORD, 0)
        assert coordinator.asked == [("x", 7, 0, ["u-0"])]


async def test_the_transaction_ends_while_the_coordinator_is_asked(tmp_path: Path) -> None:
    """The coordinator says yes, aborts, and the marker arrives before its answer."""
    async with open_broker(tmp_path) as broker:
        coordinator = await ready(broker)
        coordinator.may_answer = trio.Event()
        answers: list[PartitionProduceResponse] = []

        async def send() -> None:
            answers.extend(await produce(broker, t=transactional()))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(send)
            await wait_all_tasks_blocked()
            partition = broker.replicas.partitions[tp("t-0")]
            partition.append_as_leader(marker(), 1, 0.0, Origin.COORDINATOR)
            coordinator.may_answer.set()
        assert [answer.error_code for answer in answers] == [ErrorCode.INVALID_TXN_STATE]
        assert partition.last_stable_offset == end_offset(broker) == 1


async def test_what_follows_a_refused_batch_is_refused_like_it(tmp_path: Path) -> None:
    """Or it would be in the log before it, and make it out of order for good."""
    async with open_broker(tmp_path) as broker:
        coordinator = await ready(broker)
        coordinator.answers["t-0"] = ErrorCode.NOT_COORDINATOR
        await produce(broker, t=transactional())
        del coordinator.answers["t-0"]
        [second] = await produce(broker, t=transactional(1))
        assert second.error_code == ErrorCode.NOT_ENOUGH_REPLICAS
        for sequence in (0, 1):
            [sent_again] = await produce(broker, t=transactional(sequence))
            assert (sent_again.error_code, sent_again.base_offset) == (0, sequence)
