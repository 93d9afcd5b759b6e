"""What holds for each command of the tree, whatever it does.

A new command is found by itself; one that asks a cluster wants a row in `ASKING`, with arguments
that get it as far as asking.
"""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from broker.wire.messages.api_versions import ApiVersionsRequest
from cli.admin import main
from tests.cli.commands.canned import SCHEMAS, Canned, invoke
from tests.support.fake_broker import SILENT
from tests.support.ports import free_port

PLAN = str(Path(__file__).with_name("plan.json"))

ASKING: dict[str, list[str]] = {
    "cluster describe": [],
    "cluster id": [],
    "cluster brokers": [],
    "cluster features": [],
    "cluster api-versions": [],
    "broker describe": ["1"],
    "broker drain": ["1", "--yes"],
    "topic list": [],
    "topic describe": ["t"],
    "topic create": ["t"],
    "topic alter": ["t", "-p", "2"],
    "topic delete": ["t"],
    "topic offsets": ["t"],
    "config describe": ["--topic", "t"],
    "config alter": ["--user", "u", "--add-config", "producer_byte_rate=1"],
    "quota describe": [],
    "quota alter": ["--user", "u", "--add-config", "producer_byte_rate=1"],
    "partition elect": ["--election-type", "preferred", "--all-topic-partitions"],
    "partition replicas": [],
    "partition epochs": ["t:0"],
    "partition reassign generate": ["t", "--broker-list", "1"],
    "partition reassign execute": ["--reassignment-json-file", PLAN],
    "partition reassign verify": ["--reassignment-json-file", PLAN],
    "partition reassign cancel": ["--reassignment-json-file", PLAN],
    "partition reassign list": [],
    "txn list": [],
    "txn describe": ["id"],
    "txn producers": ["t:0"],
    "txn find-hanging": ["--broker-id", "1"],
    "txn force-terminate": ["id", "--yes"],
    "txn abort": ["t:0", "--start-offset", "0"],
    "records delete": ["--offset", "t:0=1"],
    "records consume": ["t"],
    "records produce": ["t"],
    "log dirs describe": [],
    "log dirs move": ["t:0", "--broker", "1", "--dir", "/d"],
    "group list": [],
    "group describe": ["g"],
    "group delete": ["g"],
    "group delete-offsets": ["g", "--topic", "t"],
    "group reset-offsets": ["g", "--topic", "t", "--to-latest"],
    "group remove-members": ["g", "--all"],
    "doctor": ["--zookeeper", "127.0.0.1:1"],
}


def leaves(command: click.Command, *path: str) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None, f"{' '.join(path)} {name}"
            yield from leaves(below, *path, name)
    else:
        yield " ".join(path), command


COMMANDS = dict(leaves(main))


def options_of(name: str) -> set[str | None]:
    return {each.name for each in COMMANDS[name].params}


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_an_example(name: str) -> None:
    result = invoke(*name.split(), "--help")
    assert result.exit_code == 0
    example = result.stdout.partition("Example: ")[2].splitlines()[0]
    assert example.startswith(("zbroker-admin", "source")), "one line, to be copied"
    assert f"zbroker-admin {name}" in example


def test_what_answers_has_every_form_and_a_schema() -> None:
    answering = {name for name in COMMANDS if "output" in options_of(name)}
    assert {name.replace(" ", "_").replace("-", "_") for name in answering} == {
        file.stem for file in SCHEMAS.glob("*.json")
    }
    assert set(ASKING) <= answering


def test_what_asks_a_cluster_is_listed_here() -> None:
    assert set(ASKING) == {name for name in COMMANDS if "bootstrap_server" in options_of(name)}


@pytest.mark.parametrize("name", ASKING)
def test_no_broker(name: str) -> None:
    address = f"127.0.0.1:{free_port()}"
    result = invoke(*name.split(), *ASKING[name], "-b", address, stdin="x")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.splitlines()[-1] == (
        f"Error: no broker reachable; tried {address} (Connection refused)"
    )


@pytest.mark.parametrize("name", ASKING)
def test_a_broker_that_does_not_answer(name: str, canned: Canned) -> None:
    versions = canned.broker.script[ApiVersionsRequest]
    canned.broker.script = defaultdict(lambda: lambda _: SILENT, {ApiVersionsRequest: versions})
    result = canned.admin(*name.split(), *ASKING[name], "--timeout", "0.05", stdin="x")
    assert result.exit_code == 5
    assert result.stdout == ""
    error, _, changes = result.stderr.splitlines()[-1].partition("; ")
    assert error == "Error: not done within 0.05 s"
    assert not changes or changes.startswith("without an answer, maybe done: ")


def test_the_cluster_may_stand_in_the_environment(
    canned: Canned, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZBROKER_BOOTSTRAP", str(canned.broker.address))
    assert CliRunner().invoke(main, ["topic", "list"]).exit_code == 0
