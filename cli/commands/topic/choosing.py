"""Which topics a command is about: names as arguments, or a regular expression as Kafka's tools."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from cli.client import Cluster
from cli.client.topics import list_topics
from cli.commands.completing import complete_topics
from cli.commands.options import Failure
from cli.commands.topic.text import topic_regex

Command = TypeVar("Command", bound=Callable[..., Any])


def names_options(command: Command) -> Command:
    """Add `[TOPIC]..` and `--topic REGEX`; the command gets them as `names` and `pattern`."""
    pattern = click.option(
        "--topic", "pattern", metavar="REGEX", help="Topics that match, as in Kafka's tool."
    )
    return click.argument("names", nargs=-1, metavar="[TOPIC]..", shell_complete=complete_topics)(
        pattern(command)
    )


def exclude_internal_option(command: Command) -> Command:
    """Add `--exclude-internal`."""
    return click.option(
        "--exclude-internal", is_flag=True, help="Leave out __consumer_offsets and the like."
    )(command)


async def chosen_topics(
    cluster: Cluster,
    names: Sequence[str],
    pattern: str | None,
    *,
    exclude_internal: bool = False,
) -> list[str]:
    """The names given, else those that match the pattern, else all.

    Names given are not looked up: the broker says if there is none such. A pattern that matches
    nothing gives none.
    """
    if names and pattern is not None:
        raise click.UsageError("give names, or --topic REGEX")
    if names:
        return list(dict.fromkeys(names))
    regex = topic_regex(".*" if pattern is None else pattern)
    return [
        each.name
        for each in await list_topics(cluster)
        if regex.fullmatch(each.name) and not (each.internal and exclude_internal)
    ]


def no_match(pattern: str) -> Failure:
    return Failure(f"no topic matches {pattern!r}")
