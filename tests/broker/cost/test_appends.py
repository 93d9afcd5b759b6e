"""An append: as much work as if nobody else had written to the log."""

from collections.abc import Callable
from pathlib import Path

import pytest

from broker.replica.partition import Partition
from tests.broker.cost.counting import Work, counted, home, same
from tests.broker.log.logs import make_batch
from tests.broker.log.transactions import end_transaction
from tests.broker.support import lead, open_broker, tp

Step = Callable[[Partition, int], None]


def idempotent(partition: Partition, sequence: int) -> None:
    batch = make_batch(producer=(1, 0, sequence))
    partition.append_as_leader(memoryview(batch), 1, 0.0)


def transaction(partition: Partition, sequence: int) -> None:
    batch = make_batch(producer=(1, 0, sequence), transactional=True)
    partition.append_as_leader(memoryview(batch), 1, 0.0)
    end_transaction(partition.log, 1, commit=True)
    partition.advance_high_watermark(0.0)


@pytest.mark.long
@pytest.mark.parametrize("step", [idempotent, transaction])
async def test_other_producers(tmp_path: Path, step: Step) -> None:
    """They have written, and have a transaction open if ours has one."""

    async def work(producers: int) -> Work:
        async with open_broker(
            home(tmp_path, producers), transaction_partition_verification_enable="false"
        ) as broker:
            await lead(broker, "t-0")
            partition = broker.replicas.partitions[tp("t-0")]
            for other in range(producers):
                batch = make_batch(producer=(9 + other, 0, 0), transactional=step is transaction)
                partition.append_as_leader(memoryview(batch), 1, 0.0)
            for sequence in range(3):  # the first two learn
                with counted() as done:
                    step(partition, sequence)
            return done

    few, many = await work(10), await work(3_000)
    same(few, many)
