"""Which groups a command is about: names as arguments, or with `--group` as in Kafka's tool."""

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click

from cli.commands.completing import complete_groups

Command = TypeVar("Command", bound=Callable[..., Any])


def groups_options(command: Command) -> Command:
    """Add `[GROUP]..` and `--group GROUP`; the command gets both as one list, `names`."""

    @functools.wraps(command)
    def with_names(
        *args: Any, names: tuple[str, ...], more_names: tuple[str, ...], **kwargs: Any
    ) -> Any:
        return command(*args, names=list(dict.fromkeys([*names, *more_names])), **kwargs)

    more = click.option(
        "--group",
        "more_names",
        multiple=True,
        metavar="GROUP",
        shell_complete=complete_groups,
        help="The same, as in Kafka's tool.",
    )
    return click.argument("names", nargs=-1, metavar="[GROUP]..", shell_complete=complete_groups)(
        more(with_names)
    )  # type: ignore[return-value]


def group_option(command: Command) -> Command:
    """Add `GROUP` or `--group GROUP` for a command about one; it gets it as `name`."""

    @groups_options
    @functools.wraps(command)
    def with_name(*args: Any, names: list[str], **kwargs: Any) -> Any:
        if len(names) != 1:
            raise click.UsageError("give one GROUP")
        return command(*args, name=names[0], **kwargs)

    return with_name  # type: ignore[return-value]
