"""Unique producer ids, from blocks that the controller allocates.

    next_id ── takes one of ──► block ◄── is followed by ── next block ◄── run ── the controller
       └── when 10 % are left, or none: one is wanted ──────────────────────►┘

`run` alone asks, over a connection of its own: behind an AlterPartition that a busy controller
answers late, new producers would wait until they give up. It asks for the next block while there
are ids left, so usually nobody waits. Who has to shares the outcome of the one question with all
others: if it fails they are told so together, and come back.

A broker that dies loses the rest of its blocks: ids are 64 bits wide, gaps cost
nothing. Kafka: RPCProducerIdManager, KIP-730.
"""

import math
from typing import Final

import attrs
import trio

from broker.control.client import ControllerClient, ControllerUnavailable
from broker.waiting import Movement, wait_until
from broker.wire.apis import ApiKey
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.messages.allocate_producer_ids import (
    AllocateProducerIdsRequest,
    AllocateProducerIdsResponse,
)

TIMEOUT_S: Final = 10.0
RETRY_BACKOFF_S: Final = 0.1
# Kafka's PREFETCH_THRESHOLD, seen from the other end.
WANTED_WHEN_LEFT: Final = 0.1


@attrs.define(eq=False)
class _Question:
    """One request for a block, asked or still to be, and what came of it."""

    done: trio.Event = attrs.field(factory=trio.Event)
    error: KafkaError | None = None


@attrs.define(eq=False)
class ProducerIds:
    """Gives out ids one by one; `run` sees to it that there are some. `controller` is its own."""

    broker_id: int
    controller: ControllerClient
    broker_epoch: int = -1
    _block: range = attrs.field(default=range(0), init=False)
    _wanted_at: int = attrs.field(default=0, init=False)
    """With so many ids left in `_block` the next one is wanted."""
    _next_block: range = attrs.field(default=range(0), init=False)
    _question: _Question = attrs.field(factory=_Question, init=False)
    _is_wanted: bool = attrs.field(default=False, init=False)
    _wanted: Movement = attrs.field(factory=Movement, init=False)

    async def next_id(self) -> int:
        """A producer id that nobody else has; raises `KafkaError` COORDINATOR_NOT_AVAILABLE."""
        while not self._block:
            if self._next_block:
                self._block, self._next_block = self._next_block, range(0)
                self._wanted_at = int(len(self._block) * WANTED_WHEN_LEFT)
            else:
                self._want()
                question = self._question
                await question.done.wait()
                if question.error is not None:
                    raise question.error
        first, self._block = self._block[0], self._block[1:]
        if len(self._block) <= self._wanted_at and not self._next_block:
            self._want()
        return first

    def _want(self) -> None:
        self._is_wanted = True
        self._wanted.happened()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Ask for a block whenever one is wanted. Started: at once."""
        task_status.started()
        while True:
            await wait_until(lambda: self._is_wanted, [self._wanted], math.inf)
            try:
                self._next_block = await self._ask()
            except KafkaError as error:
                self._question.error = error
            # Unless somebody wants it, it isn't asked again.
            self._is_wanted = False
            answered, self._question = self._question, _Question()
            answered.done.set()
            if answered.error is not None:
                await trio.sleep(RETRY_BACKOFF_S)

    async def _ask(self) -> range:
        request = AllocateProducerIdsRequest(
            broker_id=self.broker_id, broker_epoch=self.broker_epoch
        )
        try:
            answer = await self.controller.request(
                ApiKey.ALLOCATE_PRODUCER_IDS, 0, request, AllocateProducerIdsResponse, TIMEOUT_S
            )
        except ControllerUnavailable as error:
            raise KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE, str(error)) from error
        if answer.error_code != ErrorCode.NONE:
            # Retriable for the producer, whatever hindered the controller.
            raise KafkaError(
                ErrorCode.COORDINATOR_NOT_AVAILABLE,
                f"no producer ids: {ErrorCode.of(answer.error_code).name}",
            )
        first, count = answer.producer_id_start, answer.producer_id_len
        if first < 0 or count <= 0:
            # An answer like any other it would be asked for again at once, and again.
            raise KafkaError(
                ErrorCode.COORDINATOR_NOT_AVAILABLE, f"no producer ids: {count} from {first} on"
            )
        return range(first, first + count)
