"""`up`, `down` and `status` as commands, with a real ZooKeeper and stub brokers.

Stubs, because this is about who starts and ends whom, and about brokers that misbehave.
"""

import json
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio
from kazoo.client import KazooClient

from cli.ensemble.claim import holder, read_state
from cli.ensemble.layout import Directory
from tests.cli.ensemble.admin import Terminal
from tests.support.ports import free_port, free_ports

pytestmark = pytest.mark.server

BROKERS = 2


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    terminal = Terminal()
    yield terminal
    terminal.kill_survivors()


@pytest.fixture
def directory(tmp_path: Path) -> Directory:
    return Directory(tmp_path / "ensemble")


@pytest.fixture
def up(directory: Directory) -> list[str]:
    """The arguments of an `up` that disturbs nobody."""
    return [
        *("up", "--dir", str(directory.root), "--brokers", str(BROKERS)),
        *("--port", str(free_ports(BROKERS)), "--zookeeper-port", str(free_port())),
    ]


def misbehave(directory: Directory, broker_id: int, how: str) -> None:
    file = directory.server_properties(broker_id).with_name("misbehave")
    file.parent.mkdir(parents=True)
    file.write_text(how)


def pid_of(directory: Directory, name: str) -> int:
    [pid] = [process.pid for process in read_state(directory).processes if process.name == name]
    return pid


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
async def test_a_signal_stops_the_brokers_then_zookeeper_and_leaves_nothing(
    terminal: Terminal, directory: Directory, up: list[str], name: str
) -> None:
    async with terminal.running(*up) as running:
        await running.until("ready: ")
        assert len(terminal.survivors()) == 1 + 1 + BROKERS
        if name == "SIGINT":
            running.press_ctrl_c()
        else:
            running.process.send_signal(signal.Signals[name])
        assert await running.until_end() == 0
    assert terminal.survivors() == {}
    assert f"{name}: stopping the brokers, then ZooKeeper" in running.said
    for broker_id in (1, 2):
        log = directory.log_file(f"broker-{broker_id}").read_text()
        assert "stopping, ZooKeeper serves: True" in log


async def test_it_says_where_things_are_and_what_to_try(
    terminal: Terminal, directory: Directory, up: list[str]
) -> None:
    async with terminal.running(*up) as running:
        await running.until("stop: Ctrl-C")
        assert "ZooKeeper serves on 127.0.0.1:" in running.said
        assert "broker 2 answers on 127.0.0.1:" in running.said
        assert f"data and logs: {directory.root}" in running.said
        assert "kcat -b 127.0.0.1:" in running.said


async def test_a_second_ctrl_c_kills(
    terminal: Terminal, directory: Directory, up: list[str]
) -> None:
    misbehave(directory, 1, "ignore-sigterm")
    async with terminal.running(*up) as running:
        await running.until("ready: ")
        running.press_ctrl_c()
        await running.until("SIGINT: stopping")
        running.press_ctrl_c()
        assert await running.until_end() == 0
    assert "killing what is left" in running.said
    assert terminal.survivors() == {}


async def test_nothing_is_left_when_up_itself_is_killed(terminal: Terminal, up: list[str]) -> None:
    async with terminal.running(*up) as running:
        await running.until("ready: ")
        assert len(terminal.survivors()) == 1 + 1 + BROKERS
        running.process.kill()
        await terminal.until_nothing_is_left()


async def test_a_broker_that_dies_is_reported_and_the_rest_goes_on(
    terminal: Terminal, directory: Directory, up: list[str]
) -> None:
    async with terminal.running(*up) as running:
        await running.until("ready: ")
        os.kill(pid_of(directory, "broker-2"), signal.SIGKILL)
        assert "ended: killed by SIGKILL" in await running.until("broker-2 (pid")
        line = await running.until("to start it again")
        assert line.endswith(f"zbroker {directory.server_properties(2)}")
        exit_code, said = await terminal.run("status", "--dir", str(directory.root))
        assert exit_code == 4
        assert "killed by SIGKILL" in said
        running.press_ctrl_c()
        assert await running.until_end() == 0


async def test_a_broker_that_cannot_start_ends_it_with_its_last_words(
    terminal: Terminal, directory: Directory, up: list[str]
) -> None:
    misbehave(directory, 2, "fail")
    exit_code, said = await terminal.run(*up)
    assert exit_code == 1
    assert "broker-2 (pid" in said
    assert "ended: exit code 3" in said
    assert "cannot do this" in said
    assert "Traceback" not in said
    assert terminal.survivors() == {}


async def test_data_survives(terminal: Terminal, up: list[str]) -> None:
    client = KazooClient(f"127.0.0.1:{up[-1]}")
    for kept in (False, True):
        async with terminal.running(*up) as running:
            await running.until("ready: ")
            client.start()
            if kept:
                assert client.get("/kept")[0] == b"value"
            else:
                client.create("/kept", b"value")
            client.stop()
            running.press_ctrl_c()
            assert await running.until_end() == 0
    client.close()


async def test_detached_it_is_seen_by_status_and_stopped_by_down(
    terminal: Terminal, directory: Directory, up: list[str]
) -> None:
    in_directory = ("--dir", str(directory.root))
    exit_code, said = await terminal.run(*up, "--detach")
    try:
        assert exit_code == 0, said
        assert f"zbroker-admin down --dir {directory.root}" in said
        assert len(terminal.survivors()) == 1 + 1 + BROKERS

        until = ("--until", "count(processes) >= 3", "--timeout", "60")
        exit_code, said = await terminal.run("status", *in_directory, "-o", "json", *until)
        assert exit_code == 0
        status = json.loads(said)
        assert status["pid"] == holder(directory)
        assert [process["name"] for process in status["processes"]] == [
            *("zookeeper", "broker-1", "broker-2")
        ]
        assert {process["state"] for process in status["processes"]} == {"answers"}
        assert [process["is_controller"] for process in status["processes"]] == [False, True, False]
        assert status["processes"][1]["pid"] == pid_of(directory, "broker-1")
        assert status["processes"][1]["port"] == int(up[up.index("--port") + 1])
    finally:
        exit_code, said = await terminal.run("down", *in_directory)
    assert exit_code == 0, said
    assert terminal.survivors() == {}
    assert await terminal.run("down", *in_directory) == (
        *(1, f"Error: nothing runs in {directory.root}\n"),
    )
    assert await terminal.run("status", *in_directory) == (
        *(4, f"nothing runs in {directory.root}\n"),
    )


async def test_a_detached_start_that_fails_says_why(
    terminal: Terminal, directory: Directory, up: list[str]
) -> None:
    misbehave(directory, 1, "fail")
    exit_code, said = await terminal.run(*up, "--detach")
    assert exit_code == 1
    assert "cannot do this" in said
    assert terminal.survivors() == {}


async def test_a_second_up_in_the_directory_is_refused_and_disturbs_nothing(
    terminal: Terminal, directory: Directory, up: list[str]
) -> None:
    async with terminal.running(*up) as running:
        await running.until("ready: ")
        exit_code, said = await terminal.run(*up)
        assert exit_code == 1
        assert said.startswith(f"Error: {directory.root} is in use by another `zbroker-admin up`")
        assert len(said.splitlines()) == 1
        assert (await terminal.run("status", "--dir", str(directory.root)))[0] == 0


@pytest.mark.parametrize("option", ["--port", "--zookeeper-port"])
async def test_a_port_in_use_is_one_line(terminal: Terminal, up: list[str], option: str) -> None:
    with socket.socket() as squatter:
        port = int(up[up.index(option) + 1])
        squatter.bind(("127.0.0.1", port))
        squatter.listen()
        exit_code, said = await terminal.run(*up)
    assert exit_code == 1
    assert said.startswith(f"Error: port {port}: Address already in use")
    assert f"another {option}" in said
    assert len(said.splitlines()) == 1
    assert terminal.survivors() == {}


async def test_wrong_usage(terminal: Terminal, up: list[str]) -> None:
    assert (await terminal.run(*up, "--brokers", "0"))[0] == 2
    assert (await terminal.run(*up, "--port", "99999"))[0] == 2
    assert (await terminal.run("up", "--no-such-option"))[0] == 2


async def test_a_second_start_needs_no_network(terminal: Terminal, up: list[str]) -> None:
    """In a network namespace where nothing but loopback exists, where the system permits that."""
    in_a_namespace = ("unshare", "--map-root-user", "--net", "sh", "-c")
    loopback_up = 'ip link set lo up && exec "$@"'
    if await succeeds(*in_a_namespace, loopback_up, "sh", "true"):
        terminal.prefix = (*in_a_namespace, loopback_up, "sh")
    else:
        closed = "http://127.0.0.1:9"
        terminal.environment = {"HTTPS_PROXY": closed, "HTTP_PROXY": closed, "NO_PROXY": ""}
    async with terminal.running(*up) as running:
        await running.until("ready: ")
        running.press_ctrl_c()
        assert await running.until_end() == 0


async def succeeds(*argv: str) -> bool:
    try:
        result = await trio.run_process(argv, check=False, capture_stderr=True)
    except FileNotFoundError:
        return False
    return result.returncode == 0
