"""`example("word-count")`: a target of examples/Makefile that runs on the cluster under test."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.support.cluster import TestCluster
from tests.support.processes import RunningProgram, running_program

EXAMPLES = Path(__file__).parents[3] / "examples"

Example = Callable[[str], AbstractContextManager[RunningProgram]]


@pytest.fixture
def example(cluster: TestCluster, tmp_path: Path) -> Example:
    @contextmanager
    def running(target: str) -> Iterator[RunningProgram]:
        environment = {"BOOTSTRAP": cluster.bootstrap, "STATE_DIR": str(tmp_path / "state")}
        with running_program(
            ["make", "--no-print-directory", "-C", str(EXAMPLES), target],
            environment=environment,
            own_group=True,
        ) as program:
            yield program

    return running
