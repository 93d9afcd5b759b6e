"""Hands out blocks of producer ids: a thousand at a time, never one twice (KIP-730).

/latest_producer_id_block holds the last block given, to whomever. The next one begins after it and
is written at the version read; if that is refused (an answer was lost and the write done again),
the next block after what is there is taken. A block lost that way is never used, which costs
nothing: there are 2^63 ids.

Source: kafka.coordinator.transaction.ZkProducerIdManager.getNewProducerIdBlock,
KafkaController.processAllocateProducerIds.
"""

from coordination.controller.context import ControllerContext
from coordination.controller.effects import Reply
from coordination.controller.requests import (
    AllocateProducerIds,
    KafkaErrorName,
    ProducerIdBlockAllocated,
)
from coordination.controller.story import Story, headline, persist, read, record_bad_znode
from coordination.store import BadVersion, Create, NodeExists, Set, StoreError
from coordination.znodes import (
    BadZnode,
    ProducerIdBlock,
    decode_producer_id_block,
    encode_producer_id_block,
    paths,
)

__all__ = ["allocate_producer_ids"]

BLOCK_SIZE = 1000
LAST_PRODUCER_ID = 2**63 - 1


def allocate_producer_ids(context: ControllerContext, request: AllocateProducerIds) -> Story[None]:
    registration = context.brokers.get(request.broker_id)
    if registration is None:
        yield Reply(KafkaErrorName.BROKER_ID_NOT_REGISTERED)
        return
    if registration.epoch != request.broker_epoch:
        yield Reply(KafkaErrorName.STALE_BROKER_EPOCH)
        return
    block = yield from _take_next_block(context, request.broker_id)
    if block is None:
        yield Reply(KafkaErrorName.UNKNOWN_SERVER_ERROR)
        return
    yield from headline(
        "producer_ids.allocated", broker_id=request.broker_id, first_id=block.first_id
    )
    yield Reply(ProducerIdBlockAllocated(block.first_id, BLOCK_SIZE))


def _take_next_block(context: ControllerContext, broker_id: int) -> Story[ProducerIdBlock | None]:
    """None if the znode cannot be read, or all ids are used up: guessing would give ids twice."""
    while True:
        nodes = yield from read([paths.PRODUCER_ID_BLOCK])
        node = nodes[0]
        try:
            latest = None if node is None else decode_producer_id_block(node)
        except BadZnode as error:
            yield from record_bad_znode(error)
            return None
        first = 0 if latest is None else latest.last_id + 1
        if first > LAST_PRODUCER_ID - BLOCK_SIZE:
            return None
        block = ProducerIdBlock(broker_id, first, first + BLOCK_SIZE - 1)
        data = encode_producer_id_block(block)
        if node is None:
            write: Create | Set = Create(paths.PRODUCER_ID_BLOCK, data)
        else:
            write = Set(paths.PRODUCER_ID_BLOCK, data, node.stat.version)
        outcomes = yield from persist(context, [[write]])
        if not isinstance(outcomes[0], StoreError):
            return block
        if not isinstance(outcomes[0], BadVersion | NodeExists):
            raise outcomes[0]
