"""What time ends: transactions that are open for too long, and transactional ids that nobody uses.

A transaction is aborted when it is open for longer than its producer said it would be
(`transaction.timeout.ms` of the client, at most `transaction.max.timeout.ms`), for readers of
committed records wait for it; the producer is fenced. A transactional id without a transaction is
kept for `transactional.id.expiration.ms` and then removed, with a tombstone, by which compaction
removes it from the log.

Both are looked for from time to time, as Kafka does; no transaction has a timer of its own.

Source: Kafka's abortTimedOutTransactions (TransactionCoordinator) and removeExpiredTransactionalIds
(TransactionStateManager).
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

import attrs
import trio

from broker.coordinators.background import Background
from broker.transactions.config import TransactionConfig
from broker.transactions.decisions import expire, is_expired, is_timed_out
from broker.transactions.ending import Ending
from broker.transactions.owned import TransactionPartition, Transactions
from broker.transactions.storing import TransactionStore
from broker.transactions.transaction import Transaction
from broker.wire.errors import ErrorCode
from coordination.values import Recorder

# Of the ids whose tombstones go into one batch, which must not be larger than max.message.bytes.
MAX_BATCH_BYTES: Final = 16_384


@attrs.frozen
class Expiry:
    """Aborts transactions and removes transactional ids."""

    config: TransactionConfig
    ownership: Transactions
    store: TransactionStore
    ending: Ending
    background: Background
    recorder: Recorder
    clock_ms: Callable[[], int]

    async def run_timeouts(self) -> None:
        """Look for timed out transactions until cancelled."""
        interval_ms = self.config.transaction_abort_timed_out_transaction_cleanup_interval_ms
        while True:
            await trio.sleep(interval_ms / 1000)
            # Each waits for its record, and none for another whose record takes long.
            for owned, transaction in self.ownership.entries():
                if is_timed_out(transaction, self.clock_ms()):
                    self.background.start(self._abort, owned, transaction)

    async def _abort(self, owned: TransactionPartition, transaction: Transaction) -> None:
        # Others had their turn meanwhile.
        if self.ownership.still_owns(owned) and is_timed_out(transaction, self.clock_ms()):
            await self.ending.abort(owned, transaction, "timed out")

    async def run_expiration(self) -> None:
        """Look for expired transactional ids until cancelled."""
        interval_ms = self.config.transaction_remove_expired_transaction_cleanup_interval_ms
        while True:
            await trio.sleep(interval_ms / 1000)
            await self.remove_expired()

    async def remove_expired(self) -> None:
        """Remove what has expired by now."""
        expired: dict[TransactionPartition, list[Transaction]] = {}
        for owned, transaction in self.ownership.entries():
            if self._is_expired(transaction):
                expired.setdefault(owned, []).append(transaction)
        for owned, transactions in expired.items():
            for batch in _batches(transactions):
                # Others had their turn meanwhile, and until theirs has come they are anybody's.
                if self.ownership.still_owns(owned):
                    await self._remove(owned, [each for each in batch if self._is_expired(each)])

    def _is_expired(self, transaction: Transaction) -> bool:
        return is_expired(transaction, self.clock_ms(), self.config.transactional_id_expiration_ms)

    async def _remove(self, owned: TransactionPartition, transactions: list[Transaction]) -> None:
        if not transactions:
            return
        for transaction in transactions:
            transaction.begin(expire(transaction))
        error = await self.store.outcome(self.store.append_tombstones(owned, transactions))
        if error is not ErrorCode.NONE:
            for transaction in transactions:
                transaction.abandon()
            return
        for transaction in transactions:
            del owned.entries[transaction.transactional_id]
        self.recorder(
            "transaction.expired",
            partition=owned.partition,
            transactional_ids=[each.transactional_id for each in transactions],
        )


def _batches(transactions: Iterable[Transaction]) -> Iterator[list[Transaction]]:
    batch: list[Transaction] = []
    size = 0
    for transaction in transactions:
        id_bytes = len(transaction.transactional_id.encode())
        if batch and size + id_bytes > MAX_BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(transaction)
        size += id_bytes
    if batch:
        yield batch
