"""The cluster that says what a test wants, and the clock that rounds wait by."""

from collections.abc import Iterator

import pytest

from cli.commands import repeating
from tests.cli.commands.canned import Canned, canned_cluster
from tests.cli.commands.rounds_clock import RoundsClock


@pytest.fixture
def canned() -> Iterator[Canned]:
    with canned_cluster() as cluster:
        yield cluster


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> RoundsClock:
    clock = RoundsClock()
    monkeypatch.setattr(repeating, "time", clock)
    return clock
