"""DescribeClientQuotas: what clients, users and addresses may use (KIP-546).

`entity_type`: user, client-id or ip.  `match_type`: 0 this name, 1 the default, 2 any name.  With
`strict`, entities that have another type besides are left out.

Versions:
       0
       1  flexible
"""

from broker.wire.schema import (
    BOOL,
    FLOAT64,
    INT8,
    INT16,
    INT32,
    STRING,
    array,
    message,
    struct,
    wire,
)


@struct
class ComponentData:
    entity_type: str = wire(STRING, "0+")
    match_type: int = wire(INT8, "0+")
    match: str | None = wire(STRING, "0+", nullable="0+")


@message(versions="0-1", flexible="1+")
class DescribeClientQuotasRequest:
    components: list[ComponentData] = wire(array(ComponentData), "0+")
    strict: bool = wire(BOOL, "0+")


@struct
class EntityData:
    entity_type: str = wire(STRING, "0+")
    entity_name: str | None = wire(STRING, "0+", nullable="0+")  # null: the default


@struct
class ValueData:
    key: str = wire(STRING, "0+")
    value: float = wire(FLOAT64, "0+")


@struct
class EntryData:
    entity: list[EntityData] = wire(array(EntityData), "0+")
    values: list[ValueData] = wire(array(ValueData), "0+")


@message(versions="0-1", flexible="1+")
class DescribeClientQuotasResponse:
    throttle_time_ms: int = wire(INT32, "0+")
    error_code: int = wire(INT16, "0+")
    error_message: str | None = wire(STRING, "0+", nullable="0+")
    entries: list[EntryData] | None = wire(array(EntryData), "0+", nullable="0+")
