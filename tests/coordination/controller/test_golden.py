"""The controller's stories, told by golden scripts (tests/golden) on the pure step."""

from pathlib import Path

import pytest

from tests import golden
from tests.golden.controller_world import ControllerWorld
from tests.golden.script import check_golden

SCRIPTS = sorted((Path(golden.__file__).parent / "controller").glob("*.golden"))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_story(path: Path) -> None:
    check_golden(path, ControllerWorld().run)
