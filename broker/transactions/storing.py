"""Writing a transition into the log, and then making it true.

    transaction.begin(transition)               pending: nobody else may change it now
    write = store.append(owned, transaction)    in the local log, now
    error = await store.settle(write)           replicated, and it is so; or not, and why

The log speaks of replicas and leaders; a producer knows nothing of those. It is told what it can
act on: come back later, or look for the coordinator again.

A broker that has lost the partition meanwhile, and perhaps leads it again, has another
`OwnedPartition` by then, with other transactions in it: what the record says was read by whoever
loaded that, or is not in the log.

Source: Kafka's `appendTransactionToLog` in TransactionStateManager.
"""

from collections.abc import Callable, Sequence
from typing import Final

import attrs

from broker.coordinators.background import Background
from broker.coordinators.log import CLIENT_ERRORS, Append, CoordinatorLog
from broker.coordinators.one_answer import OneAnswer
from broker.transactions.owned import TransactionPartition, Transactions
from broker.transactions.transaction import Transaction, Transition
from broker.transactions.transaction_records import transaction_record, transaction_tombstone
from broker.wire.codec import UnwritableMessage
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.records import Record

_ERRORS: Final = CLIENT_ERRORS | {
    ErrorCode.REQUEST_TIMED_OUT: ErrorCode.COORDINATOR_NOT_AVAILABLE,
    ErrorCode.MESSAGE_TOO_LARGE: ErrorCode.UNKNOWN_SERVER_ERROR,
    ErrorCode.RECORD_LIST_TOO_LARGE: ErrorCode.UNKNOWN_SERVER_ERROR,
}


@attrs.frozen(eq=False)
class Write:
    """Records on their way into the log; `append` is an error if they did not even get there."""

    owned: TransactionPartition
    append: Append | KafkaError
    timeout_ms: int | None = None


@attrs.frozen
class TransactionStore:
    """Writes to the owned partitions of `__transaction_state`."""

    log: CoordinatorLog
    ownership: Transactions
    background: Background
    clock_ms: Callable[[], int]

    async def carry_out(
        self, owned: TransactionPartition, transaction: Transaction, transition: Transition
    ) -> ErrorCode:
        """All of it, to the end even if the client who wants it goes away meanwhile."""
        transaction.begin(transition)
        write = self.append(owned, transaction)
        settled = OneAnswer[ErrorCode]()

        async def settle() -> None:
            settled.answer(await self.settle(write, transaction))

        self.background.start(settle)
        return await settled.wait()

    def append(
        self, owned: TransactionPartition, transaction: Transaction, *, is_ours: bool = False
    ) -> Write:
        """Append what is pending. As in Kafka, it may take the transaction's own time.

        `is_ours`: no producer has decided it. Then it has no less than the usual time, for one
        whose timeout is shorter than a follower takes would never be ended.
        """
        assert transaction.pending is not None
        timeout_ms = transaction.pending.timeout_ms
        if is_ours:
            timeout_ms = max(timeout_ms, self.log.timeout_ms)
        transition = transaction.pending

        def records() -> list[Record]:
            return [transaction_record(transaction.transactional_id, transition, self.clock_ms())]

        return Write(owned, self._append(owned, records), timeout_ms)

    def append_tombstones(
        self, owned: TransactionPartition, transactions: Sequence[Transaction]
    ) -> Write:
        """Remove the transactional ids from the log."""
        now_ms = self.clock_ms()
        records = [transaction_tombstone(each.transactional_id, now_ms) for each in transactions]
        return Write(owned, self._append(owned, lambda: records))

    def _append(
        self, owned: TransactionPartition, records: Callable[[], Sequence[Record]]
    ) -> Append | KafkaError:
        if not self.ownership.still_owns(owned):  # another one may have led it meanwhile
            return KafkaError(ErrorCode.NOT_COORDINATOR)
        try:
            return self.log.append(owned.partition, records())
        except KafkaError as error:
            return error
        except UnwritableMessage as error:  # a client said what has no room in a record
            return KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, str(error))

    async def outcome(self, write: Write) -> ErrorCode:
        """Wait until it is replicated: NONE, or what a producer is told. Changes nothing."""
        try:
            if isinstance(write.append, KafkaError):
                raise write.append
            await self.log.until_committed(write.append, write.timeout_ms)
        except KafkaError as error:
            return _ERRORS.get(error.code, error.code)
        if not self.ownership.still_owns(write.owned):
            return ErrorCode.NOT_COORDINATOR
        return ErrorCode.NONE

    async def settle(self, write: Write, transaction: Transaction) -> ErrorCode:
        """As `outcome`; and the transaction becomes what was pending, or stays what it was."""
        error = await self.outcome(write)
        if error is ErrorCode.NONE:
            transaction.complete()
        else:
            transaction.abandon()
        return error
