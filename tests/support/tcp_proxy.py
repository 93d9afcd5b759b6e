"""A loopback link that a test can cut, freeze and mend: client -> TcpProxy -> server.

    cut()        every open connection is reset, new ones are refused (accepted and closed)
    freeze()     nothing passes any more, though connections stay open; in both directions, or only
                 "there" (to the server) or "back"
    swallow()    what the server says from now on is thrown away (a lost reply); or only from the
                 client's next message on that is meant (a write, say)
    mend()       new connections pass again; frozen bytes go on

The proxy listens on `port` of 127.0.0.1 for as long as its task lives.
"""

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

import attrs
import trio

CHUNK_BYTES = 65_536

Way = Literal["there", "back"]


@attrs.define(eq=False)
class TcpProxy:
    server_port: int
    port: int = 0
    refusing: bool = False
    swallowing: bool = False
    _swallow_after: Callable[[bytes], bool] | None = None
    _flowing: dict[Way, trio.Event] = attrs.field(factory=dict)
    _connections: set[trio.CancelScope] = attrs.field(factory=set)

    def cut(self) -> None:
        self.refusing = True
        for connection in self._connections:
            connection.cancel()

    def freeze(self, *ways: Way) -> None:
        for way in ways or ("there", "back"):
            self._flowing[way] = trio.Event()

    def swallow(self, after: Callable[[bytes], bool] | None = None) -> None:
        self._swallow_after = after
        self.swallowing = after is None

    def mend(self) -> None:
        self.refusing = self.swallowing = False
        self._swallow_after = None
        for flowing in self._flowing.values():
            flowing.set()

    async def _carry(self, client: trio.SocketStream) -> None:
        scope = trio.CancelScope()
        with scope:
            async with client:
                if self.refusing:
                    return
                self._connections.add(scope)
                try:
                    server = await trio.open_tcp_stream("127.0.0.1", self.server_port)
                    async with server, trio.open_nursery() as nursery:
                        nursery.start_soon(self._pump, client, server, "there", scope)
                        nursery.start_soon(self._pump, server, client, "back", scope)
                except OSError:
                    pass  # the server is away: the client sees its connection close
                finally:
                    self._connections.discard(scope)

    async def _pump(
        self,
        source: trio.SocketStream,
        target: trio.SocketStream,
        way: Way,
        connection: trio.CancelScope,
    ) -> None:
        try:
            async for data in source:
                if way in self._flowing:
                    await self._flowing[way].wait()
                if way == "there" and self._swallow_after and self._swallow_after(bytes(data)):
                    self.swallow()
                if not (way == "back" and self.swallowing):
                    await target.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        connection.cancel()


async def serve_tcp_proxy(
    server_port: int, *, task_status: trio.TaskStatus[TcpProxy] = trio.TASK_STATUS_IGNORED
) -> None:
    """Run a proxy in front of 127.0.0.1:`server_port`; for `nursery.start`, which gives it."""
    proxy = TcpProxy(server_port)
    proxy.mend()
    [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
    proxy.port = listener.socket.getsockname()[1]
    async with listener:
        task_status.started(proxy)
        await trio.serve_listeners(proxy._carry, [listener])


@attrs.frozen
class TcpProxyThread:
    proxy: TcpProxy
    token: trio.lowlevel.TrioToken

    @property
    def port(self) -> int:
        return self.proxy.port

    def freeze(self) -> None:
        trio.from_thread.run_sync(self.proxy.freeze, trio_token=self.token)

    def mend(self) -> None:
        trio.from_thread.run_sync(self.proxy.mend, trio_token=self.token)


@contextmanager
def tcp_proxy(server_port: int) -> Iterator[TcpProxyThread]:
    """The same for a test without a loop of its own: it runs in a thread."""
    # One thing is put into it: the proxy with the scope and the token of its loop.
    started: queue.Queue[tuple[TcpProxy, trio.CancelScope, trio.lowlevel.TrioToken]] = queue.Queue(
        1
    )

    async def run() -> None:
        async with trio.open_nursery() as nursery:
            proxy = await nursery.start(serve_tcp_proxy, server_port)
            token = trio.lowlevel.current_trio_token()
            started.put_nowait((proxy, nursery.cancel_scope, token))

    thread = threading.Thread(target=trio.run, args=(run,))
    thread.start()
    proxy, scope, token = started.get(timeout=10)
    try:
        yield TcpProxyThread(proxy, token)
    finally:
        token.run_sync_soon(scope.cancel)
        thread.join()
