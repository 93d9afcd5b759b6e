"""A user's mistakes end in one line on stderr and an exit code."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli.admin import main
from tests.support.ports import free_port


def invoke(*arguments: str) -> Result:
    return CliRunner(env={"ZBROKER_BOOTSTRAP": None}).invoke(main, list(arguments))


def test_no_broker_reachable() -> None:
    address = f"127.0.0.1:{free_port()}"
    result = invoke("topic", "list", "-b", address)
    assert result.exit_code == 1
    assert result.stderr == f"Error: no broker reachable; tried {address} (Connection refused)\n"
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("topic", "list", "-b", "host:x"), "a port is a number"),
        (("topic", "list", "--timeout", "0"), "0.0 is not in the range"),
        (("topic", "create"), "give the TOPIC to create"),
        (("topic", "create", "t", "-p", "0"), "0 is not in the range"),
        (("topic", "create", "t", "--replica-assignment", "1", "-r", "1"), "excludes"),
        (("topic", "create", "t", "--config", "x"), "is not KEY=VALUE"),
        (("topic", "delete"), "give the TOPICs to delete"),
        (("topic", "describe", "--topic", "["), "unterminated character set"),
        (("group", "describe"), "or --all-groups"),
        (("group", "describe", "g", "--all-groups"), "or --all-groups"),
        (("zk", "tree", "brokers"), "a path begins with /"),
        (("topic", "list", "-c", "/no/such/file"), "does not exist"),
        (("nonsense",), "No such command"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], complaint: str) -> None:
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert complaint in result.stderr.splitlines()[-1]


def test_a_command_config_names_the_brokers(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    config = tmp_path / "client.properties"
    config.write_text(f"bootstrap.servers={address}\nclient.id=me\n")
    assert f"tried {address}" in invoke("topic", "list", "-c", str(config)).stderr

    config.write_text("security.protocol=SSL\n")
    result = invoke("topic", "list", "-c", str(config))
    assert result.exit_code == 1
    assert "only PLAINTEXT yet" in result.stderr


def test_every_command_shows_an_example() -> None:
    for noun, verbs in {
        "topic": ("list", "describe", "create", "delete"),
        "group": ("list", "describe"),
        "zk": ("tree",),
        "trace": ("events",),
    }.items():
        for verb in verbs:
            result = invoke(noun, verb, "--help")
            assert f"Example: zbroker-admin {noun} {verb}" in result.stdout
