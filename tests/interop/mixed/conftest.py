"""The mixed ensembles, and a topic of each test's own in them, under a load that never stops."""

from collections.abc import Iterator

import pytest

from tests.interop.faults.conftest import load, topic, watch
from tests.interop.mixed.ensembles import ENSEMBLES, PROPERTIES
from tests.support.cluster import TestCluster, running_cluster

__all__ = ["load", "topic", "watch"]


@pytest.fixture(scope="package", params=ENSEMBLES)
def cluster(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TestCluster]:
    """Three brokers of two kinds, shared by all tests that break nobody."""
    directory = tmp_path_factory.mktemp(request.param)
    with running_cluster(ENSEMBLES[request.param], directory, properties=PROPERTIES) as cluster:
        yield cluster
