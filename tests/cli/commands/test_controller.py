"""`controller` over the store in memory, with Kafka 3.9's documents, and over traces."""

import json
from pathlib import Path

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from broker.events import EventLog
from cli.commands.controller.move import depose, next_controller
from cli.commands.controller.show import Elected, elected
from cli.commands.options import Failure
from coordination.memory_store import MemoryStore
from coordination.store import Session
from tests.cli.commands.canned import check_schema, invoke

CONTROLLER = b'{"version":2,"brokerid":1,"timestamp":"1795332305804","kraftControllerEpoch":-1}'
BROKER = (
    b'{"features":{},"listener_security_protocol_map":{"PLAINTEXT":"PLAINTEXT"},'
    b'"endpoints":["PLAINTEXT://127.0.0.1:9092"],"jmx_port":-1,"port":9092,'
    b'"host":"127.0.0.1","version":5,"timestamp":"1795332306538"}'
)


async def filled(session: Session, documents: dict[str, bytes]) -> None:
    for path, data in documents.items():
        parent = ""
        for part in path.split("/")[1:-1]:
            parent += "/" + part
            if await session.exists(parent) is None:
                await session.create(parent)
        await session.create(path, data)


async def test_who_is_elected() -> None:
    session = await MemoryStore().open_session()
    assert await elected(session, "/kafka") is None
    await filled(session, {"/kafka/controller": CONTROLLER, "/kafka/controller_epoch": b"7"})
    assert await elected(session, "/kafka") == Elected(1, None, 1795332305804, 7)
    await filled(session, {"/kafka/brokers/ids/1": BROKER})
    found = await elected(session, "/kafka")
    assert found is not None
    assert found.address == "127.0.0.1:9092"


async def test_a_document_that_cannot_be_read() -> None:
    session = await MemoryStore().open_session()
    await filled(session, {"/controller": b"{", "/controller_epoch": b"7"})
    with pytest.raises(Failure, match="/controller"):
        await elected(session, "")


async def test_only_the_controller_of_that_epoch_is_deposed() -> None:
    session = await MemoryStore().open_session()
    await filled(session, {"/kafka/controller": CONTROLLER, "/kafka/controller_epoch": b"7"})
    with pytest.raises(Failure, match="another controller has been elected meanwhile"):
        await depose(session, "/kafka", 6)
    await depose(session, "/kafka", 7)
    assert await elected(session, "/kafka") is None
    with pytest.raises(Failure, match="another controller has been elected meanwhile"):
        await depose(session, "/kafka", 7)  # somebody else has deleted it


async def test_the_next_controller_is_waited_for(nursery: trio.Nursery) -> None:
    session = await MemoryStore().open_session()
    await filled(session, {"/controller": CONTROLLER, "/controller_epoch": b"7"})
    await depose(session, "", 7)
    found: list[Elected] = []

    async def wait() -> None:
        found.append(await next_controller(session, "", 7))

    nursery.start_soon(wait)
    await wait_all_tasks_blocked()
    assert found == []
    await session.set("/controller_epoch", b"8")
    await session.create("/controller", CONTROLLER)
    await wait_all_tasks_blocked()
    assert [each.epoch for each in found] == [8]


def trace_of(directory: Path, broker_id: int) -> EventLog:
    seconds = iter(range(1000 + broker_id, 9999))
    clock = seconds.__next__
    return EventLog(
        broker_id,
        directory / f"events-{broker_id}.jsonl",
        life=f"life{broker_id}",
        wall_clock=lambda: 0.0 + clock(),
        monotonic_clock=lambda: 0.0,
    )


def test_the_history_of_three_terms_and_of_one_that_nobody_wrote_down(tmp_path: Path) -> None:
    """1 is deposed, 2 is killed, the next one is a real Kafka broker, then comes 1 again."""
    one, two = trace_of(tmp_path, 1), trace_of(tmp_path, 2)
    began = one("controller.elected", broker_id=1, controller_epoch=4)
    one("controller.resigned", cause=began, broker_id=1, controller_epoch=4, reason="deposed")
    two("controller.elected", broker_id=2, controller_epoch=5)
    one("controller.elected", broker_id=1, controller_epoch=7)
    one.close()
    two.close()
    files = [str(tmp_path / f"events-{number}.jsonl") for number in (1, 2)]
    told = invoke("controller", "history", *files, "-o", "json")
    facts = json.loads(told.stdout)
    check_schema(("controller", "history"), facts)
    assert [(each["epoch"], each["broker_id"], each["ended"]) for each in facts["terms"]] == [
        (4, 1, "deposed"),
        (5, 2, None),
        (7, 1, None),
    ]
    assert told.stderr == "no trace tells of epochs 6: of another broker, maybe a real Kafka\n"
    rows = invoke("controller", "history", *files).stdout.splitlines()
    assert [line.split(maxsplit=4)[4] for line in rows[1:]] == [
        "/controller was deleted",
        "without a word: killed, or cut off",
        "-",
    ]


def test_no_history(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").touch()
    result = invoke("controller", "history", str(tmp_path))
    assert result.exit_code == 1
    assert result.stderr == (
        "Error: no trace tells of an election: only zbroker's brokers write one\n"
    )
