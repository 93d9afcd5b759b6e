"""Which permission each API needs: the table, beside the one of handlers.

    request ─► dispatch ───────────► handler ───────────────────────► answer
                  │ the whole           │ each topic, group, .. in it
                  ▼                     ▼
           may he? else the     may he? else the error code of that
           whole's error code   resource, and the others go on

A need that names its resource by the request (`whole`) is asked by `dispatch` before the handler
runs; the others are asked by the handler for each resource, through `RequestContext.may` and
`require`, which find the operation here. Who decides is `Broker.authorizer`; without one everything
is allowed, as in Kafka without `authorizer.class.name`.

Numbers and names of operations and resources are those of ACLs. Kafka: `KafkaApis`, where each
handler has its checks; KIP-11, KIP-277, KIP-290, KIP-430.
"""

from collections.abc import Callable
from enum import IntEnum
from typing import Any, Final

import attrs

from broker.wire.apis import ApiKey
from broker.wire.errors import ErrorCode


class Operation(IntEnum):
    READ = 3
    WRITE = 4
    CREATE = 5
    DELETE = 6
    ALTER = 7
    DESCRIBE = 8
    CLUSTER_ACTION = 9
    DESCRIBE_CONFIGS = 10
    ALTER_CONFIGS = 11
    IDEMPOTENT_WRITE = 12


class Resource(IntEnum):
    TOPIC = 2
    GROUP = 3
    CLUSTER = 4  # has one name: CLUSTER_NAME
    TRANSACTIONAL_ID = 5


CLUSTER_NAME: Final = "kafka-cluster"

# What there is to do with a resource; who asks may be told which of it he may (KIP-430).
OPERATIONS: Final = {
    Resource.TOPIC: (
        Operation.READ,
        Operation.WRITE,
        Operation.CREATE,
        Operation.DELETE,
        Operation.ALTER,
        Operation.DESCRIBE,
        Operation.DESCRIBE_CONFIGS,
        Operation.ALTER_CONFIGS,
    ),
    Resource.GROUP: (Operation.READ, Operation.DELETE, Operation.DESCRIBE),
    Resource.CLUSTER: (
        Operation.CREATE,
        Operation.ALTER,
        Operation.DESCRIBE,
        Operation.CLUSTER_ACTION,
        Operation.DESCRIBE_CONFIGS,
        Operation.ALTER_CONFIGS,
        Operation.IDEMPOTENT_WRITE,
    ),
}

# What whoever lacks a permission is told.
DENIED: Final = {
    Resource.TOPIC: ErrorCode.TOPIC_AUTHORIZATION_FAILED,
    Resource.GROUP: ErrorCode.GROUP_AUTHORIZATION_FAILED,
    Resource.CLUSTER: ErrorCode.CLUSTER_AUTHORIZATION_FAILED,
    Resource.TRANSACTIONAL_ID: ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
}


@attrs.frozen
class Need:
    """A permission. `name_of` the request: for all of it; None: the handler asks for each."""

    operation: Operation
    resource: Resource
    name_of: Callable[[Any], str] | None = None


_O, _R = Operation, Resource

_READ_GROUP: Final = Need(_O.READ, _R.GROUP, lambda request: request.group_id)


def _each(operation: Operation, resource: Resource) -> Need:
    return Need(operation, resource)


def _cluster(operation: Operation) -> Need:
    return Need(operation, _R.CLUSTER, lambda _: CLUSTER_NAME)


NEEDS: Final[dict[ApiKey, tuple[Need, ...]]] = {
    # Records. A follower's fetch needs the cluster's permission instead of the topic's.
    ApiKey.PRODUCE: (_each(_O.WRITE, _R.TOPIC), _each(_O.WRITE, _R.TRANSACTIONAL_ID)),
    ApiKey.FETCH: (_each(_O.READ, _R.TOPIC), _each(_O.CLUSTER_ACTION, _R.CLUSTER)),
    ApiKey.LIST_OFFSETS: (_each(_O.DESCRIBE, _R.TOPIC),),
    ApiKey.DELETE_RECORDS: (_each(_O.DELETE, _R.TOPIC),),
    ApiKey.OFFSET_FOR_LEADER_EPOCH: (
        _each(_O.DESCRIBE, _R.TOPIC),
        _each(_O.CLUSTER_ACTION, _R.CLUSTER),
    ),
    ApiKey.INIT_PRODUCER_ID: (
        _each(_O.WRITE, _R.TRANSACTIONAL_ID),
        _each(_O.IDEMPOTENT_WRITE, _R.CLUSTER),
    ),
    # Transactions. Brokers that add partitions, or verify them, need the cluster's permission.
    ApiKey.ADD_PARTITIONS_TO_TXN: (
        _each(_O.WRITE, _R.TRANSACTIONAL_ID),
        _each(_O.WRITE, _R.TOPIC),
        _each(_O.CLUSTER_ACTION, _R.CLUSTER),
    ),
    ApiKey.ADD_OFFSETS_TO_TXN: (
        _each(_O.WRITE, _R.TRANSACTIONAL_ID),
        _each(_O.READ, _R.GROUP),
    ),
    ApiKey.END_TXN: (_each(_O.WRITE, _R.TRANSACTIONAL_ID),),
    ApiKey.DESCRIBE_TRANSACTIONS: (
        _each(_O.DESCRIBE, _R.TRANSACTIONAL_ID),
        _each(_O.DESCRIBE, _R.TOPIC),
    ),
    ApiKey.LIST_TRANSACTIONS: (_each(_O.DESCRIBE, _R.TRANSACTIONAL_ID),),
    # Topics. Who may create in the cluster may create any topic.
    ApiKey.METADATA: (
        _each(_O.DESCRIBE, _R.TOPIC),
        _each(_O.CREATE, _R.TOPIC),
        _each(_O.CREATE, _R.CLUSTER),
    ),
    ApiKey.CREATE_TOPICS: (
        _each(_O.CREATE, _R.TOPIC),
        _each(_O.CREATE, _R.CLUSTER),
        _each(_O.DESCRIBE_CONFIGS, _R.TOPIC),
    ),
    ApiKey.DELETE_TOPICS: (_each(_O.DELETE, _R.TOPIC), _each(_O.DESCRIBE, _R.TOPIC)),
    ApiKey.CREATE_PARTITIONS: (_each(_O.ALTER, _R.TOPIC),),
    ApiKey.DESCRIBE_CONFIGS: (
        _each(_O.DESCRIBE_CONFIGS, _R.TOPIC),
        _each(_O.DESCRIBE_CONFIGS, _R.CLUSTER),
    ),
    ApiKey.ALTER_CONFIGS: (
        _each(_O.ALTER_CONFIGS, _R.TOPIC),
        _each(_O.ALTER_CONFIGS, _R.CLUSTER),
    ),
    ApiKey.INCREMENTAL_ALTER_CONFIGS: (
        _each(_O.ALTER_CONFIGS, _R.TOPIC),
        _each(_O.ALTER_CONFIGS, _R.CLUSTER),
    ),
    # Groups. Who may describe the cluster may list all of them.
    ApiKey.FIND_COORDINATOR: (
        _each(_O.DESCRIBE, _R.GROUP),
        _each(_O.DESCRIBE, _R.TRANSACTIONAL_ID),
    ),
    ApiKey.JOIN_GROUP: (_READ_GROUP,),
    ApiKey.SYNC_GROUP: (_READ_GROUP,),
    ApiKey.HEARTBEAT: (_READ_GROUP,),
    ApiKey.LEAVE_GROUP: (_READ_GROUP,),
    ApiKey.OFFSET_COMMIT: (_each(_O.READ, _R.GROUP), _each(_O.READ, _R.TOPIC)),
    ApiKey.OFFSET_FETCH: (_each(_O.DESCRIBE, _R.GROUP), _each(_O.DESCRIBE, _R.TOPIC)),
    ApiKey.TXN_OFFSET_COMMIT: (
        _each(_O.WRITE, _R.TRANSACTIONAL_ID),
        _each(_O.READ, _R.GROUP),
        _each(_O.READ, _R.TOPIC),
    ),
    ApiKey.DESCRIBE_GROUPS: (_each(_O.DESCRIBE, _R.GROUP),),
    ApiKey.LIST_GROUPS: (_each(_O.DESCRIBE, _R.CLUSTER), _each(_O.DESCRIBE, _R.GROUP)),
    ApiKey.DELETE_GROUPS: (_each(_O.DELETE, _R.GROUP),),
    ApiKey.OFFSET_DELETE: (_each(_O.DELETE, _R.GROUP), _each(_O.READ, _R.TOPIC)),
    # The cluster.
    ApiKey.ELECT_LEADERS: (_each(_O.ALTER, _R.CLUSTER),),
    ApiKey.UPDATE_FEATURES: (_cluster(_O.ALTER),),
    ApiKey.ALTER_REPLICA_LOG_DIRS: (_each(_O.ALTER, _R.CLUSTER),),
    ApiKey.DESCRIBE_LOG_DIRS: (_cluster(_O.DESCRIBE),),
    ApiKey.ALTER_PARTITION_REASSIGNMENTS: (_cluster(_O.ALTER),),
    ApiKey.LIST_PARTITION_REASSIGNMENTS: (_cluster(_O.DESCRIBE),),
    ApiKey.DESCRIBE_CLIENT_QUOTAS: (_cluster(_O.DESCRIBE_CONFIGS),),
    ApiKey.ALTER_CLIENT_QUOTAS: (_each(_O.ALTER_CONFIGS, _R.CLUSTER),),
    ApiKey.DESCRIBE_USER_SCRAM_CREDENTIALS: (_cluster(_O.DESCRIBE),),
    ApiKey.ALTER_USER_SCRAM_CREDENTIALS: (_each(_O.ALTER, _R.CLUSTER),),
    # Transactions. Who may alter the cluster may end one that hangs, like the coordinator.
    ApiKey.DESCRIBE_PRODUCERS: (_each(_O.READ, _R.TOPIC),),
    ApiKey.WRITE_TXN_MARKERS: (
        _each(_O.ALTER, _R.CLUSTER),
        _each(_O.CLUSTER_ACTION, _R.CLUSTER),
    ),
    # Between brokers.
    ApiKey.LEADER_AND_ISR: (_cluster(_O.CLUSTER_ACTION),),
    ApiKey.STOP_REPLICA: (_cluster(_O.CLUSTER_ACTION),),
    ApiKey.UPDATE_METADATA: (_cluster(_O.CLUSTER_ACTION),),
    ApiKey.CONTROLLED_SHUTDOWN: (_cluster(_O.CLUSTER_ACTION),),
    ApiKey.ALTER_PARTITION: (_cluster(_O.CLUSTER_ACTION),),
    ApiKey.ALLOCATE_PRODUCER_IDS: (_cluster(_O.CLUSTER_ACTION),),
    # Open to everyone, or refused to everyone.
    ApiKey.API_VERSIONS: (),
    ApiKey.DESCRIBE_CLUSTER: (),
    ApiKey.ENVELOPE: (),
    ApiKey.CONSUMER_GROUP_HEARTBEAT: (),
    ApiKey.CONSUMER_GROUP_DESCRIBE: (),
}


def needed(api_key: ApiKey, resource: Resource, operation: Operation | None) -> Operation:
    """The operation that the API needs for a resource; `operation` if the table has several."""
    operations = [need.operation for need in NEEDS[api_key] if need.resource is resource]
    if operation is None:
        (operation,) = operations
    assert operation in operations, f"{api_key.name} has no row for {operation!r} of {resource!r}"
    return operation
