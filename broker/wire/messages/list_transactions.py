"""ListTransactions: the transactional ids that this broker coordinates (KIP-664).

Versions:
       1  `duration_filter`: only those that began longer ago, in ms; negative for all (KIP-994)
"""

from broker.wire.schema import INT16, INT32, INT64, STRING, array, message, struct, wire


@message(versions="0-1", flexible="0+")
class ListTransactionsRequest:
    state_filters: list[str] = wire(array(STRING), "0+")
    producer_id_filters: list[int] = wire(array(INT64), "0+")
    duration_filter: int = wire(INT64, "1+", default=-1)


@struct
class TransactionState:
    transactional_id: str = wire(STRING, "0+")
    producer_id: int = wire(INT64, "0+")
    transaction_state: str = wire(STRING, "0+")


@message(versions="0-1", flexible="0+")
class ListTransactionsResponse:
    throttle_time_ms: int = wire(INT32, "0+")
    error_code: int = wire(INT16, "0+")
    unknown_state_filters: list[str] = wire(array(STRING), "0+")
    transaction_states: list[TransactionState] = wire(array(TransactionState), "0+")
