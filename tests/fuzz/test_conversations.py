"""What counts as waiting for an answer, and what doesn't."""

import socket
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from tests.fuzz.conversations import CONNECTING_S, Conversations, Row
from tests.fuzz.progress import Progress


class SlowHosts(trio.abc.HostnameResolver):
    """A name in the stead of a machine that is too busy to take part in connecting."""

    def __init__(self, takes_s: float) -> None:
        self._takes_s = takes_s

    async def getaddrinfo(self, host: bytes | None, port: Any, *_: Any, **__: Any) -> list[Any]:
        await trio.sleep(self._takes_s)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", int(port)))]

    async def getnameinfo(self, sockaddr: Any, flags: int) -> Any:
        raise NotImplementedError


@pytest.fixture
def clock() -> MockClock:
    return MockClock(autojump_threshold=0.05)


async def outcomes_of_one_row(connecting_takes_s: float) -> dict[str, int]:
    """Of one frame, to a broker that closes each connection."""
    trio.socket.set_custom_hostname_resolver(SlowHosts(connecting_takes_s))
    async with trio.open_nursery() as nursery:
        [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, trio.SocketStream.aclose, [listener])
        port = listener.socket.getsockname()[1]
        conversations = Conversations(f"busy.example:{port}", Progress("frames", 1, print))
        await conversations.hold_all(iter([Row(0, [b"frame"])]))
        nursery.cancel_scope.cancel()
    return conversations.outcomes


async def test_connecting_may_take_long(clock: MockClock) -> None:
    assert await outcomes_of_one_row(CONNECTING_S - 1) == {"answered": 0, "closed": 1, "waited": 0}


async def test_but_not_for_ever(clock: MockClock) -> None:
    with pytest.raises(ExceptionGroup) as failed:
        await outcomes_of_one_row(CONNECTING_S + 1)
    assert failed.group_contains(trio.TooSlowError)
