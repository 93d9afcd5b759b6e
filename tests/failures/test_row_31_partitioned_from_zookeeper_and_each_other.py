"""Row 31: links fail, some brokers can reach ZooKeeper and others each other, and two of them lead.

Source: Honeycomb's post-mortem of 2017
(https://honeycomb.io/blog/bitten-by-a-kafka-bug-postmortem): after a partition from ZooKeeper a
leader went on that was none any more, and writes were lost.

Provoked by chance: links between brokers are cut, one way or both, or slow; brokers are cut off
ZooKeeper, others or both; and mended again. In the simulation with many seeds; with real processes
behind proxies (test_row_32). All that was acknowledged is read in the end, where it was promised;
an epoch has one leader, and only that one commits in it (the checker looks at all replicas).
"""

from functools import partial
from pathlib import Path

import pytest

from tests.simulation import chance
from tests.simulation.client import Acknowledged
from tests.simulation.stage import Stage, play

# One short story in every run of the tests, many long ones in the matrix: seed and steps.
STORIES = [(1, 8), *(pytest.param(seed, 25, marks=pytest.mark.matrix) for seed in range(100, 160))]


@pytest.mark.parametrize(("seed", "steps"), STORIES)
@pytest.mark.long
def test_what_is_acknowledged_is_read(tmp_path: Path, seed: int, steps: int) -> None:
    configs = {"min_insync_replicas": "2"}
    play(partial(story, steps=steps, configs=configs), tmp_path, seed, **chance.QUICK)


async def story(stage: Stage, steps: int, configs: dict[str, str]) -> None:
    await chance.story(stage, steps, chance.LINKS, configs)
    read = {
        Acknowledged(tp, offset, value)
        for tp in chance.PARTITIONS
        for offset, value in enumerate((await stage.client.fetch(tp)).values)
    }
    assert stage.client.acknowledged
    assert set(stage.client.acknowledged) <= read
