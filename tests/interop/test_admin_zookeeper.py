"""`zbroker-admin zk` on the ZooKeeper of a cluster, zbroker's or the real Kafka's."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from kazoo.client import KazooClient

from cli.java.zookeeper import write_configuration
from tests.cli.commands.canned import check_schema, invoke
from tests.support.cluster import SESSION_TIMEOUT_MS, TestCluster
from tests.support.processes import running_program
from tests.support.terminal import on_terminal
from tests.support.zookeeper import real_zookeeper

pytestmark = pytest.mark.server


def command(cluster: TestCluster, *arguments: str) -> list[str]:
    return [
        *(sys.executable, "-m", "cli.admin", "zk", *arguments),
        *("--zookeeper", cluster.zookeeper_connect),
    ]


def zk(cluster: TestCluster, *arguments: str) -> str:
    result = subprocess.run(
        command(cluster, *arguments), capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def facts(cluster: TestCluster, *arguments: str) -> Any:
    told = json.loads(zk(cluster, *arguments, "-o", "json"))
    check_schema(["zk", *arguments], told)
    return told


def controller_of(cluster: TestCluster) -> int:
    document = facts(cluster, "get", "/controller")
    broker_id = json.loads(document["data"])["brokerid"]
    assert isinstance(broker_id, int)
    assert document["owner_broker"] == broker_id
    return broker_id


def test_each_broker_has_a_session(cluster: TestCluster) -> None:
    sessions = {
        each["broker"]: each
        for each in facts(cluster, "sessions")["sessions"]
        if each["broker"] is not None
    }
    assert sessions.keys() == cluster.brokers.keys()
    for broker_id, session in sessions.items():
        assert f"/brokers/ids/{broker_id}" in session["ephemerals"]
        assert session["timeout_ms"] == SESSION_TIMEOUT_MS
        assert session["server"] == cluster.zookeeper_connect
        assert session["client"].startswith("127.0.0.1:")
    assert "/controller" in sessions[controller_of(cluster)]["ephemerals"]


def test_who_watches_the_controller(cluster: TestCluster) -> None:
    watches = {each["path"]: each["sessions"] for each in facts(cluster, "watches")["watches"]}
    watching = {each["broker"] for each in watches["/controller"]}
    assert watching >= cluster.brokers.keys()
    (line,) = [
        line for line in zk(cluster, "tree", "--kafka").splitlines() if "─ controller [" in line
    ]
    assert all(f"broker {broker_id}" in line.partition("(watched by ")[2] for broker_id in watching)


def test_the_server(cluster: TestCluster) -> None:
    (server,) = facts(cluster, "stat")["servers"]
    assert server["mode"] == "standalone"
    assert server["connections"] >= len(cluster.brokers)
    assert server["server"] == cluster.zookeeper_connect


def test_paths_and_a_znode(cluster: TestCluster) -> None:
    tree = [each["path"] for each in facts(cluster, "tree", "/brokers/ids")["znodes"]]
    assert facts(cluster, "ls", "/brokers/ids", "-R")["paths"] == tree
    assert zk(cluster, "ls", "/brokers/ids").split() == tree[1:]
    shown = zk(cluster, "get", "/controller", "--stat").splitlines()
    controller = controller_of(cluster)
    assert shown[0].startswith(f"broker {controller}, since ")
    assert any(line.split() == ["owner", "broker", str(controller)] for line in shown)


def test_the_shell(cluster: TestCluster) -> None:
    with on_terminal(command(cluster, "shell")) as terminal:
        terminal.wait_for("zk> ")
        terminal.type("ls /brokers/ids\n")
        for broker_id in sorted(cluster.brokers):
            terminal.wait_for(f"/brokers/ids/{broker_id}")
        terminal.wait_for("zk> ")
        terminal.type("get /no\n")
        terminal.wait_for("Error: no znode /no")
        terminal.type("watch /controller\n")
        terminal.wait_for("/controller: version ")
        terminal.type("\x03")  # ends the watch, and not the shell
        terminal.wait_for("zk> ")
        terminal.type("\x04")
        assert terminal.exit_code() == 0


def test_a_znode_that_changes(cluster: TestCluster) -> None:
    client = KazooClient(cluster.zookeeper_connect)
    client.start()
    with running_program(command(cluster, "watch", "/watched-by-a-test")) as watching:
        watching.wait_for_line("not there")
        client.create("/watched-by-a-test", b"one")
        watching.wait_for_line("version 0 = one")
        client.set("/watched-by-a-test", b"two")
        watching.wait_for_line("version 1 = two")
        client.create("/watched-by-a-test/child")
        watching.wait_for_line("[child]")
        client.delete("/watched-by-a-test", recursive=True)
        watching.wait_for_line("not there")
        watching.process.send_signal(signal.SIGINT)
        assert watching.process.wait(30) == 0
    client.stop()
    client.close()


def test_a_server_that_tells_no_more_than_it_must(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By itself a ZooKeeper answers srvr alone; what is not known of it is told."""

    def write_with_defaults(file: Path, *, data_dir: Path, port: int) -> None:
        write_configuration(file, data_dir=data_dir, port=port)
        file.write_text(file.read_text().replace("4lw.commands.whitelist=*\n", ""))

    monkeypatch.setattr("tests.support.zookeeper.write_configuration", write_with_defaults)
    with real_zookeeper(tmp_path) as server:

        def asked(*arguments: str) -> tuple[int, str, str]:
            result = invoke("zk", *arguments, "--zookeeper", server.address)
            return result.exit_code, result.stdout, result.stderr

        code, stdout, stderr = asked("tree", "/zookeeper", "--kafka")
        assert (code, stdout.splitlines()[0]) == (0, "zookeeper")
        not_told = f"{server.address}: wchp is not in its 4lw.commands.whitelist"
        assert stderr == f"who watches is not known of {not_told}\n"
        assert asked("watches") == (1, "", f"Error: {not_told}\n")
        code, _, stderr = asked("sessions")
        assert code == 0
        assert stderr.count("not all is known: ") == 2
        code, stdout, _ = asked("stat")
        assert code == 0
        assert "standalone" in stdout
