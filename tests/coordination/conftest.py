"""`world`: a ZooKeeper to open sessions on, in memory or real, and to break. `proxy`: a link to the
shared real one, to cut."""

from collections.abc import AsyncIterator

import pytest
import trio

from tests.coordination.worlds import MemoryWorld, World, real_world
from tests.support.server import ServerProcess
from tests.support.tcp_proxy import TcpProxy, serve_tcp_proxy


@pytest.fixture(params=["memory", pytest.param("real", marks=pytest.mark.server)])
def connect(request: pytest.FixtureRequest) -> str | None:
    return request.getfixturevalue("zookeeper") if request.param == "real" else None


@pytest.fixture
async def world(connect: str | None) -> AsyncIterator[World]:
    if connect is None:
        yield MemoryWorld()
    else:
        async with real_world(connect) as world:
            yield world


@pytest.fixture
async def proxy(zookeeper_server: ServerProcess, nursery: trio.Nursery) -> AsyncIterator[TcpProxy]:
    proxy: TcpProxy = await nursery.start(serve_tcp_proxy, zookeeper_server.port)
    yield proxy
    nursery.cancel_scope.cancel()
