"""The cluster that says what a test wants."""

from collections.abc import Iterator

import pytest

from tests.cli.commands.canned import Canned, canned_cluster


@pytest.fixture
def canned() -> Iterator[Canned]:
    with canned_cluster() as cluster:
        yield cluster
