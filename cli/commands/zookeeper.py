"""The ensemble's ZooKeeper, for the commands that look there: `zk`, `controller`, ..

They only read, for what changes a cluster is a request to a broker (KAFKA-14190); but one:
`controller move` deletes /controller, for which there is no request.
"""

import contextlib
import functools
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

import attrs
import click
import trio
from click.core import ParameterSource

from cli.client import TimedOut
from cli.client.addresses import parse_addresses
from cli.client.changes import Changes
from cli.commands.contexts import context_in_use, named_context
from cli.commands.options import (
    Failure,
    Target,
    cluster_options,
    context_option,
    run,
    timeout_option,
)
from cli.ensemble.layout import Directory, SetupError, read_set_up
from cli.ensemble.options import dir_option
from coordination.kazoo_store import KazooStore
from coordination.store import Session

T = TypeVar("T")
Command = TypeVar("Command", bound=Callable[..., Any])

SESSION_TIMEOUT_MS = 10_000
CONNECT_TIMEOUT_MS = 10_000


@attrs.frozen
class ZooKeeper:
    """Where it is, and below which node the ensemble keeps everything ("" for the root)."""

    hosts: str
    chroot: str
    timeout_seconds: float

    def ask(
        self,
        question: Callable[[Session], Awaitable[T]],
        *,
        is_endless: bool = False,
        changes: Changes | None = None,
    ) -> T:
        """Run `question` in a session of its own; its failures end the command in one line.

        is_endless: the deadline is for the session's beginning alone.
        changes: where `question` notes what it changes.
        """

        async def answer() -> T:
            with trio.move_on_after(self.timeout_seconds) as deadline:
                return await asked(deadline)
            raise TimedOut(f"not done within {self.timeout_seconds:g} s")

        async def asked(deadline: trio.CancelScope) -> T:
            async with self.session() as session:
                if is_endless:
                    deadline.deadline = math.inf
                return await question(session)

        return run(answer, changes)

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """A session, for as long as the block takes. Its paths are whole ones.

        Without the chroot: a session with one would make it, and a mistyped one too.
        """
        store = KazooStore(self.hosts, session_timeout_ms=SESSION_TIMEOUT_MS)
        session = await store.open_session(timeout_ms=CONNECT_TIMEOUT_MS)
        try:
            yield session
        finally:
            with trio.CancelScope(shield=True, deadline=trio.current_time() + 1):
                await session.aclose()


def zookeeper_options(command: Command) -> Command:
    """Add the options that say which one; the command gets the one `zookeeper` that they mean."""

    @functools.wraps(command)
    def with_zookeeper(
        *args: Any,
        zookeeper: str | None,
        context: str | None,
        directory: Directory,
        timeout: float,
        **kwargs: Any,
    ) -> Any:
        where = _where(zookeeper, context, directory, timeout)
        return command(*args, zookeeper=where, **kwargs)

    return _connect_option(context_option(dir_option(timeout_option(with_zookeeper))))  # type: ignore[return-value]


def ensemble_options(command: Command) -> Command:
    """Add the options of both sides; the command gets a `target` and its `zookeeper`."""

    @functools.wraps(command)
    def with_zookeeper(
        *args: Any, zookeeper: str | None, directory: Directory, target: Target, **kwargs: Any
    ) -> Any:
        context = click.get_current_context().params.get("context")
        where = _where(zookeeper, context, directory, target.timeout_seconds)
        return command(*args, target=target, zookeeper=where, **kwargs)

    return cluster_options(_connect_option(dir_option(with_zookeeper)))  # type: ignore[return-value]


def _connect_option(command: Command) -> Command:
    return click.option(
        "--zookeeper",
        metavar="HOST:PORT,..[/CHROOT]",
        help="As zookeeper.connect.  [default: the ZooKeeper of `up` in --dir]",
    )(command)


def _where(
    connect: str | None, context: str | None, directory: Directory, timeout_seconds: float
) -> ZooKeeper:
    connect = connect or _of_context(context) or _own_zookeeper(directory)
    hosts, slash, chroot = connect.partition("/")
    try:
        parse_addresses(hosts)
        check_path(slash + chroot)
    except ValueError as error:
        raise click.UsageError(f"--zookeeper {connect}: {error}") from None
    return ZooKeeper(hosts, (slash + chroot).rstrip("/"), timeout_seconds)


def check_path(path: str) -> None:
    """ValueError for what ZooKeeper has no node for: kazoo would take `..` for a step back."""
    if any(part in (".", "..") for part in path.split("/")):
        raise ValueError(f"{path!r}: a znode's path has no . and ..")


def _of_context(name: str | None) -> str | None:
    """The ZooKeeper that a context names; None if none is chosen, or it says nothing of it.

    Whoever names a --dir means the ensemble there, and not the context in use.
    """
    if name is None:
        source = click.get_current_context().get_parameter_source("directory")
        in_use = context_in_use() if source is ParameterSource.DEFAULT else None
        return None if in_use is None else in_use.zookeeper
    context = named_context(name)
    if context.zookeeper is None:
        raise Failure(f"context {name!r} names no zookeeper")
    return context.zookeeper


def _own_zookeeper(directory: Directory) -> str:
    """The address of the ensemble in `directory`."""
    if not directory.zoo_cfg.exists():
        raise click.UsageError(
            f"give --zookeeper HOST:PORT: there is no ensemble in {directory.root}"
        )
    try:
        return f"127.0.0.1:{read_set_up(directory, 0).zookeeper_port}"
    except SetupError as error:
        raise Failure(str(error)) from None
