"""What can't be taken back is asked for twice: on a terminal by a question, elsewhere by --yes.

Where Kafka has a tool for it (deleting a topic, a group), it is done at once, as by that. A script
that has no one to ask must have said it beforehand; nothing is ever taken for a yes.
"""

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from cli.commands.failure import Exit, Failure

Command = TypeVar("Command", bound=Callable[..., Any])


def yes_option(command: Command) -> Command:
    """Add `--yes`; the command gets it as `yes`, for `confirm`."""
    return click.option("--yes", is_flag=True, help="Do it without a question.")(command)


def confirm(question: str, *, yes: bool) -> None:
    """Return if the user wants it; end the command if not, or if there is no one to ask.

    The question goes to stderr: stdout is for the answer's JSON alone.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise Failure("not on a terminal, where you would be asked: give --yes", Exit.USAGE)
    click.echo(f"{question} [y/N] ", nl=False, err=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise Failure("nothing was changed")
