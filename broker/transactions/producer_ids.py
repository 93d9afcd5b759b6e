"""Unique producer ids, from blocks that the controller allocates.

A broker that dies loses the rest of its block: ids are 64 bits wide, gaps cost
nothing. Kafka: RPCProducerIdManager, KIP-730.
"""

import attrs
import trio

from broker.control.client import ControllerClient, ControllerUnavailable
from broker.wire.apis import ApiKey
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.messages.allocate_producer_ids import (
    AllocateProducerIdsRequest,
    AllocateProducerIdsResponse,
)

TIMEOUT_S = 10.0


@attrs.define(eq=False)
class ProducerIds:
    """Gives out ids one by one; asks for the next block when the last one is used up."""

    broker_id: int
    controller: ControllerClient
    broker_epoch: int = -1
    _block: range = attrs.field(default=range(0), init=False)
    _turn: trio.Lock = attrs.field(factory=trio.Lock, init=False)

    async def next_id(self) -> int:
        """A producer id that nobody else has; raises `KafkaError` COORDINATOR_NOT_AVAILABLE."""
        async with self._turn:
            if not self._block:
                self._block = await self._next_block()
            first, self._block = self._block[0], self._block[1:]
            return first

    async def _next_block(self) -> range:
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
        return range(answer.producer_id_start, answer.producer_id_start + answer.producer_id_len)
