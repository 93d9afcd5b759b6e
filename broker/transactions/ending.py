"""Ending a transaction: decided in the log first, then told to every partition, then over.

    EndTxn ──▶ PrepareCommit or PrepareAbort is replicated ──▶ the client is answered
                        │
                        │   one task for each transaction that is being ended, to which there is no
                        │   deadline: only the loss of its partition ends it early
                        ▼
               markers.deliver: every partition has its marker
                        ▼
               CompleteCommit or CompleteAbort is replicated; until then, written again

The next coordinator finds PrepareCommit or PrepareAbort in the log and takes it from there: a
partition may get the marker twice, which changes nothing. So does one that finds its own record not
replicated in time: an outcome that is prepared is never taken back.

Whose transaction is aborted over his head is fenced before that is written (`decisions.fence`).

Source: Kafka's `endTransaction` in TransactionCoordinator, `tryAppendToLog` in
TransactionMarkerChannelManager.
"""

from collections.abc import Callable
from typing import Final

import attrs
import trio

from broker.coordinators.background import Background
from broker.coordinators.one_answer import OneAnswer
from broker.transactions.decisions import fence, finish
from broker.transactions.markers import Markers
from broker.transactions.owned import TransactionPartition, Transactions
from broker.transactions.storing import TransactionStore
from broker.transactions.transaction import Transaction, Transition
from broker.wire.errors import ErrorCode
from coordination.values import Recorder

RETRY_BACKOFF_S: Final = 0.1


@attrs.frozen
class Ending:
    """Ends transactions of owned partitions."""

    store: TransactionStore
    ownership: Transactions
    markers: Markers
    background: Background
    recorder: Recorder
    clock_ms: Callable[[], int]

    async def end(
        self,
        owned: TransactionPartition,
        transaction: Transaction,
        transition: Transition,
        *,
        fenced: str | None = None,
    ) -> ErrorCode:
        """Prepare what was decided; answered when that is in the log, and goes on behind it.

        `fenced`: the event that says so, if nobody but this coordinator has decided it.
        """
        transaction.begin(transition)
        write = self.store.append(owned, transaction, is_ours=fenced is not None)
        prepared = OneAnswer[ErrorCode]()

        async def go_on() -> None:
            error = await self.store.settle(write, transaction)
            # Then the bumped epoch was given to nobody: who aborts next need not bump it again.
            transaction.has_failed_fence = fenced is not None and error is not ErrorCode.NONE
            prepared.answer(error)
            if error is ErrorCode.NONE:
                transaction.begin(finish(transaction, self.clock_ms()))
                await self._finish(owned, transaction, fenced)

        self.background.start(go_on)
        return await prepared.wait()

    async def abort(
        self, owned: TransactionPartition, transaction: Transaction, reason: str
    ) -> ErrorCode:
        """Abort an open transaction over its producer's head; answered as `end`."""
        transition = fence(transaction, self.clock_ms())
        fenced = self.recorder(
            "transaction.fenced",
            transactional_id=transaction.transactional_id,
            producer_id=transition.producer_id,
            producer_epoch=transition.producer_epoch,
            reason=reason,
        )
        return await self.end(owned, transaction, transition, fenced=fenced)

    def resume(self, owned: TransactionPartition, transaction: Transaction, cause: str) -> None:
        """Go on with a transaction that was found prepared."""
        transaction.begin(finish(transaction, self.clock_ms()))
        self.background.start(self._finish, owned, transaction, cause)

    async def _finish(
        self, owned: TransactionPartition, transaction: Transaction, cause: str | None
    ) -> None:
        """From prepared to complete; it is pending already. Without a cause its producer ends it,
        and that is not told."""
        if not await self.markers.deliver(owned, transaction, cause):
            return
        while self.ownership.still_owns(owned):
            write = self.store.append(owned, transaction, is_ours=True)
            if await self.store.outcome(write) is ErrorCode.NONE:
                transaction.complete()
                if cause is not None:
                    self.recorder(
                        "transaction.ended",
                        cause=cause,
                        transactional_id=transaction.transactional_id,
                        state=transaction.state.value,
                    )
                return
            await trio.sleep(RETRY_BACKOFF_S)
