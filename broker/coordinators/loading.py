"""Reading a partition of the topic back, when this broker was elected to answer for it.

The log is read in chunks and applied batch by batch, in turns with whatever else the broker does.
What could not be read is read again after a while: nobody else tells us when a disk is well again.

What was read is acted on when it is there to stay (`CoordinatorLog.until_kept`): the former leader
may have died before everyone had his last records, and if we die as well, and who is elected then
lacks them, what they say never was. Markers would have been sent for an outcome that is decided
once more, and differently; a consumer would have been told of an offset that goes back. So a
partition that was read is loaded when the followers have fetched once from us; one that does not
leaves the ISR after replica.lag.time.max.ms. Others are read meanwhile. (Kafka does not wait.)
"""

from collections.abc import Callable
from contextlib import aclosing
from typing import Any, Final

import trio

from broker.coordinators.log import CoordinatorLog
from broker.coordinators.ownership import OwnedPartition, Ownership
from broker.wire.record_batch import RecordBatch

# A chunk of the log that is read back may hold tens of thousands of records. This many are some
# milliseconds of work, after which whoever else has something to do has his turn.
RECORDS_A_TURN: Final = 1_000
RETRY_S: Final = 10.0


async def read_back(
    log: CoordinatorLog,
    ownership: Ownership[Any, Any],
    owned: OwnedPartition[Any],
    turn: trio.Lock,
    apply: Callable[[RecordBatch], None],
) -> bool:
    """Apply the whole partition; False if it isn't ours any more. One is read at a `turn`.

    KafkaError: from `CoordinatorLog` or `apply`; the partition may be lost by then, too.
    """
    end_offset = in_this_turn = 0
    async with turn, aclosing(log.read(owned.partition)) as batches:
        async for batch in batches:
            if not ownership.still_owns(owned):
                return False
            apply(batch)
            end_offset = batch.end_offset
            in_this_turn += batch.count
            if in_this_turn >= RECORDS_A_TURN:
                in_this_turn = 0
                await trio.lowlevel.checkpoint()
    if not ownership.still_owns(owned):
        return False
    await log.until_kept(owned.partition, end_offset)
    return ownership.still_owns(owned)
