"""FindCoordinator: which broker coordinates a group or a transactional id.

`key_type` 0 is a group, 1 a transactional id, 2 (version 6) a share group.

Versions:
       0  one `key`, a group; the answer is in the response itself
       1  `key_type`; an error message
       3  flexible
       4  several keys, each with its answer in `coordinators` (KIP-699); the single fields are gone
       5  the client understands TRANSACTION_ABORTABLE (KIP-890)
       6  share groups (KIP-932), which a 3.9 broker in ZooKeeper mode does not have
"""

from broker.wire.schema import INT8, INT16, INT32, STRING, array, message, struct, wire


@message(versions="0-6", flexible="3+")
class FindCoordinatorRequest:
    key: str = wire(STRING, "0-3")
    key_type: int = wire(INT8, "1+")
    coordinator_keys: list[str] = wire(array(STRING), "4+")


@struct
class Coordinator:
    key: str = wire(STRING, "4+")
    node_id: int = wire(INT32, "4+")
    host: str = wire(STRING, "4+")
    port: int = wire(INT32, "4+")
    error_code: int = wire(INT16, "4+")
    error_message: str | None = wire(STRING, "4+", nullable="4+", ignorable=True)


@message(versions="0-6", flexible="3+")
class FindCoordinatorResponse:
    throttle_time_ms: int = wire(INT32, "1+", ignorable=True)
    error_code: int = wire(INT16, "0-3")
    error_message: str | None = wire(STRING, "1-3", nullable="1-3", ignorable=True)
    node_id: int = wire(INT32, "0-3")
    host: str = wire(STRING, "0-3")
    port: int = wire(INT32, "0-3")
    coordinators: list[Coordinator] = wire(array(Coordinator), "4+")  # one for each key
