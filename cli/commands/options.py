"""What all commands share: how to reach the cluster, how to print, how to end.

    -b, --bootstrap-server   brokers to ask first; ZBROKER_BOOTSTRAP, else 127.0.0.1:9092
    -c, --command-config     a properties file as Kafka's tools take it
    -o, --output             table, wide, name, json or yaml (`output`)
    --timeout                the deadline of the whole command, in seconds

They stand behind the verb, where Kafka's users look for them
(`zbroker-admin topic list -b host:9092`).
"""

import functools
from collections.abc import Awaitable, Callable
from enum import IntEnum
from pathlib import Path
from typing import Any, TypeVar

import attrs
import click
import trio

from broker.config.java_properties import PropertiesSyntaxError, parse_properties
from broker.failure import innermost
from cli.client import Address, ClientError, Cluster, TimedOut, open_cluster, parse_addresses
from coordination.store import StoreError

T = TypeVar("T")
Command = TypeVar("Command", bound=Callable[..., Any])

DEFAULT_BOOTSTRAP = "127.0.0.1:9092"
DEFAULT_TIMEOUT_SECONDS = 30.0

FORMS = ("table", "wide", "name", "json", "yaml")

PROPERTIES_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


class Exit(IntEnum):
    """Exit codes. 0 is success; click itself ends with 2 for a wrong usage."""

    ERROR = 1
    USAGE = 2
    PARTIAL = 3
    NOT_MET = 4
    TIMEOUT = 5


class Failure(click.ClickException):
    """Ends the command with one line on stderr and an exit code."""

    def __init__(self, message: str, code: Exit = Exit.ERROR) -> None:
        super().__init__(message)
        self.exit_code = code  # type: ignore[misc]  # click reads it from the instance


@attrs.frozen
class Target:
    """The cluster that a command is about."""

    bootstrap: tuple[Address, ...]
    timeout_seconds: float

    def ask(self, question: Callable[[Cluster], Awaitable[T]]) -> T:
        """Run `question` with an open cluster; its failures end the command in one line."""

        async def answer() -> T:
            async with open_cluster(self.bootstrap, timeout_seconds=self.timeout_seconds) as it:
                return await question(it)
            raise AssertionError("open_cluster has raised TimedOut")

        return run(answer)


def run(operation: Callable[[], Awaitable[T]]) -> T:
    """Run an async operation; what its user can do something about ends in one line."""
    try:
        return trio.run(operation)
    except* TimedOut as errors:
        failure = Failure(str(innermost(errors)), Exit.TIMEOUT)
    except* (ClientError, StoreError) as errors:
        failure = Failure(str(innermost(errors)))
    # Not in the block: `except*` wraps what it raises in a group before Python 3.11.4 (gh-103590).
    raise failure


def cluster_options(command: Command) -> Command:
    """Add the options that say which cluster; the command gets them as one `target`."""

    @functools.wraps(command)
    def with_target(
        *args: Any,
        bootstrap_server: str | None,
        command_config: Path | None,
        admin_config: Path | None,
        timeout: float,
        **kwargs: Any,
    ) -> Any:
        target = target_of(bootstrap_server, command_config or admin_config, timeout)
        return command(*args, target=target, **kwargs)

    options = [
        click.option(
            "-b",
            "--bootstrap-server",
            envvar="ZBROKER_BOOTSTRAP",
            metavar="HOST:PORT,..",
            help=f"Brokers to ask first.  [env: ZBROKER_BOOTSTRAP; default: {DEFAULT_BOOTSTRAP}]",
        ),
        click.option(
            "-c",
            "--command-config",
            type=PROPERTIES_FILE,
            metavar="FILE",
            help="Client properties, as Kafka's tools take them.",
        ),
        # kafka-leader-election's name for the same.
        click.option("--admin.config", "admin_config", type=PROPERTIES_FILE, hidden=True),
        click.option(
            "--timeout",
            type=click.FloatRange(min=0, min_open=True),
            default=DEFAULT_TIMEOUT_SECONDS,
            show_default=True,
            metavar="S",
            help="Give up after so many seconds (exit code 5).",
        ),
    ]
    for option in reversed(options):
        with_target = option(with_target)
    return with_target  # type: ignore[return-value]


def target_of(bootstrap: str | None, config_file: Path | None, timeout: float) -> Target:
    """The cluster that these options mean; raises click's errors for what can't be read."""
    config = _read_config(config_file) if config_file else {}
    protocol = config.get("security.protocol", "PLAINTEXT")
    if protocol != "PLAINTEXT":
        raise Failure(f"{config_file}: security.protocol={protocol}: only PLAINTEXT yet")
    text = bootstrap or config.get("bootstrap.servers") or DEFAULT_BOOTSTRAP
    try:
        return Target(parse_addresses(text), timeout)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--bootstrap-server") from None


def _read_config(file: Path) -> dict[str, str]:
    try:
        return parse_properties(file.read_bytes())
    except (OSError, PropertiesSyntaxError) as error:
        raise click.BadParameter(f"{file}: {error}", param_hint="--command-config") from None


def output_option(default: str = "table") -> Callable[[Command], Command]:
    """Add `-o`; the command gets it as `output`, for `Answer.print_as`."""
    return click.option(
        "-o",
        "--output",
        type=click.Choice(FORMS),
        default=default,
        show_default=True,
        help="Form of the answer.",
    )
