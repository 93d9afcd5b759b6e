"""Each workload runs on both kinds, with tiny sizes: the benchmark is not to rot between releases.

No figure is looked at beyond its being a number: what is measured here means nothing.
"""

import math

import pytest

from tests.bench.contenders import KINDS, Kind
from tests.bench.size import TINY
from tests.bench.suites import WORKLOADS
from tests.bench.turns import one_turn

pytestmark = [pytest.mark.server, pytest.mark.matrix]


@pytest.mark.parametrize("kind", KINDS)
def test_each_workload_gives_its_figures(kind: Kind) -> None:
    figures = list(one_turn(kind, list(WORKLOADS.values()), TINY))
    assert {figure.workload for figure in figures} == WORKLOADS.keys()
    assert all(math.isfinite(figure.value) for figure in figures)
    assert len({figure.name for figure in figures}) == len(figures)
