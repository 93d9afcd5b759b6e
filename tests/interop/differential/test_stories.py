"""Several requests of a family in a row, where one depends on what the one before did.

A story has a group, a transactional id and a producer of its own (`this`), which its requests
mostly are about: joining and leaving, appending in sequence, beginning and ending transactions. Its
requests are of any version.
"""

from typing import Any, Final

import pytest
from hypothesis import strategies as st

from broker.wire.apis import API_TABLE, ApiKey
from tests.interop.differential.comparing import Comparison
from tests.interop.differential.examples import examples
from tests.interop.differential.making import requests
from tests.interop.differential.symbols import about
from tests.interop.differential.world import World

pytestmark = [pytest.mark.server, pytest.mark.matrix, pytest.mark.timeout(600)]

FAMILIES: Final[dict[str, list[ApiKey]]] = {
    "a log": [
        *[ApiKey.PRODUCE] * 3,
        *[ApiKey.FETCH] * 2,
        ApiKey.LIST_OFFSETS,
        ApiKey.DELETE_RECORDS,
        ApiKey.OFFSET_FOR_LEADER_EPOCH,
        ApiKey.DESCRIBE_PRODUCERS,
    ],
    "a fetch session": [*[ApiKey.FETCH] * 5, ApiKey.PRODUCE],
    "a group": [
        *[ApiKey.JOIN_GROUP] * 3,
        *[ApiKey.SYNC_GROUP] * 2,
        ApiKey.HEARTBEAT,
        ApiKey.LEAVE_GROUP,
        ApiKey.OFFSET_COMMIT,
        ApiKey.OFFSET_FETCH,
        ApiKey.DESCRIBE_GROUPS,
        ApiKey.DELETE_GROUPS,
        ApiKey.OFFSET_DELETE,
    ],
    "a transaction": [
        *[ApiKey.INIT_PRODUCER_ID] * 2,
        *[ApiKey.ADD_PARTITIONS_TO_TXN] * 2,
        *[ApiKey.PRODUCE] * 2,
        ApiKey.ADD_OFFSETS_TO_TXN,
        ApiKey.TXN_OFFSET_COMMIT,
        *[ApiKey.END_TXN] * 2,
        ApiKey.WRITE_TXN_MARKERS,
        ApiKey.FETCH,
        ApiKey.LIST_OFFSETS,
        ApiKey.OFFSET_FETCH,
        ApiKey.DESCRIBE_PRODUCERS,
        ApiKey.DESCRIBE_TRANSACTIONS,
        ApiKey.LIST_TRANSACTIONS,
    ],
}

MANY = 15  # stories of each family
LENGTH = 8


@pytest.mark.parametrize("family", FAMILIES)
def test_many(world: World, chosen_seed: int, chosen_examples: int | None, family: str) -> None:
    comparison = Comparison(world.pair)
    tell_stories(comparison, world, family, chosen_seed, chosen_examples or MANY)
    assert comparison.answered > comparison.asked / 2
    comparison.check()


def tell_stories(comparison: Comparison, world: World, family: str, seed: int, count: int) -> None:
    for story in examples(stories(family), seed, count):
        world.next_example()
        for key, version, request in story:
            comparison.ask(key, version, request)


def stories(family: str) -> st.SearchStrategy[list[tuple[ApiKey, int, Any]]]:
    return st.lists(
        st.sampled_from(FAMILIES[family]).flatmap(steps), min_size=LENGTH, max_size=LENGTH
    )


def steps(key: ApiKey) -> st.SearchStrategy[tuple[ApiKey, int, Any]]:
    """A request of any version, three times of four about `this` wherever it has a symbol."""
    api = API_TABLE[key]
    versions = st.integers(api.versions.first, api.max_version)
    of_this = st.sampled_from([True, True, True, False])
    return versions.flatmap(
        lambda version: st.builds(
            lambda request, mine: (key, version, about("this", request) if mine else request),
            requests(key, version),
            of_this,
        )
    )
