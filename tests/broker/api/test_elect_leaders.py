"""ElectLeaders on a broker whose controller is played by the test."""

from pathlib import Path

import trio
import trio.testing

from broker.wire.errors import ErrorCode
from broker.wire.messages.elect_leaders import ElectLeadersRequest, TopicPartitions
from coordination.controller.context import ControllerContext
from coordination.controller.inbox import Inbox, Question
from coordination.controller.requests import (
    ElectLeaders,
    KafkaErrorName,
    LeadersElected,
    Refusal,
)
from coordination.controller.runner import ActiveController
from coordination.values import TopicPartition
from tests.broker.support import call, know, open_broker, tp

NOT_NEEDED = Refusal(KafkaErrorName.ELECTION_NOT_NEEDED)
Result = dict[TopicPartition, int | Refusal]
Answer = dict[str, tuple[ErrorCode, str | None]]


def asked(*partitions: str, election_type: int = 0, timeout_ms: int = 1000) -> ElectLeadersRequest:
    return ElectLeadersRequest(
        election_type=election_type,
        topic_partitions=[
            TopicPartitions(topic=tp(each).topic, partitions=[tp(each).partition])
            for each in partitions
        ],
        timeout_ms=timeout_ms,
    )


async def ask(
    directory: Path,
    request: ElectLeadersRequest,
    result: Result | None,
    *,
    led_by: int = 2,
    then_led_by: int | None = None,
) -> tuple[ElectLeaders | None, Answer]:
    """What the controller was asked (None: this broker is none), and what was answered."""
    question: ElectLeaders | None = None
    async with open_broker(directory) as broker, trio.open_nursery() as nursery:
        leaders = [("t-0", led_by, (1, 2)), ("t-1", 1, (1, 2))]
        await know(broker, partitions=leaders)

        async def controller(inbox: Inbox, result: Result) -> None:
            nonlocal question
            item = await inbox.take()
            assert isinstance(item, Question)
            assert isinstance(item.request, ElectLeaders)
            question = item.request
            item.answer(LeadersElected(result))
            await trio.testing.wait_all_tasks_blocked()
            if then_led_by is not None:
                await know(broker, partitions=[("t-0", then_led_by, (1, 2))], leader_epoch=1)

        if result is not None:
            inbox = Inbox()
            broker.controller.active = ActiveController(ControllerContext(1, 1, 1), inbox)
            nursery.start_soon(controller, inbox, result)
        answer = await call(broker, request, 2)
        nursery.cancel_scope.cancel()
    return question, {
        f"{topic.topic}-{each.partition_id}": (ErrorCode.of(each.error_code), each.error_message)
        for topic in answer.replica_election_results
        for each in topic.partition_result
    }


async def test_answered_when_the_metadata_shows_it(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    question, answer = await ask(tmp_path, asked("t-0"), {tp("t-0"): 1}, then_led_by=1)
    assert question == ElectLeaders([tp("t-0")], unclean=False)
    assert answer == {"t-0": (ErrorCode.NONE, None)}
    assert trio.current_time() < 1


async def test_or_when_the_time_is_over(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    began = trio.current_time()
    _, answer = await ask(tmp_path, asked("t-0", timeout_ms=3000), {tp("t-0"): 1})
    assert answer == {"t-0": (ErrorCode.REQUEST_TIMED_OUT, None)}
    assert 3 <= trio.current_time() - began < 4


async def test_refusals_are_kafkas_errors(tmp_path: Path) -> None:
    refused = Refusal(KafkaErrorName.UNKNOWN_TOPIC_OR_PARTITION, "The partition does not exist.")
    result: Result = {tp("t-0"): NOT_NEEDED, tp("u-3"): refused}
    question, answer = await ask(tmp_path, asked("t-0", "u-3", election_type=1), result)
    assert question == ElectLeaders([tp("t-0"), tp("u-3")], unclean=True)
    assert answer == {
        "t-0": (ErrorCode.ELECTION_NOT_NEEDED, ErrorCode.ELECTION_NOT_NEEDED.message),
        "u-3": (ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, "The partition does not exist."),
    }


async def test_of_all_partitions_those_that_need_none_are_left_out(tmp_path: Path) -> None:
    everything = ElectLeadersRequest(topic_partitions=None, timeout_ms=1000)
    result: Result = {tp("t-0"): 1, tp("t-1"): NOT_NEEDED}
    question, answer = await ask(tmp_path, everything, result, led_by=1)
    assert question is not None
    assert sorted(question.partitions) == [tp("t-0"), tp("t-1")]
    assert answer == {"t-0": (ErrorCode.NONE, None)}


async def test_only_the_controller_elects(tmp_path: Path) -> None:
    _, answer = await ask(tmp_path, asked("t-0", "u-1"), None)
    assert answer == {
        "t-0": (ErrorCode.NOT_CONTROLLER, None),
        "u-1": (ErrorCode.NOT_CONTROLLER, None),
    }


async def test_an_unknown_type_of_election(tmp_path: Path) -> None:
    _, answer = await ask(tmp_path, asked("t-0", election_type=2), None)
    assert [code for code, _ in answer.values()] == [ErrorCode.UNKNOWN_SERVER_ERROR]
