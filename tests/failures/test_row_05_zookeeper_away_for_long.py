"""Row 5: ZooKeeper can't be reached for so long that no new session can be made; the broker limps.

Source: KAFKA-5473 (https://github.com/apache/kafka/pull/3990): stock Kafka gave up after a
while and went on without a session for ever.

Provoked by ten minutes without ZooKeeper, on the mock clock: for the keeper of sessions and for a
whole broker, which must serve meanwhile. And with a real ZooKeeper for longer than a session: its
port refuses, or its name does not resolve. When it is back, the broker joins by itself.
"""

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio

from broker.wire.errors import ErrorCode
from coordination.kazoo_store import KazooStore
from coordination.memory_store import MemorySession, MemoryStore
from coordination.registration import Registrar, create_persistent_paths
from coordination.session import keep_session
from coordination.store import Session
from coordination.subscriptions import until_change
from coordination.values import BrokerRegistration, TopicPartition
from coordination.znodes import paths
from tests.coordination.trace import Trace
from tests.coordination.worlds import PATIENCE_S
from tests.simulation.stage import Stage, play
from tests.support.tcp_proxy import TcpProxy

NAME = "zookeeper.invalid"


async def test_a_broker_waits_for_zookeeper_without_end(
    autojump_clock: trio.abc.Clock,
) -> None:
    """KAFKA-5473: ZooKeeper is away for ten minutes after the session expired."""
    store, trace, begun = MemoryStore(), Trace(), []

    async def inside(session: Session, cause: str) -> None:
        begun.append(trio.current_time())
        assert isinstance(session, MemorySession)
        if len(begun) == 1:
            store.available = False
            session.expire()
            await trio.sleep_forever()

    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def keep() -> None:
            await keep_session(store, inside, recorder=trace, connection_timeout_ms=18_000)

        await trio.sleep(600)
        assert trace.kinds() == ["session.connected", "session.lost"]
        store.available = True
    assert begun == [0, 600]


@pytest.mark.long
def test_a_broker_serves_for_ten_minutes_without_it_and_joins_again(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        ensemble, tree = stage.ensemble, stage.ensemble.store.tree
        await ensemble.start(1)
        tp = await stage.topic((1,))
        epoch = ensemble.broker(1).broker_epoch
        ensemble.cut_from_zookeeper(1)
        for minute in range(10):
            await trio.sleep(60)
            produced = await stage.client.produce(tp, f"minute {minute}", at=1)
            assert produced.error is ErrorCode.NONE
        assert tree.children(paths.BROKER_IDS) == []
        ensemble.heal()
        await ensemble.until(lambda: tree.children(paths.BROKER_IDS) == ["1"], "it is back", 10)
        assert ensemble.broker(1).broker_epoch > epoch
        await ensemble.until(lambda: ensemble.broker(1).is_controller, "it is controller", 10)
        await stage.client.create_topic("later", {0: (1,)})
        await stage.client.produce(TopicPartition("later", 0), "afterwards")

    play(story, tmp_path)


@attrs.define
class Names:
    """What the resolver knows: NAME is 127.0.0.1, unless it's away."""

    away: bool = False
    getaddrinfo: Callable[..., Any] = socket.getaddrinfo

    def resolve(self, host: str, *rest: Any, **options: Any) -> Any:
        if host == NAME and self.away:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return self.getaddrinfo("127.0.0.1" if host == NAME else host, *rest, **options)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    names = Names()
    monkeypatch.setattr(socket, "getaddrinfo", names.resolve)
    return names


@pytest.mark.server
@pytest.mark.parametrize("resolved", [True, False], ids=["the port refuses", "no such name"])
async def test_back_by_itself_after_a_long_absence(
    zookeeper: str, proxy: TcpProxy, names: Names, resolved: bool
) -> None:
    """No way to ZooKeeper for longer than the session lives."""
    chroot = zookeeper.partition("/")[2]
    store = KazooStore(f"{NAME}:{proxy.port}/{chroot}", session_timeout_ms=2000)
    other = await KazooStore(zookeeper, session_timeout_ms=6000).open_session()
    trace = Trace()
    registered, is_registered = trio.open_memory_channel[None](0)
    registrar = Registrar(BrokerRegistration(1, ()), trace, clock_ms=lambda: 0)

    async def inside(session: Session, cause: str) -> None:
        await create_persistent_paths(session)
        await registrar.register(session, cause)
        await registered.send(None)
        await trio.sleep_forever()

    with trio.fail_after(PATIENCE_S):
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def keep() -> None:
                await keep_session(store, inside, recorder=trace)

            await is_registered.receive()
            with other.subscribe() as events:
                await other.get("/brokers/ids/1", watch=True)
                names.away = not resolved
                proxy.cut()
                await until_change(events, "/brokers/ids/1")
            assert await other.exists("/brokers/ids/1") is None
            proxy.mend()
            names.away = False
            await is_registered.receive()
            nursery.cancel_scope.cancel()
    await other.aclose()
    assert [kind for kind in trace.kinds() if kind != "session.connecting"] == [
        "session.connected",
        "broker.registered",
        "session.suspended",
        "session.lost",
        "session.connected",
        "broker.registered",
    ]
    last = str(len(trace.events) - 1)
    assert trace.causes_of(last) == [
        "broker.registered",
        "session.connected",
        "session.lost",
        "session.suspended",
        "session.connected",
    ]
