"""`controller show` over the store in memory, with documents as Kafka 3.9 writes them."""

import pytest

from cli.commands.controller.show import Elected, elected
from cli.commands.options import Failure
from coordination.memory_store import MemoryStore
from coordination.store import Session

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
