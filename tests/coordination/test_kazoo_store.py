"""What only the real ZooKeeper and the thread boundary can show."""

import signal
import socket
from pathlib import Path

import pytest
import trio

from coordination.kazoo_store import CLOSE_TIMEOUT_S, KazooStore
from coordination.store import (
    Lost,
    Reconnected,
    SessionLost,
    StoreUnavailable,
    Suspended,
)
from tests.coordination.trace import Trace
from tests.coordination.worlds import PATIENCE_S, events_so_far, next_event
from tests.support.ports import free_port
from tests.support.tcp_proxy import TcpProxy
from tests.support.zookeeper import real_zookeeper

pytestmark = pytest.mark.server


async def test_an_unreachable_zookeeper_is_waited_for_and_said_so() -> None:
    port, trace = free_port(), Trace()
    store = KazooStore(f"127.0.0.1:{port}", session_timeout_ms=6000, recorder=trace)
    with pytest.raises(StoreUnavailable) as caught:
        await store.open_session(timeout_ms=1200)
    assert str(caught.value) == (
        f"ZooKeeper at 127.0.0.1:{port} did not answer within 1200 ms: Connection refused"
    )
    [event] = trace.events
    assert event.kind == "session.connecting"
    assert event.facts == {"hosts": f"127.0.0.1:{port}", "reason": "Connection refused"}


async def test_one_that_accepts_but_says_nothing_is_given_up_too() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = KazooStore(f"127.0.0.1:{silent.getsockname()[1]}", session_timeout_ms=2000)
        started = trio.current_time()
        with pytest.raises(StoreUnavailable, match="did not answer within 300 ms"):
            await store.open_session(timeout_ms=300)
        assert trio.current_time() - started < 0.3 + CLOSE_TIMEOUT_S + 1


async def test_any_of_several_hosts_will_do(zookeeper: str) -> None:
    store = KazooStore(f"127.0.0.1:{free_port()},{zookeeper}", session_timeout_ms=6000)
    for _ in range(4):  # hosts are tried in random order
        session = await store.open_session(timeout_ms=20_000)
        await session.aclose()


async def test_a_chroot_is_made(zookeeper: str) -> None:
    connect = f"{zookeeper}/deep/down"
    store = KazooStore(connect, session_timeout_ms=6000)
    for _ in range(2):
        session = await store.open_session(timeout_ms=20_000)
        created = await session.create("/node-", sequence=True)
        assert created.path in ("/node-0000000000", "/node-0000000001")
        await session.aclose()
    above = await KazooStore(zookeeper, session_timeout_ms=6000).open_session()
    assert sorted(await above.children("/deep/down")) == ["node-0000000000", "node-0000000001"]
    await above.aclose()


@pytest.mark.parametrize(("asked_ms", "granted_ms"), [(3000, 3000), (1, None), (10**7, None)])
async def test_the_timeout_is_what_zookeeper_grants(
    zookeeper: str, asked_ms: int, granted_ms: int | None
) -> None:
    session = await KazooStore(zookeeper, session_timeout_ms=asked_ms).open_session()
    if granted_ms is not None:
        assert session.negotiated_timeout_ms == granted_ms
    else:  # between 2 and 20 of its ticks
        assert session.negotiated_timeout_ms != asked_ms
        assert 100 <= session.negotiated_timeout_ms <= 60_000
    await session.aclose()


async def test_a_frozen_session_expires_and_is_never_replaced(
    zookeeper: str, proxy: TcpProxy
) -> None:
    chroot = zookeeper.partition("/")[2]
    store = KazooStore(f"127.0.0.1:{proxy.port}/{chroot}", session_timeout_ms=2000)
    other = await KazooStore(zookeeper, session_timeout_ms=6000).open_session()
    session = await store.open_session()
    with trio.fail_after(PATIENCE_S), session.subscribe() as events, other.subscribe() as seen:
        await session.create("/mine", ephemeral=True)
        await other.exists("/mine", watch=True)
        proxy.freeze()
        await seen.receive()
        assert await other.exists("/mine") is None
        assert isinstance(await next_event(events), Suspended)
        # A call of the old life, made while nobody here knows that it is over
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def ghost() -> None:
                with pytest.raises(SessionLost):
                    await session.create("/ghost", ephemeral=True)

            proxy.mend()
            while await next_event(events) != Lost():
                pass
    assert session.lost
    with pytest.raises(OSError, match="the session is over"):
        session._handler.create_connection(("127.0.0.1", proxy.port))
    assert await other.children("/") == []
    await session.aclose()
    await other.aclose()


async def test_a_host_that_says_nothing_does_not_cost_the_session(
    zookeeper: str, proxy: TcpProxy
) -> None:
    chroot = zookeeper.partition("/")[2]
    store = KazooStore(f"127.0.0.1:{proxy.port}/{chroot}", session_timeout_ms=6000)
    session = await store.open_session()
    with trio.fail_after(PATIENCE_S), session.subscribe() as events:
        proxy.cut()
        assert isinstance(await events.receive(), Suspended)
        proxy.mend()
        proxy.swallow()  # the first answer to the reconnecting client is lost
        await trio.sleep(1.5)
        proxy.mend()
        assert await events.receive() == Reconnected()
    await session.aclose()


async def test_sessions_outlive_a_restart_of_zookeeper(tmp_path: Path) -> None:
    """Its sessions are in its log: back in time, it knows them and their ephemerals."""
    with real_zookeeper(tmp_path) as server:
        store = KazooStore(f"127.0.0.1:{server.port}", session_timeout_ms=10_000)
        session = await store.open_session()
        with trio.fail_after(60), session.subscribe() as events:
            mine = await session.create("/mine", ephemeral=True)
            server.kill()
            assert isinstance(await events.receive(), Suspended)
            server.start()
            await server.ready()
            assert await events.receive() == Reconnected()
            assert await session.exists("/mine") == mine.stat
            assert events_so_far(events) == []
        await session.aclose()


async def test_closing_does_not_wait_for_a_silent_zookeeper(
    zookeeper: str, proxy: TcpProxy
) -> None:
    store = KazooStore(f"127.0.0.1:{proxy.port}", session_timeout_ms=4000)
    session = await store.open_session()
    proxy.freeze()
    started = trio.current_time()
    await session.aclose()
    assert trio.current_time() - started < CLOSE_TIMEOUT_S + 1
    proxy.cut()


class InterruptedSocket:
    """Ctrl-C comes in the moment in which kazoo's thread is woken."""

    def __init__(self, wrapped: socket.socket) -> None:
        self._wrapped = wrapped

    def send(self, data: bytes) -> int:
        signal.raise_signal(signal.SIGINT)
        return self._wrapped.send(data)


def test_ctrl_c_is_not_taken_for_a_lost_session(zookeeper: str) -> None:
    async def interrupted() -> None:
        session = await KazooStore(zookeeper, session_timeout_ms=6000).open_session()
        connection = session._client._connection
        whole = connection._write_sock
        connection._write_sock = InterruptedSocket(whole)
        try:
            await session.get("/")
        finally:
            connection._write_sock = whole
            await session.aclose()

    with pytest.raises(KeyboardInterrupt):
        trio.run(interrupted)
