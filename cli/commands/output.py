"""Facts on a terminal, in a pipe, in a program.

A table is printed as Kafka's tools do, columns padded with blanks, so that what
reads those (awk, a course's script) reads this; on a terminal rich draws it.
JSON is one object for the whole answer:

    {"v": 1, "topics": [{"name": "orders", "replication_factor": 2, ..}]}
"""

import json
import sys
from collections.abc import Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table

JSON_VERSION = 1
MISSING = "-"  # how Kafka's tools print what is not known

# The widths of Kafka's group table: columns stay in place from one call to the next
# unless a name is longer.
LEAST_WIDTH = 15


def print_json(**facts: Any) -> None:
    """Print one JSON object: the version, then `facts`."""
    click.echo(json.dumps({"v": JSON_VERSION, **facts}, indent=2 if sys.stdout.isatty() else None))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows under their column names; None becomes "-"."""
    texts = [[MISSING if cell is None else str(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        table = Table(*columns, box=None, pad_edge=False, header_style="bold")
        for row in texts:
            table.add_row(*row)
        Console().print(table)
        return
    widths = [
        max(LEAST_WIDTH, *(len(cell) for cell in column))
        for column in zip(columns, *texts, strict=True)
    ]
    for row in [list(columns), *texts]:
        line = " ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo(line.rstrip())


def say(message: str) -> None:
    """A remark beside the answer: to stderr."""
    click.echo(message, err=True)
