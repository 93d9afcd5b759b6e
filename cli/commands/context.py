"""`zbroker-admin context`: which cluster is meant when none is named (`contexts`)."""

from collections.abc import Sequence

import click

from cli.commands.contexts import (
    Context,
    complete_contexts,
    context_in_use,
    contexts_file,
    read_contexts,
    use_context,
)
from cli.commands.failure import Exit, Failure
from cli.commands.options import output_option
from cli.commands.output import Answer, Table, say

COLUMNS = ("IN-USE", "CONTEXT", "BOOTSTRAP-SERVER", "ZOOKEEPER", "COMMAND-CONFIG")


@click.group()
def context() -> None:
    """Name clusters, and choose the one that is meant.

    They stand in contexts.toml in ~/.config/zbroker (or below XDG_CONFIG_HOME):

    \b
    [prod]
    bootstrap-server = "b1:9092,b2:9092"
    zookeeper = "z1:2181,z2:2181/kafka"
    command-config = "prod.properties"
    """


@context.command("list")
@output_option()
def list_command(output: str) -> None:
    """Print all contexts.

    \b
    Example: zbroker-admin context list
    """
    contexts = read_contexts()
    if not contexts:
        say(f"there are none: `zbroker-admin context --help` shows what {contexts_file()} may say")
    _answer(list(contexts.values()), context_in_use()).print_as(output)


@context.command("show")
@output_option()
def show_command(output: str) -> None:
    """Print the context in use; exit code 4 if there is none.

    \b
    Example: zbroker-admin context show
    """
    in_use = context_in_use()
    if in_use is None:
        raise Failure("no context is in use", Exit.NOT_MET)
    _answer([in_use], in_use).print_as(output)


@context.command("use")
@click.argument("name", required=False, shell_complete=complete_contexts)
@click.option("--none", "is_none", is_flag=True, help="None any more.")
@output_option()
def use_command(name: str | None, is_none: bool, output: str) -> None:
    """From now on NAME is meant where a command names no cluster.

    \b
    Example: zbroker-admin context use prod
    """
    if (name is None) != is_none:
        raise click.UsageError("give a NAME, or --none")
    use_context(name)
    in_use = context_in_use()
    _answer([] if in_use is None else [in_use], in_use).print_as(output)


def _answer(contexts: Sequence[Context], in_use: Context | None) -> Answer:
    return Answer(
        facts={"contexts": [_facts(each, in_use) for each in contexts]},
        text=[Table(COLUMNS, [_row(each, in_use) for each in contexts])] if contexts else [],
        names=[each.name for each in contexts],
    )


def _row(each: Context, in_use: Context | None) -> tuple[object, ...]:
    return (
        "*" if each == in_use else None,
        each.name,
        each.bootstrap_server,
        each.zookeeper,
        each.command_config,
    )


def _facts(each: Context, in_use: Context | None) -> dict[str, object]:
    return {
        "name": each.name,
        "bootstrap_server": each.bootstrap_server,
        "zookeeper": each.zookeeper,
        "command_config": None if each.command_config is None else str(each.command_config),
        "in_use": each == in_use,
    }
