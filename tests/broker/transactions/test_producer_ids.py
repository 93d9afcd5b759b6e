"""Producer ids: nobody waits for a block if it can be helped, and nobody for another's failure."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from broker.control.client import ControllerClient, ControllerUnavailable
from broker.transactions.producer_ids import RETRY_BACKOFF_S, TIMEOUT_S, ProducerIds
from broker.wire.apis import ApiKey
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.messages.allocate_producer_ids import AllocateProducerIdsResponse
from tests.broker.support import open_broker

BLOCK = 1000


@attrs.define(eq=False)
class Controller:
    """It gives out blocks of 1000, as long as it is there and has nothing against it."""

    asked: int = 0
    is_away: bool = False
    error: ErrorCode = ErrorCode.NONE
    gate: trio.Event | None = None  # answers are held up until it is set
    block: tuple[int, int] | None = None  # first and length of what it gives out instead

    async def request(
        self, api_key: ApiKey, _version: int, _message: object, _answer: object, timeout_s: float
    ) -> AllocateProducerIdsResponse:
        assert api_key is ApiKey.ALLOCATE_PRODUCER_IDS
        self.asked += 1
        first, length = self.block or ((self.asked - 1) * BLOCK, BLOCK)
        if self.is_away:
            await trio.sleep(timeout_s)
            raise ControllerUnavailable("nobody is it")
        await trio.lowlevel.checkpoint()
        if self.gate is not None:
            await self.gate.wait()
        return AllocateProducerIdsResponse(
            error_code=self.error, producer_id_start=first, producer_id_len=length
        )


@asynccontextmanager
async def running(controller: Controller) -> AsyncIterator[ProducerIds]:
    ids = ProducerIds(1, cast(ControllerClient, controller))
    async with trio.open_nursery() as nursery:
        await nursery.start(ids.run)
        yield ids
        nursery.cancel_scope.cancel()


async def refusal(ids: ProducerIds) -> ErrorCode:
    with pytest.raises(KafkaError) as refused:
        await ids.next_id()
    return refused.value.code


async def test_ids_come_one_by_one_and_block_after_block(autojump_clock: MockClock) -> None:
    controller = Controller()
    async with running(controller) as ids:
        await wait_all_tasks_blocked()
        assert controller.asked == 0, "nobody wants one"
        assert [await ids.next_id() for _ in range(2 * BLOCK + 1)] == list(range(2 * BLOCK + 1))


async def test_the_next_block_is_there_before_the_last_is_used_up(
    autojump_clock: MockClock,
) -> None:
    controller = Controller()
    async with running(controller) as ids:
        for _ in range(BLOCK * 9 // 10 - 1):
            await ids.next_id()
        await wait_all_tasks_blocked()
        assert controller.asked == 1
        await ids.next_id()
        await wait_all_tasks_blocked()
        assert controller.asked == 2
        controller.is_away = True
        with trio.fail_after(0):
            for _ in range(BLOCK):
                await ids.next_id()


async def test_a_controller_that_is_away_costs_nobody_an_id_while_there_are_some(
    autojump_clock: MockClock,
) -> None:
    controller = Controller()
    async with running(controller) as ids:
        await ids.next_id()
        controller.is_away = True
        with trio.fail_after(0):
            for _ in range(BLOCK - 1):
                await ids.next_id()
        assert await refusal(ids) is ErrorCode.COORDINATOR_NOT_AVAILABLE
        controller.is_away = False
        assert await ids.next_id() % BLOCK == 0


async def test_all_who_wait_hear_of_the_failure_together(autojump_clock: MockClock) -> None:
    controller = Controller(is_away=True)
    async with running(controller) as ids:
        async with trio.open_nursery() as nursery:
            for _ in range(4):
                nursery.start_soon(refusal, ids)
        assert trio.current_time() == TIMEOUT_S
        assert controller.asked == 1
        controller.is_away = False
        assert await ids.next_id() == BLOCK
        assert trio.current_time() == TIMEOUT_S + RETRY_BACKOFF_S


async def test_all_who_wait_get_an_id_of_one_block(autojump_clock: MockClock) -> None:
    controller = Controller(gate=trio.Event())
    found: list[int] = []
    async with running(controller) as ids:

        async def take() -> None:
            found.append(await ids.next_id())

        async with trio.open_nursery() as nursery:
            for _ in range(4):
                nursery.start_soon(take)
            await wait_all_tasks_blocked()
            assert controller.gate is not None
            controller.gate.set()
        assert sorted(found) == [0, 1, 2, 3]
        assert controller.asked == 1


async def test_what_hinders_the_controller_is_retriable(autojump_clock: MockClock) -> None:
    controller = Controller(error=ErrorCode.STALE_BROKER_EPOCH)
    async with running(controller) as ids:
        assert await refusal(ids) is ErrorCode.COORDINATOR_NOT_AVAILABLE
        await trio.sleep(60)
        assert controller.asked == 1, "nobody has wanted one since"


@pytest.mark.parametrize("block", [(0, 0), (0, -1), (-1, BLOCK)])
async def test_a_block_without_ids_is_none_and_not_asked_for_again_at_once(
    block: tuple[int, int], autojump_clock: MockClock
) -> None:
    controller = Controller(block=block)
    async with running(controller) as ids:
        with trio.fail_after(1):
            assert await refusal(ids) is ErrorCode.COORDINATOR_NOT_AVAILABLE
            assert await refusal(ids) is ErrorCode.COORDINATOR_NOT_AVAILABLE
        assert controller.asked == 2
        assert trio.current_time() >= RETRY_BACKOFF_S


async def test_they_do_not_wait_behind_what_else_the_controller_is_asked(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with open_broker(tmp_path) as broker:
        assert broker.producer_ids.controller is not broker.controller_client
        assert len(set(map(id, broker.controller_clients))) == 2
