"""`partition epochs` against canned answers; on a cluster: tests/interop/test_admin_epochs.py."""

from collections.abc import Iterator, Mapping

import pytest

from broker.wire.errors import ErrorCode
from broker.wire.messages.fetch import (
    EpochEndOffset,
    FetchableTopicResponse,
    FetchRequest,
    FetchResponse,
    PartitionData,
)
from broker.wire.messages.list_offsets import (
    ListOffsetsPartitionResponse,
    ListOffsetsRequest,
    ListOffsetsResponse,
    ListOffsetsTopicResponse,
)
from tests.cli.commands.canned import Canned, invoke, topic

LOG_END = 90
EPOCHS = ("partition", "epochs", "orders:0")


class Replicas:
    """One after the other answers: the next one with the question that each is asked first.

    Each has where its epochs begin, or the code that it refuses with.
    """

    def __init__(self, *replicas: Mapping[int, int] | ErrorCode) -> None:
        self._next: Iterator[Mapping[int, int] | ErrorCode] = iter(replicas)
        self._starts: Mapping[int, int] = {}

    def earliest(self, request: ListOffsetsRequest) -> ListOffsetsResponse:
        assert request.replica_id == -2, "a follower answers nobody else"
        now = next(self._next)
        answer = ListOffsetsPartitionResponse(partition_index=0)
        if isinstance(now, ErrorCode):
            answer.error_code = now
        else:
            self._starts = now
            answer.leader_epoch, answer.offset = min(now.items())
        return ListOffsetsResponse(
            topics=[ListOffsetsTopicResponse(name="orders", partitions=[answer])]
        )

    def fetch(self, request: FetchRequest) -> FetchResponse:
        assert (request.replica_id, request.session_epoch, request.max_wait_ms) == (-1, -1, 0)
        (wanted,) = request.topics
        (asked,) = wanted.partitions
        assert asked.fetch_offset > LOG_END
        epoch = asked.last_fetched_epoch
        data = PartitionData(partition_index=0, records=b"")
        if epoch > max(self._starts):
            data.error_code = ErrorCode.OFFSET_OUT_OF_RANGE
        else:
            data.diverging_epoch = EpochEndOffset(
                epoch=max((each for each in self._starts if each <= epoch), default=epoch),
                end_offset=min(
                    (start for each, start in self._starts.items() if each > epoch),
                    default=LOG_END,
                ),
            )
        return FetchResponse(
            responses=[FetchableTopicResponse(topic_id=wanted.topic_id, partitions=[data])]
        )


@pytest.fixture(autouse=True)
def partitions(canned: Canned) -> None:
    canned.broker_ids = (1, 2)
    canned.topics = [topic("orders", (1, [1, 2], [1, 2]))]


def have(canned: Canned, *replicas: Mapping[int, int] | ErrorCode) -> None:
    told = Replicas(*replicas)
    canned.answers(ListOffsetsRequest, told.earliest)
    canned.answers(FetchRequest, told.fetch)


def rows(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_side_by_side(canned: Canned) -> None:
    have(canned, {0: 0, 3: 40}, {0: 0, 3: 40})
    done = canned.admin(*EPOCHS)
    assert (done.exit_code, done.stderr) == (0, "")
    assert rows(done.stdout) == [
        ["EPOCH", "AGREE", "LEADER-1", "FOLLOWER-2"],
        ["0", "yes", "0", "0"],
        ["3", "yes", "40", "40"],
    ]
    have(canned, {0: 0, 3: 40}, {0: 0, 2: 38})
    assert rows(canned.admin(*EPOCHS, "-o", "wide").stdout)[1:] == [
        ["0", "no", "[0,40)", "[0,38)"],
        ["2", "no", "-", "[38,90)"],
        ["3", "no", "[40,90)", "-"],
    ]
    have(canned, {0: 0, 3: 40}, {0: 0, 2: 38})
    (facts,) = canned.facts(*EPOCHS)["partitions"]
    assert (facts["leader"], facts["leader_epoch"], facts["agree"]) == (1, 3, False)
    assert [each["epoch"] for each in facts["epochs"]] == [0, 2, 3]
    assert facts["replicas"][1] == {
        "broker": 2,
        "epochs": [
            {"epoch": 0, "start_offset": 0, "end_offset": 38},
            {"epoch": 2, "start_offset": 38, "end_offset": 90},
        ],
        "error": None,
    }
    have(canned, {0: 0, 3: 40}, {0: 0})
    named = canned.admin(
        "partition", "epochs", "--topic", "orders", "--partition", "0", "-o", "name"
    )
    assert named.stdout == "0\n3\n"


def test_a_replica_that_does_not_answer(canned: Canned) -> None:
    have(canned, {0: 0}, ErrorCode.KAFKA_STORAGE_ERROR)
    partly = canned.admin(*EPOCHS)
    assert partly.exit_code == 3
    assert partly.stderr == "Error: orders-0 on broker 2: KAFKA_STORAGE_ERROR\n"
    assert rows(partly.stdout)[1:] == [["0", "yes", "0", "-"]]
    canned.broker_ids = (1,)
    have(canned, {0: 0})
    (facts,) = canned.facts(*EPOCHS, exit_code=3)["partitions"]
    assert facts["replicas"][1] == {"broker": 2, "epochs": [], "error": "BROKER_NOT_AVAILABLE"}
    have(canned, ErrorCode.NOT_LEADER_OR_FOLLOWER)
    nothing = canned.admin(*EPOCHS)
    assert nothing.exit_code == 1
    assert nothing.stderr == (
        "Error: orders-0 on broker 1: NOT_LEADER_OR_FOLLOWER; "
        "orders-0 on broker 2: BROKER_NOT_AVAILABLE\n"
    )


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (FetchResponse(error_code=ErrorCode.UNKNOWN_TOPIC_ID), "UNKNOWN_TOPIC_ID"),
        (FetchResponse(throttle_time_ms=1000), "THROTTLING_QUOTA_EXCEEDED"),
        (
            FetchResponse(
                responses=[
                    FetchableTopicResponse(
                        partitions=[PartitionData(error_code=ErrorCode.TOPIC_AUTHORIZATION_FAILED)]
                    )
                ]
            ),
            "TOPIC_AUTHORIZATION_FAILED",
        ),
    ],
)
def test_a_refused_question(canned: Canned, answer: FetchResponse, error: str) -> None:
    have(canned, {0: 0}, {0: 0})
    canned.answers(FetchRequest, answer)
    (facts,) = canned.facts(*EPOCHS, exit_code=1)["partitions"]
    assert [each["error"] for each in facts["replicas"]] == [error, error]


def test_what_is_not_there(canned: Canned) -> None:
    for name in ("orders:9", "nothing:0"):
        result = canned.admin("partition", "epochs", name)
        assert result.exit_code == 1
        where = name.replace(":", "-")
        assert result.stderr == f"Error: {where}: UNKNOWN_TOPIC_OR_PARTITION\n"
    for wrong in (["orders"], ["orders:x"], ["orders:0,1"], [], ["--topic", "orders"]):
        assert invoke("partition", "epochs", *wrong).exit_code == 2
