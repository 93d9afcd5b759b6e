"""`__transaction_state`, the topic that is the transaction coordinator's memory."""

from typing import Final

TRANSACTIONS_TOPIC: Final = "__transaction_state"
