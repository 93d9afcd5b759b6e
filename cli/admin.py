"""`zbroker-admin`: one command line for everything but the broker itself.

Each command is a module of `cli.commands` that holds a click command of the same name: `up` is
`cli.commands.up.up`. A noun with several verbs is a package, each verb a module of it
(`cli.commands.lazy`).

Exit codes: 0 done; 1 an error; 2 wrong usage; 3 done in part; 4 a check is not met; 5 too slow;
130 interrupted (`cli.commands.failure`).
"""

from typing import Any

import click

from cli.commands.lazy import LazyGroup
from cli.commands.leading import behind_the_verb

# In the order that a newcomer needs them.
COMMANDS = (
    "up",
    "status",
    "down",
    "cluster",
    "controller",
    "broker",
    "topic",
    "config",
    "quota",
    "partition",
    "group",
    "txn",
    "records",
    "log",
    "zk",
    "trace",
    "doctor",
    "context",
    "completion",
    "version",
)


class Admin(LazyGroup):
    """The whole tree. Ctrl-C ends any of it in one line, wherever it is."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, behind_the_verb(args))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            from cli.commands.failure import Exit, Failure  # only those who wait interrupt

            raise Failure("interrupted", Exit.INTERRUPTED) from None


@click.group(
    cls=Admin,
    package="cli.commands",
    members=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="zbroker", prog_name="zbroker-admin")
def main() -> None:
    """Start, look at and change a cluster of Kafka-compatible brokers.

    Most commands are a noun and a verb; `zbroker-admin topic` lists the verbs of topics. They
    ask any Kafka 3.9, not zbroker alone. Options that all of them have, as -b and -o, may also
    stand before the noun.

    \b
    Environment:
      ZBROKER_BOOTSTRAP   brokers to ask first (else 127.0.0.1:9092)
      ZBROKER_DIR         where `up` keeps its ensemble (else .zbroker)
      NO_COLOR            no colours, on a terminal either

    \b
    Exit codes:
      0 done   1 an error   2 wrong usage   3 done in part   4 a check is not met   5 too slow
      130 interrupted
    """


if __name__ == "__main__":
    main()
