"""A user's mistakes end in one line on stderr and an exit code."""

import re
from pathlib import Path

import pytest

from tests.cli.commands.canned import Canned, invoke, topic
from tests.support.ports import free_port


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("topic", "list", "-b", "host:x"), "a port is a number"),
        (("topic", "list", "--timeout", "0"), "0.0 is not in the range"),
        (("topic", "create"), "give the TOPIC to create"),
        (("topic", "create", "t", "-p", "0"), "0 is not in the range"),
        (("topic", "create", "t", "--replica-assignment", "1", "-r", "1"), "excludes"),
        (("topic", "create", "t", "--config", "x"), "is not KEY=VALUE"),
        (("topic", "alter", "-p", "2"), "give the TOPICs to alter"),
        (("topic", "alter", "t"), "Missing option '-p'"),
        (("topic", "offsets", "t", "--time", "soon"), "'soon' is neither milliseconds"),
        (("topic", "offsets", "t", "--time", "-6"), "'-6' is neither milliseconds"),
        (("topic", "offsets", "t", "--partitions", "0-3"), "not a list of partitions"),
        (("topic", "list", "-o", "xml"), "'xml' is not one of"),
        (("trace", "events", "--follow", "-o", "yaml"), "-o json for programs"),
        (("topic", "delete"), "give the TOPICs to delete"),
        (("topic", "describe", "--topic", "["), "unterminated character set"),
        (("group", "describe"), "or --all-groups"),
        (("group", "describe", "g", "--all-groups"), "or --all-groups"),
        (("topic", "delete", "t", "--topic", "u"), "give names, or --topic REGEX"),
        (("topic", "list", "-b", "my\N{EN DASH}broker:9092"), "a host's name is ASCII"),
        (("zk", "tree", "brokers"), "a path begins with /"),
        (("zk", "get", "/brokers/../x"), "a znode's path has no . and .."),
        (("zk", "ls", "--zookeeper", "localhost:abc"), "a port is a number"),
        (("zk", "ls", "--zookeeper", ":2181"), "the host is missing"),
        (("zk", "ls", "--zookeeper", "localhost/../x"), "a znode's path has no . and .."),
        (("group", "legacy", "..", "--zookeeper", "localhost"), "'..' can't be a group's name"),
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
    for flag in ("-c", "--command-config", "--admin.config"):
        assert f"tried {address}" in invoke("topic", "list", flag, str(config)).stderr

    config.write_text("security.protocol=SSL\n")
    result = invoke("topic", "list", "-c", str(config))
    assert result.exit_code == 1
    assert "only PLAINTEXT yet" in result.stderr


def test_verbose(canned: Canned) -> None:
    canned.topics = [topic("orders", (1, [1], [1]))]
    told = canned.admin("topic", "list", "-v")
    assert told.stdout == "orders\n"
    address = canned.broker.address
    for api in ("ApiVersions", "Metadata"):
        assert re.search(
            rf"\d:\d\d.\d\d\d {address}: {api} \d+: \d+ bytes in [\d.]+ ms", told.stderr
        )
    assert canned.admin("topic", "list").stderr == ""


def test_a_number_that_no_request_has_room_for(canned: Canned) -> None:
    result = canned.admin("topic", "create", "t", "-p", "9999999999")
    assert result.exit_code == 1
    assert "a CreateTopics request has no room for this: " in result.stderr
    assert "maybe done" not in result.stderr  # it wasn't sent


@pytest.mark.parametrize("command", ["up", "status", "down"])
def test_a_directory_that_is_none(command: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = invoke(command, "--dir", str(tmp_path / "file" / "below"))
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1].endswith("Not a directory")
