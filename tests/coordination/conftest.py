"""`world`: a ZooKeeper to open sessions on, in memory or real, and to break."""

from collections.abc import AsyncIterator

import pytest

from tests.coordination.worlds import MemoryWorld, World, real_world


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
