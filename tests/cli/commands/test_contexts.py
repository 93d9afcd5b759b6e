"""Clusters by name: the file, the one in use, and which of several words counts."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import Result

from tests.cli.commands.canned import check_schema, invoke
from tests.support.ports import free_port

CONTEXTS = """
[one]
bootstrap-server = "127.0.0.1:{one}"
zookeeper = "127.0.0.1:{zookeeper}/chroot"

[two]
command-config = "two.properties"
"""


@pytest.fixture
def ports(tmp_path: Path) -> Mapping[str, int]:
    """Of the two clusters; nobody listens there, so an error says which was meant."""
    ports = {name: free_port() for name in ("one", "two", "zookeeper", "other")}
    directory = tmp_path / "zbroker"
    directory.mkdir()
    (directory / "contexts.toml").write_text(CONTEXTS.format(**ports))
    (directory / "two.properties").write_text(f"bootstrap.servers=127.0.0.1:{ports['two']}\n")
    return ports


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {"XDG_CONFIG_HOME": str(tmp_path)}


def tried(result: Result) -> int:
    assert result.exit_code == 1, result.output
    return int(result.stderr.split("tried 127.0.0.1:")[1].split()[0])


def test_the_first_word_counts(ports: Mapping[str, int], env: dict[str, str]) -> None:
    ask = ("topic", "list")
    assert tried(invoke(*ask, "--context", "one", env=env)) == ports["one"]
    assert tried(invoke(*ask, "--context", "two", env=env)) == ports["two"]
    assert invoke("context", "use", "one", env=env).exit_code == 0
    assert tried(invoke(*ask, env=env)) == ports["one"]
    assert tried(invoke(*ask, "--context", "two", env=env)) == ports["two"]
    address = f"127.0.0.1:{ports['other']}"
    assert tried(invoke(*ask, "-b", address, env=env)) == ports["other"]
    elsewhere = {**env, "ZBROKER_BOOTSTRAP": address}
    assert tried(invoke(*ask, env=elsewhere)) == ports["other"]
    assert tried(invoke(*ask, "--context", "two", env=elsewhere)) == ports["two"]
    assert invoke(*ask, "-b", address, "--context", "one", env=env).exit_code == 2


def test_what_is_in_use(ports: Mapping[str, int], env: dict[str, str]) -> None:
    listed = json.loads(invoke("context", "list", "-o", "json", env=env).stdout)
    check_schema(["context", "list"], listed)
    assert [(each["name"], each["in_use"]) for each in listed["contexts"]] == [
        ("one", False),
        ("two", False),
    ]
    assert invoke("context", "show", env=env).exit_code == 4
    used = json.loads(invoke("context", "use", "two", "-o", "json", env=env).stdout)
    check_schema(["context", "use"], used)
    shown = json.loads(invoke("context", "show", "-o", "json", env=env).stdout)
    check_schema(["context", "show"], shown)
    assert shown == used
    assert shown["contexts"][0]["command_config"].endswith("/zbroker/two.properties")
    assert invoke("context", "list", env=env).stdout.splitlines()[2].split()[:2] == ["*", "two"]
    assert invoke("context", "use", "--none", env=env).exit_code == 0
    assert invoke("context", "show", env=env).exit_code == 4
    assert invoke("context", "use", env=env).exit_code == 2


def test_a_contexts_zookeeper(ports: Mapping[str, int], env: dict[str, str]) -> None:
    asked = ("zk", "tree", "--timeout", "0.1")
    result = invoke(*asked, "--context", "one", env=env)
    assert (result.exit_code, result.stderr) == (5, "Error: not done within 0.1 s\n")
    assert "names no zookeeper" in invoke(*asked, "--context", "two", env=env).stderr


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[one", "contexts.toml: "),
        ("one = 1", "one is no table"),
        ("[one]\nbootstrap = 'x'", "[one]: bootstrap: there is bootstrap-server, "),
        ("[one]\nzookeeper = 1", "[one]: zookeeper: there is"),
    ],
)
def test_a_file_that_makes_no_sense(
    text: str, complaint: str, tmp_path: Path, env: dict[str, str]
) -> None:
    (tmp_path / "zbroker").mkdir()
    (tmp_path / "zbroker" / "contexts.toml").write_text(text)
    result = invoke("topic", "list", "--context", "one", env=env)
    assert result.exit_code == 1
    assert complaint in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_no_file(env: dict[str, str]) -> None:
    assert "there are none" in invoke("context", "list", env=env).stderr
    result = invoke("topic", "list", "--context", "one", env=env)
    assert result.stderr.endswith("there is none\n")
