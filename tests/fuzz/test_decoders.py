"""Every reader of bytes, in this process: a share of the cases each, and the memory afterwards."""

import gc
import logging
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fuzz.chosen import cases, seed
from tests.fuzz.progress import Progress
from tests.fuzz.targets import every_target
from tests.support.memory import resident_mb

FEW, MANY = 18_000, 180_000  # the broker of test_broker has the rest
MOST_GROWTH_MB = 30


@pytest.fixture(autouse=True)
def unlogged(caplog: pytest.LogCaptureFixture) -> None:
    """pytest would keep each of a loader's words about what it has cut."""
    caplog.set_level(logging.CRITICAL)


@pytest.mark.long
def test_a_few(tmp_path: Path, say: Callable[[str], None]) -> None:
    run(tmp_path, seed(39), FEW, say)


@pytest.mark.matrix
@pytest.mark.timeout(1800)
def test_many(tmp_path: Path, say: Callable[[str], None]) -> None:
    run(tmp_path, seed(40), cases(MANY, share=0.9), say)


def run(directory: Path, seed: int, count: int, say: Callable[[str], None]) -> None:
    rng = random.Random(seed)
    with every_target(directory) as targets:
        shares = sum(target.share for target in targets)
        for target in targets:
            target.run(rng, count // 100)  # readers are compiled, pools are filled
        gc.collect()
        before_mb = resident_mb()
        progress = Progress("cases in this process", count, say)
        outcomes = {
            target.name: target.run(rng, count * target.share // shares, progress)
            for target in targets
        }
        gc.collect()
        grown_mb = resident_mb() - before_mb
    print(
        f"{progress.done} cases of seed {seed}, {progress.rate()}, "
        f"{before_mb:.0f} MB and {grown_mb:+.0f} MB: {outcomes}"
    )
    assert grown_mb < MOST_GROWTH_MB
    # Both ways are exercised.
    assert all(outcome["read"] for outcome in outcomes.values()), outcomes
    announcing = [target.name for target in targets if target.announced]
    assert all(outcomes[name]["refused"] for name in announcing), outcomes
