"""What the shell makes of a line; tests/interop/test_admin_zookeeper.py asks a real ZooKeeper."""

import pytest
from click.testing import Result

from tests.cli.commands.canned import invoke
from tests.support.ports import free_port


def shell(lines: str) -> Result:
    where = f"127.0.0.1:{free_port()}/chroot"
    return invoke("zk", "shell", "--zookeeper", where, "--timeout", "0.1", stdin=lines)


@pytest.mark.parametrize("lines", ["", "\n  # nothing\n", "quit\nnonsense\n", "exit\n"])
def test_it_ends(lines: str) -> None:
    result = shell(lines)
    assert (result.exit_code, result.output) == (0, "")


def test_help() -> None:
    assert "  watches " in shell("help\n").stdout
    assert shell("help get\n").stdout.startswith("Usage: zk get [OPTIONS] PATH\n")


@pytest.mark.parametrize(
    ("line", "exit_code", "complaint"),
    [
        (
            "set /controller {}",
            2,
            "Error: set: this shell only reads; brokers change what is theirs",
        ),
        ("shell", 2, "Error: shell: this is one"),
        ("get '/x", 2, 'Error: "get \'/x": No closing quotation'),
        ("nonsense", 2, "Error: No such command 'nonsense'."),
        ("get x", 2, "Error: Invalid value for 'PATH': 'x': a path begins with /"),
        ("get /x", 5, "Error: not done within 0.1 s"),
    ],
)
def test_a_line_that_fails_ends_a_pipe(line: str, exit_code: int, complaint: str) -> None:
    result = shell(f"{line}\nhelp\n")
    assert (result.exit_code, result.stdout) == (exit_code, "")
    assert result.stderr.splitlines()[-1] == complaint
