"""What the wheel takes: every module lies in a package.

Python imports a directory without `__init__.py` too, so from the source tree everything works; but
setuptools' `find:` leaves that directory out, and the installed broker lacks it.
"""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("name", ["broker", "cli", "coordination"])
def test_every_directory_of_modules_is_a_package(name: str) -> None:
    directories = {module.parent for module in (ROOT / name).rglob("*.py")}
    assert [path for path in directories if not (path / "__init__.py").exists()] == []
