"""One answer in five forms: for people, for scripts and for programs.

    -o table   text and columns, as Kafka's own tools print them where there is such a tool
    -o wide    the same with more columns
    -o name    bare names, one a line, for `xargs`
    -o json    one object with everything; `cli/schemas` has a JSON Schema for each command
    -o yaml    the same facts

A command says what it found once, as an `Answer`. The JSON object begins with the version of its
shape; keys are snake_case, and what several things can be found of is always an array:

    {"v": 1, "topics": [{"name": "orders", "replication_factor": 2, ..}]}

An error in it is Kafka's bare code name, or null. A field may be added to a version; one that is
renamed, removed or means something else makes the next.

A table is columns padded with blanks, so that what reads Kafka's tools (awk, a course's script)
reads this; on a terminal rich draws it, without styles if NO_COLOR is set (https://no-color.org).
"""

import contextlib
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs
import click

from cli.commands.yaml_text import yaml_lines

JSON_VERSION = 1
# In a click context: the list that takes answers instead of stdout.
_TAKEN = f"{__name__}.taken"
MISSING = "-"  # how Kafka's tools print what is not known

# The widths of Kafka's group table: columns stay in place from one call to the next
# unless a name is longer.
LEAST_WIDTH = 15


@attrs.frozen
class Table:
    """Rows under their column names; a cell that is None is printed as "-"."""

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]


# What people read: tables, and lines that stand as they are.
Text = Sequence[Table | str]


@attrs.frozen
class Answer:
    """What a command has to say: `facts` for programs, `text` for people, `names` for `xargs`.

    `wide` is None where there is no more to show than in `text`.
    """

    facts: Mapping[str, Any]
    text: Text
    names: Sequence[object]
    wide: Text | None = None

    def print_as(self, form: str, *, in_a_line: bool = False) -> None:
        """Print it on stdout in one of `options.FORMS`; or give it to whoever takes answers.

        in_a_line: JSON without line breaks, for answers that come one after the other.
        """
        context = click.get_current_context(silent=True)
        taken = context.meta.get(_TAKEN) if context is not None else None
        if taken is not None:
            taken.append(self)
        elif form == "json":
            print_json(in_a_line=in_a_line, **self.facts)
        elif form == "yaml":
            click.echo("\n".join(yaml_lines({"v": JSON_VERSION, **self.facts})))
        elif form == "name":
            for name in self.names:
                click.echo(name)
        else:
            text = self.wide if form == "wide" and self.wide is not None else self.text
            for each in text:
                if isinstance(each, Table):
                    print_table(each)
                else:
                    click.echo(each)


@contextlib.contextmanager
def taking_answers() -> Iterator[list[Answer]]:
    """What the command says meanwhile is not printed but collected (see `repeating`)."""
    meta = click.get_current_context().meta
    taken: list[Answer] = []
    meta[_TAKEN] = taken
    try:
        yield taken
    finally:
        del meta[_TAKEN]


def print_json(*, in_a_line: bool = False, **facts: Any) -> None:
    """Print one JSON object: the version, then `facts`; over several lines on a terminal."""
    indent = 2 if sys.stdout.isatty() and not in_a_line else None
    click.echo(json.dumps({"v": JSON_VERSION, **facts}, indent=indent))


def print_table(table: Table) -> None:
    """Print a table: drawn on a terminal, padded columns elsewhere."""
    texts = [[MISSING if cell is None else str(cell) for cell in row] for row in table.rows]
    if sys.stdout.isatty():
        _draw(table.columns, texts)
        return
    widths = [
        max(LEAST_WIDTH, *(len(cell) for cell in column))
        for column in zip(table.columns, *texts, strict=True)
    ]
    for row in [list(table.columns), *texts]:
        line = " ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo(line.rstrip())


def _draw(columns: Sequence[str], texts: Sequence[Sequence[str]]) -> None:
    from rich.console import Console  # takes 50 ms, for terminals only
    from rich.table import Table as Drawing
    from rich.text import Text as Words

    header_style = "" if os.environ.get("NO_COLOR") else "bold"
    drawing = Drawing(box=None, pad_edge=False, header_style=header_style)
    for column in columns:
        drawing.add_column(column, overflow="fold")  # a name that is cut off can't be copied
    for row in texts:
        drawing.add_row(*(Words(cell) for cell in row))  # as Words, "[x]" is no markup
    Console(highlight=False).print(drawing)


def say(message: str) -> None:
    """A remark beside the answer: to stderr."""
    click.echo(message, err=True)
