"""An ensemble that is watched over HTTP: what the brokers tell of themselves as things happen."""

from pathlib import Path

import pytest
import trio

from broker.network.transport import Transport
from tests.broker.monitoring.reading import Read, read, value
from tests.simulation.ensemble import Ensemble, host_of
from tests.simulation.looking import T0
from tests.simulation.stage import Stage, play

HTTP_PORT = 9404
OF_REPLICAS = "kafka_server_replicamanager_"


async def start(ensemble: Ensemble, *broker_ids: int) -> None:
    for broker_id in broker_ids:
        ensemble.properties["http.listener"] = f"HTTP://{host_of(broker_id)}:{HTTP_PORT}"
        await ensemble.start(broker_id)


async def asked(ensemble: Ensemble, broker_id: int, path: str) -> Transport:
    connection = await ensemble.network.connect("prometheus", host_of(broker_id), HTTP_PORT)
    await connection.send([f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()])
    return connection


async def get(ensemble: Ensemble, broker_id: int, path: str) -> tuple[int, bytes]:
    """Status and body."""
    connection = await asked(ensemble, broker_id, path)
    said, buffer = b"", memoryview(bytearray(65536))
    while size_bytes := await connection.receive_into(buffer):
        said += buffer[:size_bytes]
    connection.close()
    head, _, body = said.partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]), body


async def scrape(ensemble: Ensemble, broker_id: int) -> dict[str, Read]:
    status, body = await get(ensemble, broker_id, "/metrics")
    assert status == 200
    return read(body)


@pytest.mark.long
def test_a_death_is_seen_in_the_survivors_figures(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        ensemble = stage.ensemble
        await start(ensemble, 1, 2, 3)
        await stage.topic((1, 2, 3))
        for text in ("a", "b", "c"):
            assert (await stage.client.produce(T0, text)).error == 0
        controllers = "kafka_controller_kafkacontroller_activecontrollercount"
        told = {broker_id: await scrape(ensemble, broker_id) for broker_id in (1, 2, 3)}
        assert [value(told[broker_id], controllers) for broker_id in (1, 2, 3)] == [1, 0, 0]
        messages_in = "kafka_server_brokertopicmetrics_messagesin_total"
        assert value(told[1], messages_in, topic="t") == 3
        assert value(told[2], messages_in, topic="t") == 0
        copied = "kafka_server_brokertopicmetrics_replicationbytesin_total"
        assert value(told[2], copied) == value(told[3], copied) > 0
        assert value(told[1], OF_REPLICAS + "underreplicatedpartitions") == 0
        requests = told[1]["kafka_network_requestmetrics_requests_total"].samples
        names = {dict(labels)["request"] for _, labels in requests}
        assert {"Produce", "FetchFollower", "UpdateMetadata", "LeaderAndIsr"} <= names

        await ensemble.crash(1)
        await ensemble.until(
            lambda: any(broker.replicas.leading() for broker in ensemble.brokers()),
            "another broker leads",
        )
        told = {broker_id: await scrape(ensemble, broker_id) for broker_id in (2, 3)}
        for name in ("underreplicatedpartitions", "leadercount"):
            assert sum(value(each, OF_REPLICAS + name) for each in told.values()) == 1
        assert sum(value(each, controllers) for each in told.values()) == 1
        elections = "zbroker_leader_elections_total"
        assert sum(len(each[elections].samples) for each in told.values()) == 1

    play(story, tmp_path)


def test_a_broker_without_a_session_is_healthy_but_not_ready(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        ensemble = stage.ensemble
        await start(ensemble, 1)
        assert await get(ensemble, 1, "/readyz") == (200, b"ok\n")
        ensemble.store.available = False
        ensemble.expire(1)
        await trio.sleep(1)
        assert await get(ensemble, 1, "/readyz") == (503, b"not registered in ZooKeeper\n")
        assert await get(ensemble, 1, "/healthz") == (200, b"ok\n")
        ensemble.store.available = True
        await trio.sleep(10)
        assert await get(ensemble, 1, "/readyz") == (200, b"ok\n")
        told = await scrape(ensemble, 1)
        assert value(told, "zbroker_events_total", kind="session.lost") == 1
        of_zookeeper = "kafka_server_zookeeperclientmetrics_zookeeperrequestlatencyms"
        assert value(told, of_zookeeper, "_count") > 10

    play(story, tmp_path)


def test_a_broker_that_stops_waits_for_no_reader(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        ensemble = stage.ensemble
        await start(ensemble, 1)
        reader = await asked(ensemble, 1, "/events")
        await reader.receive_into(memoryview(bytearray(100)))
        await ensemble.stop(1)
        with pytest.raises(ConnectionRefusedError):
            await get(ensemble, 1, "/healthz")

    play(story, tmp_path)
