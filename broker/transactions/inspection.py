"""ListTransactions and DescribeTransactions: what tools ask about transactions (KIP-664).

While a transaction is being ended its partitions are those that have no marker yet.

Source: Kafka's listTransactionStates (TransactionStateManager), handleDescribeTransactions.
"""

from collections.abc import Collection, Iterable
from typing import Final

import attrs

from broker.transactions.transaction import Transaction
from broker.transactions.transaction_states import DEAD, TransactionState

ANY_DURATION: Final = -1

_NAMES: Final = frozenset(state.value for state in TransactionState)


@attrs.frozen
class Filters:
    """Which transactions one wants to see; empty is all.

    longer_than_ms: since it began, also if it has ended. One that has not begun since the year 1970
    is as old as that, as in Kafka.
    """

    states: Collection[str] = ()
    producer_ids: Collection[int] = ()
    longer_than_ms: int = ANY_DURATION

    @property
    def unknown_states(self) -> list[str]:
        """Names of states that there are not."""
        return [name for name in dict.fromkeys(self.states) if name not in _NAMES]

    def select(self, transactions: Iterable[Transaction], now_ms: int) -> list[Transaction]:
        return [
            each
            for each in transactions
            if each.state is not DEAD
            and (not self.producer_ids or each.producer_id in self.producer_ids)
            and (not self.states or each.state.value in self.states)
            and (self.longer_than_ms < 0 or now_ms - each.start_ms > self.longer_than_ms)
        ]
