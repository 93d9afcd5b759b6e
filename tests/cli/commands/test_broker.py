"""`broker sessions` over the store in memory."""

import pytest

from cli.commands.broker.sessions import broker_sessions
from cli.commands.options import Failure
from coordination.memory_store import MemoryStore
from tests.cli.commands.test_controller import BROKER, CONTROLLER, filled


async def test_whose_session_is_whose() -> None:
    store = MemoryStore()
    asking, one, two = [await store.open_session() for _ in range(3)]
    with pytest.raises(Failure, match="no /kafka/brokers/ids: no Kafka cluster was here"):
        await broker_sessions(asking, "/kafka")
    await filled(asking, {"/kafka/brokers/ids": b""})
    await one.create("/kafka/brokers/ids/10", BROKER, ephemeral=True)
    await two.create("/kafka/brokers/ids/2", BROKER, ephemeral=True)
    await one.create("/kafka/controller", CONTROLLER, ephemeral=True)
    found = await broker_sessions(asking, "/kafka")
    assert [
        (each.registration and each.registration.broker_id, each.session_id, each.is_controller)
        for each in found
    ] == [(2, two.session_id, False), (10, one.session_id, True)]
    await one.delete("/kafka/brokers/ids/10")
    last = (await broker_sessions(asking, "/kafka"))[-1]
    assert (last.registration, last.session_id, last.is_controller) == (None, one.session_id, True)
