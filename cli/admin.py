"""`zbroker-admin`: one command line for everything but the broker itself.

Each command is a module of `cli.commands` that holds a click command of the same name: `up` is
`cli.commands.up.up`. A module is imported when its command runs, because a shell user feels every
100 ms, and `down` needs nothing of what `topic` imports.

Exit codes: 0 done; 1 an error; 2 wrong usage; 3 done in part; 4 a check is not met; 5 too slow
(`cli.commands.options`).
"""

import importlib

import click

# In the order that a newcomer needs them.
COMMANDS = ("up", "status", "down", "topic", "group", "zk", "trace")


class LazyGroup(click.Group):
    """A group that imports a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command = getattr(importlib.import_module(f"cli.commands.{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command)
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="zbroker", prog_name="zbroker-admin")
def main() -> None:
    """Start, look at and change a cluster of Kafka-compatible brokers."""


if __name__ == "__main__":
    main()
