"""The ensemble's ZooKeeper, for the commands that read it: `zk`, `controller`.

They only read: what changes a cluster is a request to a broker (KAFKA-14190).
"""

import functools
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import attrs
import click

from cli.commands.options import Failure, run
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

    def read(self, question: Callable[[Session], Awaitable[T]]) -> T:
        """Run `question` in a session of its own; its failures end the command in one line."""

        async def answer() -> T:
            # Without the chroot: a session with one would make it, and a mistyped one too.
            store = KazooStore(self.hosts, session_timeout_ms=SESSION_TIMEOUT_MS)
            session = await store.open_session(timeout_ms=CONNECT_TIMEOUT_MS)
            try:
                return await question(session)
            finally:
                await session.aclose()

        return run(answer)


def zookeeper_options(command: Command) -> Command:
    """Add `--zookeeper` and `--dir`; the command gets the one `zookeeper` that they mean."""

    @functools.wraps(command)
    def with_zookeeper(
        *args: Any, zookeeper: str | None, directory: Directory, **kwargs: Any
    ) -> Any:
        hosts, slash, chroot = (zookeeper or _own_zookeeper(directory)).partition("/")
        return command(*args, zookeeper=ZooKeeper(hosts, (slash + chroot).rstrip("/")), **kwargs)

    option = click.option(
        "--zookeeper",
        metavar="HOST:PORT,..[/CHROOT]",
        help="As zookeeper.connect.  [default: the ZooKeeper of `up` in --dir]",
    )
    return option(dir_option(with_zookeeper))  # type: ignore[return-value]


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
