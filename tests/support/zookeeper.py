"""A real ZooKeeper for tests.

Fixtures (known to every test through tests/conftest.py):

* `zookeeper_server`: one server for the whole test process, started when first asked for.
* `zookeeper`: a connect string with a chroot of this test's own, `127.0.0.1:PORT/test-N`. Tests
  share the server and cannot see each other.

A test that stops, kills or restarts ZooKeeper takes `real_zookeeper(tmp_path)` instead.
"""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kazoo.client import KazooClient

from cli.java.zookeeper import (
    is_serving,
    write_configuration,
    zookeeper_class_path,
    zookeeper_command,
)
from tests.support.ports import free_port
from tests.support.server import ServerProcess

_chroots = itertools.count(1)


@contextmanager
def real_zookeeper(directory: Path, port: int | None = None) -> Iterator[ServerProcess]:
    """A running standalone ZooKeeper with its data in `directory`.

    Between `kill()` or `stop()` and `start(); wait_ready()` on it, it is down; data survives.
    """
    port = port or free_port()
    directory.mkdir(parents=True, exist_ok=True)
    configuration = directory / "zoo.cfg"
    write_configuration(configuration, data_dir=directory / "data", port=port)
    argv = zookeeper_command(zookeeper_class_path(), configuration)
    server = ServerProcess("zookeeper", port, directory, argv, is_ready=lambda: is_serving(port))
    server.start()
    try:
        server.wait_ready()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def zookeeper_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with real_zookeeper(tmp_path_factory.mktemp("zookeeper")) as server:
        yield server


@pytest.fixture
def zookeeper(zookeeper_server: ServerProcess) -> str:
    chroot = f"/test-{next(_chroots)}"
    client = KazooClient(f"127.0.0.1:{zookeeper_server.port}")
    client.start()
    try:
        client.create(chroot)
    finally:
        client.stop()
        client.close()
    return f"127.0.0.1:{zookeeper_server.port}{chroot}"
