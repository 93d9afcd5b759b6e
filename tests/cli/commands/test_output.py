"""One answer in five forms; on a terminal, in a pipe."""

import json
import os
import pty
import subprocess
import sys

import pytest

from cli.commands.output import Answer, Table

ANSWER = Answer(
    facts={"groups": [{"group": "g", "lag": None}]},
    text=["two groups", Table(("GROUP", "LAG"), [("g", None), ("a-group-with-a-long-name", 3)])],
    wide=["wider"],
    names=["g", "a-group-with-a-long-name"],
)


def printed(form: str, capsys: pytest.CaptureFixture[str]) -> str:
    ANSWER.print_as(form)
    return capsys.readouterr().out


def test_columns_are_padded_with_blanks_and_keep_their_place(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert printed("table", capsys) == (
        "two groups\n"
        "GROUP                    LAG\n"
        "g                        -\n"
        "a-group-with-a-long-name 3\n"
    )


def test_the_other_forms(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed("wide", capsys) == "wider\n"
    assert printed("name", capsys) == "g\na-group-with-a-long-name\n"
    assert json.loads(printed("json", capsys)) == {"v": 1, "groups": [{"group": "g", "lag": None}]}
    assert printed("yaml", capsys) == "v: 1\ngroups:\n- group: g\n  lag: null\n"


def test_wide_is_table_where_there_is_no_more_to_show(capsys: pytest.CaptureFixture[str]) -> None:
    Answer(facts={}, text=["all"], names=[]).print_as("wide")
    assert capsys.readouterr().out == "all\n"


PRINT_A_TABLE = """
from cli.commands.output import Answer, Table
Answer({}, [Table(("GROUP",), [("[red]g[/red]",), ("x" * 100,)])], []).print_as("table")
"""


def on_a_terminal(**environment: str) -> str:
    """What a terminal of 80 columns is sent."""
    ours, theirs = pty.openpty()
    kept = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    subprocess.run(
        [sys.executable, "-c", PRINT_A_TABLE],
        stdout=theirs,
        env={**kept, "TERM": "xterm", "COLUMNS": "80", **environment},
        check=True,
    )
    os.close(theirs)
    with open(ours, "rb", buffering=0) as terminal:  # noqa: PTH123 - a descriptor
        return terminal.read(65536).decode()


def test_a_terminal_gets_a_bold_header_and_every_letter_of_a_name() -> None:
    sent = on_a_terminal()
    assert "\x1b[1m" in sent
    assert "[red]g[/red]" in sent, "a name is not markup"
    assert sent.count("x") == 100


def test_no_color_sends_no_styles() -> None:
    assert "\x1b" not in on_a_terminal(NO_COLOR="1")
