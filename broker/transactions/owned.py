"""The partitions of `__transaction_state` that this broker leads, and their transactional ids."""

from broker.coordinators.ownership import OwnedPartition, Ownership
from broker.transactions.transaction import Transaction

TransactionPartition = OwnedPartition[Transaction]
Transactions = Ownership[TransactionPartition, Transaction]
