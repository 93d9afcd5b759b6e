"""AlterClientQuotas: set or remove what clients, users and addresses may use (KIP-546).

Entity types are those of DescribeClientQuotas.

Versions:
       0
       1  flexible
"""

from broker.wire.schema import BOOL, FLOAT64, INT16, INT32, STRING, array, message, struct, wire


@struct
class RequestEntityData:
    entity_type: str = wire(STRING, "0+")
    entity_name: str | None = wire(STRING, "0+", nullable="0+")  # null: the default


@struct
class OpData:
    key: str = wire(STRING, "0+")
    value: float = wire(FLOAT64, "0+")
    remove: bool = wire(BOOL, "0+")


@struct
class RequestEntryData:
    entity: list[RequestEntityData] = wire(array(RequestEntityData), "0+")
    ops: list[OpData] = wire(array(OpData), "0+")


@message(versions="0-1", flexible="1+")
class AlterClientQuotasRequest:
    entries: list[RequestEntryData] = wire(array(RequestEntryData), "0+")
    validate_only: bool = wire(BOOL, "0+")


@struct
class ResponseEntityData:
    entity_type: str = wire(STRING, "0+")
    entity_name: str | None = wire(STRING, "0+", nullable="0+")


@struct
class ResponseEntryData:
    error_code: int = wire(INT16, "0+")
    error_message: str | None = wire(STRING, "0+", nullable="0+")
    entity: list[ResponseEntityData] = wire(array(ResponseEntityData), "0+")


@message(versions="0-1", flexible="1+")
class AlterClientQuotasResponse:
    throttle_time_ms: int = wire(INT32, "0+")
    entries: list[ResponseEntryData] = wire(array(ResponseEntryData), "0+")
