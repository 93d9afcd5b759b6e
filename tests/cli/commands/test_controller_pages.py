"""`controller queue` and `state-machines`: which broker is asked, and its answer in words."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from broker.monitoring.controller_pages import queue_page, states_page
from broker.monitoring.http import Page, Request
from cli.client import Address
from cli.commands.controller.asking import controller_page
from cli.commands.controller.queue import answer_of as queue_answer
from cli.commands.controller.state_machines import answer_of as states_answer
from cli.commands.failure import Exit, Failure
from cli.commands.output import JSON_VERSION, Answer, Table
from coordination.controller.events import BrokersChanged
from coordination.controller.inbox import Inbox
from coordination.controller.runner import ActiveController
from tests.broker.monitoring.test_controller_pages import known
from tests.cli.client.test_server_sent import serving
from tests.cli.commands.canned import check_schema, invoke
from tests.support.ports import free_port

QUEUE: dict[str, Any] = {
    "broker": 1,
    "epoch": 5,
    "under_way": {"event": "TopicsChanged", "broker": None, "command": None, "ms": 4000},
    "waiting_count": 3,
    "waiting": [
        {"event": "AlterPartition", "broker": None, "command": None},
        {"event": "CommandAnswered", "broker": 2, "command": "StopReplica"},
    ],
    "brokers": [
        {"broker": 1, "waiting_count": 0, "asked": None, "ms": None, "attempts": None},
        {"broker": 2, "waiting_count": 7, "asked": "LeaderAndIsr", "ms": 2000, "attempts": 12},
    ],
}


def rows(answer: Answer) -> list[list[object]]:
    [table] = [each for each in answer.text if isinstance(each, Table)]
    return [list(row) for row in table.rows]


def lines(answer: Answer) -> list[str]:
    return [each for each in answer.text if isinstance(each, str)]


@asynccontextmanager
async def brokers(*pages: Page) -> AsyncIterator[list[Address]]:
    """One for each page, that has it at every path, and one more that is down."""

    async with AsyncExitStack() as stack:
        found = [await stack.enter_async_context(serving(always(page))) for page in pages]
        yield [*found, Address("127.0.0.1", free_port())]


def always(page: Page) -> Callable[[Request], Awaitable[Page]]:
    async def answer_to(_request: Request) -> Page:
        return page

    return answer_to


def term(epoch: int) -> Page:
    return Page(json.dumps({"epoch": epoch}).encode())


async def test_of_two_who_answer_the_later_one_is_the_controller() -> None:
    async with brokers(queue_page(None), term(7), term(6)) as addresses:
        assert await controller_page(addresses, "/controller/queue") == {"epoch": 7}


async def test_no_controller_among_them() -> None:
    async with brokers(queue_page(None), queue_page(None)) as addresses:
        with pytest.raises(Failure, match="none of these brokers is the controller; no conn") as e:
            await controller_page(addresses, "/controller/queue")
    assert e.value.exit_code == Exit.NOT_MET


@pytest.mark.parametrize(
    ("page", "why"),
    [
        (Page(b"no\n", status=404), "/controller/queue answers 404"),
        (Page(b"<html>"), "/controller/queue is not a broker's page"),
        (Page(b"[]"), "/controller/queue is not a broker's page"),
        (Page(b"{}"), "/controller/queue is not a broker's page"),
    ],
)
async def test_who_is_no_broker(page: Page, why: str) -> None:
    async with brokers(page) as addresses:
        with pytest.raises(Failure, match=why) as raised:
            await controller_page(addresses, "/controller/queue")
    assert raised.value.exit_code == Exit.ERROR


@pytest.mark.parametrize("verb", ["queue", "state-machines"])
def test_nobody_there(verb: str) -> None:
    address = f"127.0.0.1:{free_port()}"
    result = invoke("controller", verb, "--http", address)
    assert result.exit_code == Exit.ERROR
    assert result.stdout == ""
    assert result.stderr == f"Error: no connection to {address}: Connection refused\n"
    assert invoke("controller", verb).exit_code == Exit.USAGE


def test_the_queue_in_words() -> None:
    answer = queue_answer(QUEUE)
    assert lines(answer) == [
        "Controller: broker 1, epoch 5",
        "Under way: TopicsChanged, for 4000 ms",
        "Waiting: 3: AlterPartition, CommandAnswered (StopReplica, by broker 2), and 1 more",
    ]
    assert rows(answer) == [
        [1, 0, None, None, None],
        [2, 7, "LeaderAndIsr", "2000 ms", "12x"],
    ]
    idle = queue_answer({**QUEUE, "under_way": None, "waiting_count": 0, "waiting": []})
    assert lines(idle)[1:] == ["Under way: nothing", "Waiting: nothing"]
    check_schema(("controller", "queue"), {"v": JSON_VERSION, **QUEUE})


async def test_the_brokers_page_fits_the_schema() -> None:
    inbox = Inbox()
    inbox.put_hint(BrokersChanged())
    await inbox.take()
    controller = ActiveController(known(), inbox)
    for verb, page in (
        ("queue", queue_page(controller)),
        ("state-machines", await states_page(controller)),
    ):
        check_schema(("controller", verb), {"v": JSON_VERSION, **json.loads(page.body)})


async def states() -> Any:
    return json.loads((await states_page(ActiveController(known(), Inbox()))).body)


async def test_the_states_in_words() -> None:
    answer = states_answer(await states(), (), not_online=False)
    assert lines(answer) == ["Controller: broker 1, epoch 5", "Deletion: u: wanted"]
    assert rows(answer) == [
        ["t-0", "OnlinePartition", 1, 3, "1", "OnlineReplica 1; OfflineReplica 2"],
        ["u-0", "NonExistentPartition", None, None, None, "NonExistentReplica 2"],
    ]
    assert rows(states_answer(await states(), ("u",), not_online=False))[0][0] == "u-0"
    with pytest.raises(Failure, match="the controller knows no topic v"):
        states_answer(await states(), ("t", "v"), not_online=False)


async def test_only_what_is_not_online() -> None:
    document = await states()
    document["topics"][0]["partitions"][0]["replicas"][1]["state"] = "OnlineReplica"
    answer = states_answer(document, (), not_online=True)
    assert [row[0] for row in rows(answer)] == ["u-0"]
    assert answer.facts["topics"] == document["topics"][1:]
