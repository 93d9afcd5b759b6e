"""Commands that are imported when they run: a shell user feels every 100 ms.

`zbroker-admin topic describe` needs `cli.commands.topic.describe` and nothing of what the other
commands import. So a group of commands knows its members by name only:

    group of nouns, in `cli.commands`          `up`     is  cli.commands.up: up
    group of verbs, in `cli.commands.topic`    `list`   is  cli.commands.topic.list: command
                                               `reset-offsets`  ..group.reset_offsets: command

Help for a whole group has to look at each of its commands; that is the one time it imports all.
"""

import importlib
from collections.abc import Sequence
from typing import Any

import click


class LazyGroup(click.Group):
    """A group whose commands are modules of `package`; they are listed in the given order.

    A module holds its command under `attribute`, or under the command's own name.
    """

    def __init__(
        self,
        *args: Any,
        package: str,
        members: Sequence[str],
        attribute: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._package = package
        self._members = tuple(members)
        self._attribute = attribute

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(self._members)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in self._members:
            return None
        module = importlib.import_module(f"{self._package}.{cmd_name.replace('-', '_')}")
        command = getattr(module, self._attribute or cmd_name)
        assert isinstance(command, click.Command)
        return command


def noun(name: str, package: str, verbs: Sequence[str], summary: str) -> LazyGroup:
    """The group of a noun's verbs: each a module of `package` with a click command `command`."""
    return LazyGroup(name, package=package, members=verbs, attribute="command", help=summary)
