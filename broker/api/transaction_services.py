"""What the handlers of the transaction APIs need of the broker. `Broker` has it all."""

from typing import Final, Protocol

from broker.control.metadata_cache import MetadataCache
from broker.transactions.coordinator import TransactionCoordinator
from broker.wire.errors import ErrorCode

# KIP-588. Before that a fenced producer heard the error that a partition's leader would give him.
FIRST_VERSION_WITH_PRODUCER_FENCED: Final = 2


class TransactionServices(Protocol):
    @property
    def transactions(self) -> TransactionCoordinator: ...
    @property
    def metadata(self) -> MetadataCache: ...


class GroupPartitions(Protocol):
    def partition_for(self, group_id: str) -> int:
        """The partition of `__consumer_offsets` that a group belongs to."""
        ...


class OffsetTransactionServices(TransactionServices, Protocol):
    @property
    def groups(self) -> GroupPartitions: ...


def known_to(
    version: int, error: ErrorCode, since: int = FIRST_VERSION_WITH_PRODUCER_FENCED
) -> ErrorCode:
    """The error as a client of that version of the API understands it."""
    if error is ErrorCode.PRODUCER_FENCED and version < since:
        return ErrorCode.INVALID_PRODUCER_EPOCH
    return error
