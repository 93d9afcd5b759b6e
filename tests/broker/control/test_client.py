"""Asking the controller: whoever it is now, until the deadline."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import pytest
import trio
import trio.testing
from trio.testing import MockClock

from broker.control.client import ControllerClient, ControllerUnavailable
from broker.control.metadata_cache import MetadataCache
from broker.network.frames import FrameReader
from broker.network.transport import StreamTransport, Transport
from broker.wire import framing
from broker.wire.apis import ApiKey
from broker.wire.errors import ErrorCode
from broker.wire.messages.controlled_shutdown import (
    ControlledShutdownRequest,
    ControlledShutdownResponse,
)
from coordination.values import BrokerRegistration, Endpoint

FROZEN = None


@attrs.define
class Brokers:
    """Brokers 1 and 2, each with the error code that it answers, or frozen."""

    nursery: trio.Nursery
    codes: dict[str, ErrorCode | None]
    asked: list[str] = attrs.field(factory=list)

    async def connect(self, host: str, port: int) -> Transport:
        await trio.lowlevel.checkpoint()
        here, there = trio.testing.memory_stream_pair()
        self.nursery.start_soon(self._serve, host, StreamTransport(there))
        return StreamTransport(here)

    async def _serve(self, host: str, transport: StreamTransport) -> None:
        frames = FrameReader(transport, 1 << 20)
        while (frame := await frames.next_frame()) is not None:
            header, _ = framing.decode_request(frame)
            self.asked.append(host)
            code = self.codes[host]
            if code is not FROZEN:
                answer = ControlledShutdownResponse(error_code=code)
                await transport.send(framing.encode_response(header, answer))


def controller_is(metadata: MetadataCache, controller_id: int) -> None:
    brokers = [
        BrokerRegistration(n, (Endpoint("PLAINTEXT", "PLAINTEXT", f"b{n}", 9092),)) for n in (1, 2)
    ]
    metadata.update(controller_id, brokers, {}, {})


@asynccontextmanager
async def client(
    **codes: ErrorCode | None,
) -> AsyncIterator[tuple[ControllerClient, Brokers]]:
    async with trio.open_nursery() as nursery:
        brokers = Brokers(nursery, codes)
        yield ControllerClient(7, "PLAINTEXT", MetadataCache(), 30, brokers.connect), brokers
        nursery.cancel_scope.cancel()


async def ask(asking: ControllerClient, timeout_s: float = 60) -> ErrorCode:
    answer = await asking.request(
        ApiKey.CONTROLLED_SHUTDOWN,
        3,
        ControlledShutdownRequest(broker_id=7),
        ControlledShutdownResponse,
        timeout_s,
    )
    return ErrorCode.of(answer.error_code)


async def test_it_waits_until_a_controller_is_known(autojump_clock: MockClock) -> None:
    async with client(b1=ErrorCode.NONE) as (asking, _), trio.open_nursery() as nursery:
        nursery.start_soon(ask, asking)
        await trio.sleep(5)
        controller_is(asking.metadata, 1)
    assert trio.current_time() < 6


async def test_who_is_it_no_more_is_asked_again_until_the_metadata_says_who_is(
    autojump_clock: MockClock,
) -> None:
    codes = {"b1": ErrorCode.NOT_CONTROLLER, "b2": ErrorCode.STALE_BROKER_EPOCH}
    async with client(**codes) as (asking, brokers), trio.open_nursery() as nursery:
        controller_is(asking.metadata, 1)
        answers: list[ErrorCode] = []

        async def run() -> None:
            answers.append(await ask(asking))

        nursery.start_soon(run)
        await trio.sleep(1)
        controller_is(asking.metadata, 2)
        await trio.sleep(1)
        assert answers == [ErrorCode.STALE_BROKER_EPOCH]
        assert brokers.asked.count("b1") >= 5


async def test_a_frozen_controller_is_left_for_the_next(autojump_clock: MockClock) -> None:
    codes = {"b1": FROZEN, "b2": ErrorCode.NONE}
    async with client(**codes) as (asking, brokers), trio.open_nursery() as nursery:
        controller_is(asking.metadata, 1)
        nursery.start_soon(ask, asking)
        await trio.sleep(3)
        controller_is(asking.metadata, 2)
        asking.leave_former_controller()
    assert brokers.asked == ["b1", "b2"]
    assert trio.current_time() < 4


async def test_not_in_time(autojump_clock: MockClock) -> None:
    async with client(b1=FROZEN) as (asking, _):
        controller_is(asking.metadata, 1)
        with pytest.raises(ControllerUnavailable, match="CONTROLLED_SHUTDOWN"):
            await ask(asking, timeout_s=10)
        assert trio.current_time() == 10
