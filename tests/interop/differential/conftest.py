"""One pair of brokers for all tests here, and how many examples they take."""

import os
import re
from collections.abc import Iterator

import pytest

from tests.interop.differential.examples import USUAL_SEED
from tests.interop.differential.pair import Pair, running_pair
from tests.interop.differential.world import World
from tests.support.server import ServerProcess


@pytest.fixture(scope="session")
def pair(
    zookeeper_server: ServerProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    zookeeper = f"127.0.0.1:{zookeeper_server.port}/differential"
    with running_pair(zookeeper, tmp_path_factory.mktemp("differential")) as pair:
        yield pair


@pytest.fixture
def world(pair: Pair, request: pytest.FixtureRequest) -> World:
    """Topics, groups and transactions of this test's own."""
    world = World(pair, re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-"))
    world.make()
    return world


@pytest.fixture(scope="session")
def chosen_seed() -> int:
    return int(os.environ.get("ZBROKER_DIFFERENTIAL_SEED", USUAL_SEED))


@pytest.fixture(scope="session")
def chosen_examples() -> int | None:
    """How many examples a test is to take; None: as many as it says."""
    chosen = os.environ.get("ZBROKER_DIFFERENTIAL_EXAMPLES")
    return None if chosen is None else int(chosen)
