"""The cluster under test, a topic of one's own, and the kafkajs programs."""

import hashlib
import itertools
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest

from tests.support.cluster import Kind, TestCluster, running_cluster
from tests.support.tools import require_tool

CLIENTS = Path(__file__).parents[2] / "compose" / "clients"

_numbers = itertools.count(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--cluster",
        choices=("zbroker", "kafka"),
        default="zbroker",
        help="what the interop tests run against: zbroker, or a real Kafka 3.9.1",
    )


@pytest.fixture(scope="session")
def kind(pytestconfig: pytest.Config) -> Kind:
    # The option is unknown when pytest was started for a directory above this one.
    chosen: Kind = pytestconfig.getoption("--cluster", default="zbroker")
    return chosen


@pytest.fixture(scope="session")
def cluster(kind: Kind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestCluster]:
    """Three brokers, shared by all tests: each keeps to topics and groups of its own."""
    with running_cluster(kind, tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture
def new_cluster(kind: Kind, tmp_path: Path) -> Callable[..., AbstractContextManager[TestCluster]]:
    """`new_cluster(brokers=1)`: a cluster that the test may break."""
    return partial(running_cluster, kind, tmp_path / "cluster")


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A name for a topic or group that no other test has."""
    return (
        re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_")) + f"-{next(_numbers)}"
    )


@pytest.fixture(scope="session")
def kafkajs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with producer.js, consumer.js and what they require, as `npm ci` leaves it."""
    directory = tmp_path_factory.mktemp("kafkajs")
    for file in CLIENTS.glob("*.js*"):
        shutil.copy(file, directory)
    (directory / "node_modules").symlink_to(_node_modules())
    return directory


def _node_modules() -> Path:
    """Where the locked packages are installed; once, in the user's cache, for all runs."""
    npm = require_tool("npm", "apt-get install nodejs npm")
    lock = (CLIENTS / "package-lock.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "zbroker"
    installed = cache / f"node-{hashlib.sha256(lock).hexdigest()[:16]}"
    if not installed.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as incoming:
            for file in ("package.json", "package-lock.json"):
                shutil.copy(CLIENTS / file, incoming)
            subprocess.run([npm, "ci", "--silent"], cwd=incoming, check=True, timeout=120)
            # Two test processes may install at once: the first one's rename wins.
            if not installed.exists():
                Path(incoming, "node_modules").rename(installed)
    return installed
