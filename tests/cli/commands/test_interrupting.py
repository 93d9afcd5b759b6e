"""Ctrl-C in the middle of a change: exit code 130, and a line that says what was done by then."""

import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from broker.wire.apis import API_TABLE, ApiKey
from broker.wire.messages.alter_partition_reassignments import AlterPartitionReassignmentsRequest
from broker.wire.messages.create_topics import CreateTopicsRequest
from broker.wire.messages.delete_groups import (
    DeletableGroupResult,
    DeleteGroupsRequest,
    DeleteGroupsResponse,
)
from broker.wire.messages.delete_topics import DeleteTopicsRequest
from broker.wire.messages.init_producer_id import InitProducerIdRequest
from broker.wire.messages.metadata import MetadataRequest
from broker.wire.messages.offset_commit import OffsetCommitRequest, OffsetCommitRequestTopic
from cli.client import Address, Changes
from tests.cli.commands.canned import Canned, topic
from tests.support.fake_broker import HANG_UP, SILENT
from tests.support.terminal import Terminal, on_terminal

ADDRESS = Address("b1", 9092)


def test_what_was_done_and_what_may_have_been() -> None:
    changes = Changes()
    assert str(changes) == "nothing was changed"
    with changes.asking(API_TABLE[ApiKey.METADATA], MetadataRequest(), ADDRESS):
        pass
    commit = OffsetCommitRequest(group_id="g", topics=[OffsetCommitRequestTopic(name="t")])
    with changes.asking(API_TABLE[ApiKey.OFFSET_COMMIT], commit, ADDRESS):
        pass
    assert str(changes) == "answered: OffsetCommit of g, t at b1:9092"
    fence = InitProducerIdRequest(transactional_id="pay")
    with changes.asking(API_TABLE[ApiKey.INIT_PRODUCER_ID], fence, ADDRESS):
        pass
    with (
        pytest.raises(KeyboardInterrupt),
        changes.asking(API_TABLE[ApiKey.CREATE_TOPICS], CreateTopicsRequest(), ADDRESS),
    ):
        raise KeyboardInterrupt
    assert str(changes) == (
        "answered: OffsetCommit of g, t at b1:9092, InitProducerId of pay at b1:9092; "
        "without an answer, maybe done: CreateTopics sent to b1:9092"
    )


def test_a_line_is_not_too_long() -> None:
    changes = Changes()
    for number in range(9):
        commit = OffsetCommitRequest(group_id=f"g{number}")
        with changes.asking(API_TABLE[ApiKey.OFFSET_COMMIT], commit, ADDRESS):
            pass
    assert str(changes).endswith("OffsetCommit of g4 at b1:9092 and 4 more")


def silent_at(canned: Canned, request: type) -> threading.Event:
    """To a request of this kind there's no answer; set when one has come."""
    asked = threading.Event()

    def say(_request: object) -> object:
        asked.set()
        return SILENT

    canned.answers(request, say)
    return asked


def interrupted(canned: Canned, asked: threading.Event, arguments: Sequence[str]) -> str:
    """Run the command on a terminal until it has asked, and press Ctrl-C; its last line."""
    program = str(Path(sys.executable).with_name("zbroker-admin"))
    with on_terminal([program, *arguments, "-b", str(canned.broker.address)]) as terminal:
        assert asked.wait(30), terminal.seen
        terminal.type("\x03")
        assert ended(terminal) == 130
        return terminal.seen.strip().splitlines()[-1].removeprefix("^C")  # its echo


def ended(terminal: Terminal) -> int:
    code = terminal.exit_code()
    assert "Traceback" not in terminal.seen
    return code


@pytest.mark.long  # each of them a start of Python
def test_before_anything_is_changed(canned: Canned) -> None:
    asked = silent_at(canned, MetadataRequest)
    last = interrupted(canned, asked, ["topic", "delete", "--topic", ".*"])
    assert last == "Error: interrupted: nothing was changed"


@pytest.mark.long
def test_a_request_on_its_way(canned: Canned) -> None:
    asked = silent_at(canned, DeleteTopicsRequest)
    last = interrupted(canned, asked, ["topic", "delete", "orders", "payments"])
    assert last == (
        "Error: interrupted: without an answer, maybe done: "
        f"DeleteTopics of orders, payments sent to {canned.broker.address}"
    )


@pytest.mark.long
def test_a_plan_that_was_begun(canned: Canned) -> None:
    canned.topics.append(topic("t", (1, [1], [1])))
    asked = silent_at(canned, AlterPartitionReassignmentsRequest)
    plan = str(Path(__file__).with_name("plan.json"))
    last = interrupted(
        canned, asked, ["partition", "reassign", "execute", "--reassignment-json-file", plan]
    )
    assert "maybe done: AlterPartitionReassignments of t sent to" in last


@pytest.mark.long
def test_watching_ends_without_a_complaint(canned: Canned) -> None:
    canned.topics.append(topic("t", (1, [1], [1])))
    program = str(Path(sys.executable).with_name("zbroker-admin"))
    command = [program, "topic", "list", "--watch=0.1", "-b", str(canned.broker.address)]
    with on_terminal(command) as terminal:
        terminal.wait_for("Ctrl-C ends it")
        terminal.wait_for("every 0.1 s")
        terminal.type("\x03")
        assert ended(terminal) == 0
        assert "Error" not in terminal.seen


def test_a_broker_that_is_gone(canned: Canned) -> None:
    """What was answered before is told, too, and that the rest may have been done."""
    canned.topics = [topic("t", (1, [1], [1]))]

    def once(request: DeleteGroupsRequest) -> object:
        if len(canned.asked(DeleteGroupsRequest)) > 1:
            return HANG_UP
        return DeleteGroupsResponse(
            results=[DeletableGroupResult(group_id=each) for each in request.groups_names]
        )

    canned.answers(DeleteGroupsRequest, once)
    result = canned.admin("group", "delete", "g", "h")
    assert result.exit_code == 3
    address = canned.broker.address
    assert result.stderr.splitlines()[-1].endswith(
        f"; answered: DeleteGroups of g at {address}; "
        f"without an answer, maybe done: DeleteGroups of h sent to {address}"
    )


def test_a_change_without_a_request() -> None:
    changes = Changes()
    changes.note("deletion of /controller")
    assert str(changes) == "answered: deletion of /controller"
