"""What all commands share: how to reach the cluster, how to print, how to end.

    -b, --bootstrap-server   brokers to ask first; ZBROKER_BOOTSTRAP, else 127.0.0.1:9092
    --context                a cluster by the name that it has in `contexts`
    -c, --command-config     a properties file as Kafka's tools take it
    -o, --output             table, wide, name, json or yaml (`output`)
    --watch, --until         of what shows something: again and again (`repeating`)
    --timeout                the deadline of the whole command, in seconds
    -v                       which broker is asked what, and how long it takes, on stderr

They stand behind the verb, where Kafka's users look for them
(`zbroker-admin topic list -b host:9092`).
"""

import functools
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import attrs
import click
import trio

from broker.config.java_properties import PropertiesSyntaxError, parse_properties
from broker.failure import innermost
from cli.client import (
    Address,
    Changes,
    ClientError,
    Cluster,
    RequestFailed,
    TimedOut,
    open_cluster,
    parse_addresses,
)
from cli.commands.contexts import Context, complete_contexts, context_in_use, named_context
from cli.commands.failure import Exit as Exit  # for all commands: with the options
from cli.commands.failure import Failure as Failure
from cli.commands.repeating import repeating_options
from cli.commands.verbose import verbose_option
from coordination.store import StoreError

T = TypeVar("T")
Command = TypeVar("Command", bound=Callable[..., Any])

DEFAULT_BOOTSTRAP = "127.0.0.1:9092"
DEFAULT_TIMEOUT_SECONDS = 30.0

FORMS = ("table", "wide", "name", "json", "yaml")

PROPERTIES_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@attrs.frozen
class Target:
    """The cluster that a command is about."""

    bootstrap: tuple[Address, ...]
    timeout_seconds: float

    def ask(self, question: Callable[[Cluster], Awaitable[T]]) -> T:
        """Run `question` with an open cluster; its failures end the command in one line."""

        changes = Changes()

        async def answer() -> T:
            async with open_cluster(
                self.bootstrap, timeout_seconds=self.timeout_seconds, changes=changes
            ) as cluster:
                return await question(cluster)
            raise AssertionError("open_cluster has raised TimedOut")

        return run(answer, changes)


def run(operation: Callable[[], Awaitable[T]], changes: Changes | None = None) -> T:
    """Run an async operation; what its user can do something about ends in one line.

    changes: what it has changed, to be told when it doesn't come to its end: when its user
    interrupts it, at the deadline, or when a broker is gone. (What a broker refuses is told by the
    command that asked.)
    """
    try:
        return trio.run(operation)
    except* KeyboardInterrupt:
        told = "interrupted" if changes is None else f"interrupted: {changes}"
        failure = Failure(told, Exit.INTERRUPTED)
    except* TimedOut as errors:
        failure = Failure(f"{innermost(errors)}{_told(changes)}", Exit.TIMEOUT)
    except* RequestFailed as errors:
        failure = Failure(str(innermost(errors)))
    except* (ClientError, StoreError) as errors:
        is_partial = changes is not None and changes.any_done
        failure = Failure(
            f"{innermost(errors)}{_told(changes)}", Exit.PARTIAL if is_partial else Exit.ERROR
        )
    # Not in the block: `except*` wraps what it raises in a group before Python 3.11.4 (gh-103590).
    raise failure


def _told(changes: Changes | None) -> str:
    return "" if changes is None or changes.is_empty else f"; {changes}"


def context_option(command: Command) -> Command:
    """Add `--context`; the command gets a name, or None."""
    return click.option(
        "--context",
        metavar="NAME",
        shell_complete=complete_contexts,
        help="The cluster of this name.  [default: that of `context use`]",
    )(command)


def timeout_option(command: Command) -> Command:
    """Add `--timeout`, in seconds."""
    return click.option(
        "--timeout",
        type=click.FloatRange(min=0, min_open=True),
        default=DEFAULT_TIMEOUT_SECONDS,
        show_default=True,
        metavar="S",
        help="Give up after so many seconds (exit code 5).",
    )(command)


def cluster_options(command: Command) -> Command:
    """Add the options that say which cluster; the command gets them as one `target`."""

    @functools.wraps(command)
    def with_target(
        *args: Any,
        bootstrap_server: str | None,
        context: str | None,
        command_config: Path | None,
        admin_config: Path | None,
        timeout: float,
        **kwargs: Any,
    ) -> Any:
        target = target_of(bootstrap_server, context, command_config or admin_config, timeout)
        return command(*args, target=target, **kwargs)

    options = [
        click.option(
            "-b",
            "--bootstrap-server",
            metavar="HOST:PORT,..",
            help=f"Brokers to ask first.  [env: ZBROKER_BOOTSTRAP; default: {DEFAULT_BOOTSTRAP}]",
        ),
        context_option,
        click.option(
            "-c",
            "--command-config",
            type=PROPERTIES_FILE,
            metavar="FILE",
            help="Client properties, as Kafka's tools take them.",
        ),
        # kafka-leader-election's name for the same.
        click.option("--admin.config", "admin_config", type=PROPERTIES_FILE, hidden=True),
        timeout_option,
        verbose_option,
    ]
    for option in reversed(options):
        with_target = option(with_target)
    return with_target  # type: ignore[return-value]


def target_of(
    bootstrap: str | None, context_name: str | None, config_file: Path | None, timeout: float
) -> Target:
    """The cluster that these options mean; raises click's errors for what can't be read."""
    context = None
    if not bootstrap:
        context, bootstrap = _cluster_of(context_name)
    elif context_name is not None:
        raise click.UsageError("--bootstrap-server excludes --context")
    if context is not None:
        bootstrap = context.bootstrap_server
        config_file = config_file or context.command_config
    config = _read_config(config_file) if config_file else {}
    protocol = config.get("security.protocol", "PLAINTEXT")
    if protocol != "PLAINTEXT":
        raise Failure(f"{config_file}: security.protocol={protocol}: only PLAINTEXT yet")
    text = bootstrap or config.get("bootstrap.servers") or DEFAULT_BOOTSTRAP
    try:
        return Target(parse_addresses(text), timeout)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--bootstrap-server") from None


def _cluster_of(context_name: str | None) -> tuple[Context | None, str | None]:
    """Without `-b`: a context, or what the environment says, or neither."""
    if context_name is not None:
        return named_context(context_name), None
    from_environment = os.environ.get("ZBROKER_BOOTSTRAP")
    if from_environment:
        return None, from_environment
    return context_in_use(), None


def _read_config(file: Path) -> dict[str, str]:
    try:
        return parse_properties(file.read_bytes())
    except (OSError, PropertiesSyntaxError) as error:
        raise click.BadParameter(f"{file}: {error}", param_hint="--command-config") from None


def output_option(default: str = "table", *, repeats: bool = False) -> Callable[[Command], Command]:
    """Add `-o`; the command gets it as `output`, for `Answer.print_as`.

    repeats: `--watch` and `--until`, too, for a command that shows something; it has a `timeout`.
    """
    option = click.option(
        "-o",
        "--output",
        type=click.Choice(FORMS),
        default=default,
        show_default=True,
        help="Form of the answer.",
    )

    def with_output(command: Command) -> Command:
        return option(repeating_options(command) if repeats else command)

    return with_output
