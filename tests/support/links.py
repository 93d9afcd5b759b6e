"""Links that a test can break, for tests that are not async: TCP proxies in a thread of their own.

with links(9092, 9093) as (to_first, to_second):
    ...whoever connects to 127.0.0.1:`to_first.port` gets to port 9092...
    to_first.cut()
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import attrs
import trio

from tests.support.tcp_proxy import TcpProxy, Way, serve_tcp_proxy


@attrs.frozen
class Link:
    """See TcpProxy: the same, from another thread."""

    port: int
    _proxy: TcpProxy
    _token: trio.lowlevel.TrioToken

    def cut(self) -> None:
        self._do(self._proxy.cut)

    def freeze(self, *ways: Way) -> None:
        self._do(partial(self._proxy.freeze, *ways))

    def mend(self) -> None:
        self._do(self._proxy.mend)

    def _do(self, action: Callable[[], None]) -> None:
        trio.from_thread.run_sync(action, trio_token=self._token)


@contextmanager
def links(*server_ports: int) -> Iterator[list[Link]]:
    """A proxy in front of each of the ports, until the block ends."""
    made: list[Link] = []
    ready = threading.Event()
    ended = trio.Event()

    async def serve() -> None:
        async with trio.open_nursery() as nursery:
            token = trio.lowlevel.current_trio_token()
            for port in server_ports:
                proxy = await nursery.start(serve_tcp_proxy, port)
                made.append(Link(proxy.port, proxy, token))
            ready.set()
            await ended.wait()
            nursery.cancel_scope.cancel()

    thread = threading.Thread(target=trio.run, args=(serve,), name="links", daemon=True)
    thread.start()
    ready.wait()
    try:
        yield made
    finally:
        trio.from_thread.run_sync(ended.set, trio_token=made[0]._token)
        thread.join()
