"""The command line as a whole: every command is found, explained, and cheap until it is used."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from cli.admin import COMMANDS, main


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    result = CliRunner().invoke(main, [command, "--help"])
    assert result.exit_code == 0, result.output
    assert f"{command} " in result.output


def test_help_names_every_command() -> None:
    result = CliRunner().invoke(main, ["-h"])
    assert result.exit_code == 0
    listed = [
        line.split()[0] for line in result.output.partition("Commands:")[2].splitlines() if line
    ]
    assert listed == list(COMMANDS)


def test_an_unknown_command_is_wrong_usage() -> None:
    result = CliRunner().invoke(main, ["nonsense"])
    assert result.exit_code == 2
    assert "No such command 'nonsense'" in result.output


def test_nothing_is_imported_before_it_is_needed() -> None:
    look = "import sys, cli.admin; print({'trio', 'kazoo', 'rich', 'jgo'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", look], text=True) == "set()\n"
