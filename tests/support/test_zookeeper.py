"""The ZooKeeper fixture itself: real, fresh for every test, and able to die and come back."""

import socket
from pathlib import Path

import pytest
from kazoo.client import KazooClient

from tests.support.ports import free_port, free_ports
from tests.support.zookeeper import real_zookeeper

pytestmark = pytest.mark.server


@pytest.mark.parametrize("which", ["first", "second"])
def test_each_test_has_a_chroot_of_its_own(zookeeper: str, which: str) -> None:
    client = KazooClient(zookeeper)
    client.start()
    try:
        assert client.get_children("/") == []
        client.create("/left-behind")
    finally:
        client.stop()
        client.close()


def test_short_session_timeouts_are_granted(zookeeper: str) -> None:
    client = KazooClient(zookeeper, timeout=2.0)
    client.start()
    try:
        assert client._session_timeout == 2000
    finally:
        client.stop()
        client.close()


def test_data_survives_a_kill(tmp_path: Path) -> None:
    with real_zookeeper(tmp_path) as server:
        client = KazooClient(f"127.0.0.1:{server.port}")
        client.start()
        client.create("/kept", b"value")
        client.stop()
        client.close()

        server.kill()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", server.port), timeout=1)
        server.start()
        server.wait_ready()

        client.start()
        assert client.get("/kept")[0] == b"value"
        client.stop()
        client.close()


def test_a_port_is_given_once() -> None:
    ports = [free_port() for _ in range(20)]
    first = free_ports(3)
    ports += [first, first + 1, first + 2]
    assert len(set(ports)) == len(ports)
