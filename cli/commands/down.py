"""`zbroker-admin down`: stop the `up` that runs in a directory, as Ctrl-C would."""

import os
import select
import signal

import click

from cli.commands.options import Exit, Failure
from cli.ensemble.claim import holder
from cli.ensemble.layout import Directory, SetupError
from cli.ensemble.options import dir_option

# Longer than `up` allows brokers and ZooKeeper together.
DEFAULT_TIMEOUT_S = 60.0


@click.command()
@dir_option
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=DEFAULT_TIMEOUT_S,
    show_default=True,
    metavar="S",
    help="Give up waiting after so many seconds (exit code 5); it goes on stopping.",
)
def down(directory: Directory, timeout: float) -> None:
    """Stop the brokers, then ZooKeeper; data stays.

    \b
    Example: zbroker-admin down
    """
    try:
        readable, pid = _stop(directory, timeout)
    except SetupError as error:
        raise Failure(str(error)) from None
    except ProcessLookupError:
        raise Failure(f"it ended just now, in {directory.root}") from None
    except PermissionError:
        raise Failure(f"what runs in {directory.root} is another user's") from None
    if not readable:
        raise Failure(f"not stopped within {timeout:g} s (pid {pid})", Exit.TIMEOUT)
    click.echo(f"stopped; the data stays in {directory.root}")


def _stop(directory: Directory, timeout: float) -> tuple[bool, int]:
    """Whether it ended in time, and its pid."""
    pid = holder(directory)
    if pid is None:
        raise Failure(f"nothing runs in {directory.root}")
    # A pid can be given to another process between two looks; a pidfd cannot. So: open it, see
    # that the process that we opened still is the holder, and use only the pidfd from then on.
    pidfd = os.pidfd_open(pid)
    try:
        if holder(directory) != pid:
            raise Failure(f"it was stopped just now, by somebody else, in {directory.root}")
        signal.pidfd_send_signal(pidfd, signal.SIGTERM)
        readable, _, _ = select.select([pidfd], [], [], timeout)
    finally:
        os.close(pidfd)
    return bool(readable), pid
