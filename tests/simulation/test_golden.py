"""The ensemble's stories, told by golden scripts (tests/golden): `script` says how to read them."""

from pathlib import Path

import pytest

from tests import golden
from tests.golden.script import check_golden, commands_of
from tests.simulation.script import play_script

SCRIPTS = sorted((Path(golden.__file__).parent / "ensemble").glob("*.golden"))


# Chance decides nothing in these stories, so every seed must tell the same.
SEEDS = [1, *(pytest.param(seed, marks=pytest.mark.matrix) for seed in range(2, 7))]


@pytest.mark.long
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_story(path: Path, tmp_path: Path, seed: int) -> None:
    outputs = iter(play_script(commands_of(path.read_text()), tmp_path, seed))
    check_golden(path, lambda _: next(outputs))
