"""`__consumer_offsets`, the topic that is the group coordinator's memory.

Offsets that are committed in a transaction are records of the transaction's producer: they carry
its id and epoch, and count when its marker says so. A partition that the transaction's coordinator
does not know of would never get a marker, so it is asked before the first such record (KIP-890):

    verified = await log.verify(partition, producer)
    log.append_in_transaction(partition, records, verified)      at once, as `append`
"""

from collections.abc import Sequence
from typing import Final, Protocol

import attrs

from broker.coordinators.log import Append, CoordinatorLog
from broker.log.verifications import VerificationGuard
from broker.wire.records import Record

OFFSETS_TOPIC: Final = "__consumer_offsets"


@attrs.frozen
class TransactionalProducer:
    """Who commits offsets in a transaction.

    `knows_abortable`: it can be told TRANSACTION_ABORTABLE, others hear INVALID_TXN_STATE instead.
    """

    transactional_id: str
    producer_id: int
    producer_epoch: int
    knows_abortable: bool = False


@attrs.frozen
class Verified:
    """A producer whose transaction includes the partition; `guard` is the log's proof of it."""

    producer: TransactionalProducer
    guard: VerificationGuard | None = None


class OffsetsLog(CoordinatorLog, Protocol):
    """The partitions of `__consumer_offsets` that this broker leads."""

    async def verify(self, partition: int, producer: TransactionalProducer) -> Verified:
        """See to it that the producer's transaction includes the partition.

        KafkaError: it does not, the producer is fenced, its coordinator cannot be asked.
        """
        ...

    def append_in_transaction(
        self, partition: int, records: Sequence[Record], verified: Verified
    ) -> Append:
        """As `append`, as a part of the producer's transaction.

        KafkaError: as `append`; INVALID_PRODUCER_EPOCH; INVALID_TXN_STATE if the transaction has
        ended since it was verified.
        """
        ...

    async def until_replicated(self, partition: int, offset: int) -> None:
        """Wait until the high watermark has passed `offset`, however long that takes.

        KafkaError: not the leader any more.
        """
        ...
