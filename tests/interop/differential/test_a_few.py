"""A few requests of each version of each API, and a few stories: what `make test` has time for.

All in one world, so that brokers are started and topics made once.
"""

import pytest

from tests.interop.differential.comparing import Comparison
from tests.interop.differential.differences import DELIBERATE
from tests.interop.differential.examples import USUAL_SEED
from tests.interop.differential.normalising import RULES
from tests.interop.differential.test_requests import DATA_PLANE, ask_each_version
from tests.interop.differential.test_stories import FAMILIES, tell_stories
from tests.interop.differential.world import World

pytestmark = [pytest.mark.server, pytest.mark.timeout(300)]

FEW = 3

# What so few requests don't always need.
SELDOM = {
    "a producer's id",
    "room on the disk",
    "the order of the APIs",
    "sizes of what brokers compress",
    "sizes of an earlier test's logs",
    "groups without a name in ZooKeeper",
    "the order of stored offsets",
    "the order of what is stored",
    "a message larger than asked for",
    "what is before zstd",
    "sequence numbers of a group's offsets",
}


def test_a_few(world: World, chosen_seed: int) -> None:
    comparison = Comparison(world.pair)
    for key in DATA_PLANE:
        ask_each_version(comparison, world, key, chosen_seed, FEW)
    for family in FAMILIES:
        tell_stories(comparison, world, family, chosen_seed, FEW)
    print(f"{comparison.asked} requests; forgiven: {sorted(comparison.needed)}")
    assert comparison.answered > comparison.asked * 0.9
    comparison.check()
    if chosen_seed == USUAL_SEED:
        needed = {name for name, _ in comparison.needed}
        assert {each.name for each in (*RULES, *DELIBERATE)} - SELDOM <= needed, "for nothing"
