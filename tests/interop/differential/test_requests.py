"""Every API of the data plane, each of its versions: single requests, one after the other.

What one request does the next one finds, in both brokers; the groups and ids called `this` are new
with each.
"""

from typing import Final

import pytest

from broker.wire.apis import API_TABLE, ApiKey
from tests.interop.differential.comparing import Comparison
from tests.interop.differential.examples import examples
from tests.interop.differential.making import requests
from tests.interop.differential.world import World

pytestmark = [pytest.mark.server, pytest.mark.matrix, pytest.mark.timeout(600)]

DATA_PLANE: Final = [
    ApiKey.PRODUCE,
    ApiKey.FETCH,
    ApiKey.LIST_OFFSETS,
    ApiKey.METADATA,
    ApiKey.OFFSET_COMMIT,
    ApiKey.OFFSET_FETCH,
    ApiKey.FIND_COORDINATOR,
    ApiKey.JOIN_GROUP,
    ApiKey.HEARTBEAT,
    ApiKey.LEAVE_GROUP,
    ApiKey.SYNC_GROUP,
    ApiKey.DESCRIBE_GROUPS,
    ApiKey.LIST_GROUPS,
    ApiKey.API_VERSIONS,
    ApiKey.DELETE_RECORDS,
    ApiKey.INIT_PRODUCER_ID,
    ApiKey.OFFSET_FOR_LEADER_EPOCH,
    ApiKey.ADD_PARTITIONS_TO_TXN,
    ApiKey.ADD_OFFSETS_TO_TXN,
    ApiKey.END_TXN,
    ApiKey.WRITE_TXN_MARKERS,
    ApiKey.TXN_OFFSET_COMMIT,
    ApiKey.DESCRIBE_LOG_DIRS,
    ApiKey.ALTER_REPLICA_LOG_DIRS,  # after it, for a move goes on behind its answer
    ApiKey.DELETE_GROUPS,
    ApiKey.OFFSET_DELETE,
    ApiKey.DESCRIBE_CLUSTER,
    ApiKey.DESCRIBE_PRODUCERS,
    ApiKey.DESCRIBE_TRANSACTIONS,
    ApiKey.LIST_TRANSACTIONS,
]

MANY = 10  # examples of each version


@pytest.mark.parametrize("key", DATA_PLANE, ids=lambda key: API_TABLE[key].name)
def test_many(world: World, chosen_seed: int, chosen_examples: int | None, key: ApiKey) -> None:
    comparison = Comparison(world.pair)
    ask_each_version(comparison, world, key, chosen_seed, chosen_examples or MANY)
    assert comparison.answered > comparison.asked / 2
    comparison.check()


def ask_each_version(
    comparison: Comparison, world: World, key: ApiKey, seed: int, count: int
) -> None:
    """`count` requests of each version, the oldest first."""
    api = API_TABLE[key]
    for version in range(api.versions.first, api.max_version + 1):
        for request in examples(requests(key, version), seed + version, count):
            world.next_example()
            comparison.ask(key, version, request)
