"""A partition to be damaged: written once, copied for each test."""

import shutil
from pathlib import Path

import pytest

from tests.cli.offline.written import write_partition


@pytest.fixture(scope="package")
def whole_partition(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("whole") / "orders-0"
    write_partition(directory)
    return directory


@pytest.fixture
def partition(whole_partition: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole_partition, tmp_path / whole_partition.name))
