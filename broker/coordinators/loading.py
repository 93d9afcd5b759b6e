"""Reading a partition of the topic back, when this broker was elected to answer for it.

The log is read in chunks and applied batch by batch, in turns with whatever else the broker does.
What could not be read is read again after a while: nobody else tells us when a disk is well again.
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
    apply: Callable[[RecordBatch], None],
) -> bool:
    """Apply the whole partition; False if it isn't ours any more.

    KafkaError: from `CoordinatorLog.read` or `apply`; the partition may be lost by then, too.
    """
    in_this_turn = 0
    async with aclosing(log.read(owned.partition)) as batches:
        async for batch in batches:
            if not ownership.still_owns(owned):
                return False
            apply(batch)
            in_this_turn += batch.count
            if in_this_turn >= RECORDS_A_TURN:
                in_this_turn = 0
                await trio.lowlevel.checkpoint()
    return ownership.still_owns(owned)
