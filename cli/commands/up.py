"""`zbroker-admin up`: a ZooKeeper and brokers on this machine, in the foreground or detached.

With `--detach` this process only prepares (so that downloads are seen) and starts itself again in
the background, with `--ready-fd` naming the writing end of a pipe. The one in the background
writes a byte when the ensemble is ready; if the pipe closes without one, the start has failed,
and why is the last line of DIR/logs/up.log.
"""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import click
import trio

from broker.failure import innermost
from cli.commands.options import Exit, Failure
from cli.ensemble.claim import DirectoryInUse, holder
from cli.ensemble.layout import (
    DEFAULT_BROKERS,
    DEFAULT_PORT,
    DEFAULT_ZOOKEEPER_PORT,
    Directory,
    Ensemble,
    SetupError,
    set_up,
)
from cli.ensemble.options import dir_option
from cli.ensemble.programs import BrokerCommand, as_typed, zbroker_command
from cli.ensemble.supervisor import NotReadyInTime, Supervisor
from cli.java.artifacts import ArtifactError
from cli.java.progress import download_bar
from cli.java.zookeeper import zookeeper_class_path

PORT = click.IntRange(1, 65535)


@click.command()
@click.option(
    "--brokers",
    type=click.IntRange(1, 100),
    metavar="N",
    help=f"How many brokers.  [default: as before, else {DEFAULT_BROKERS}]",
)
@click.option(
    "--port",
    type=PORT,
    help=f"The first broker's; the others follow.  [default: as before, else {DEFAULT_PORT}]",
)
@click.option(
    "--zookeeper-port",
    type=PORT,
    help=f"ZooKeeper's.  [default: as before, else {DEFAULT_ZOOKEEPER_PORT}]",
)
@dir_option
@click.option("--detach", is_flag=True, help="Return when it is ready, and leave it running.")
@click.option("--ready-fd", type=int, hidden=True)
@click.pass_obj
def up(
    broker_command: BrokerCommand | None,
    brokers: int | None,
    port: int | None,
    zookeeper_port: int | None,
    directory: Directory,
    detach: bool,
    ready_fd: int | None,
) -> None:
    """Start a ZooKeeper and brokers on this machine, until Ctrl-C.

    Data and configuration lie in the directory and survive a restart. Edit the generated
    server.properties as you like: they are written once.

    \b
    Example: zbroker-admin up --brokers 5 --detach
    """
    try:
        if (pid := holder(directory)) is not None:
            raise DirectoryInUse(directory, pid)
        ensemble = set_up(directory, brokers=brokers, port=port, zookeeper_port=zookeeper_port)
        jars = zookeeper_class_path(download_bar)
        if detach:
            _run_detached(ensemble)
        else:
            _run(ensemble, jars, broker_command or zbroker_command, ready_fd)
        return
    except* NotReadyInTime as errors:
        failure = Failure(str(errors.exceptions[0]), Exit.TIMEOUT)
    except* (SetupError, ArtifactError) as errors:
        failure = Failure(str(innermost(errors)))
    # Not in the block: `except*` wraps what it raises in a group before Python 3.11.4 (gh-103590).
    raise failure


def _run(
    ensemble: Ensemble, jars: list[Path], broker_command: BrokerCommand, ready_fd: int | None
) -> None:
    def on_ready(controller_id: int) -> None:
        click.echo(_closing_lines(ensemble, controller_id, detached=ready_fd is not None))
        if ready_fd is not None:
            os.write(ready_fd, b"!")
            os.close(ready_fd)

    trio.run(Supervisor(ensemble, jars, broker_command, say=_say, on_ready=on_ready).run)
    click.echo("stopped; the data stays, the same command continues with it")


def _say(line: str) -> None:
    # The terminal may be gone (SIGHUP is on its way then): no reason to abandon the brokers.
    with suppress(OSError):
        click.echo(line)


def _run_detached(ensemble: Ensemble) -> None:
    reading, writing = os.pipe()
    log_file = ensemble.directory.log_file("up")
    again = [argument for argument in sys.orig_argv[1:] if argument != "--detach"]
    argv = [sys.executable, *again, "--ready-fd", str(writing)]
    with log_file.open("wb") as log:
        background = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=(writing,),
        )
    os.close(writing)
    try:
        is_ready = bool(os.read(reading, 1))
    except KeyboardInterrupt:
        background.send_signal(signal.SIGTERM)
        background.wait()
        raise
    said = log_file.read_text().rstrip()
    if not is_ready:
        exit_code = background.wait()
        known = exit_code if exit_code in set(Exit) else Exit.ERROR
        raise Failure(said.removeprefix("Error: "), Exit(known))
    click.echo(said)


def _closing_lines(ensemble: Ensemble, controller_id: int, *, detached: bool) -> str:
    root = ensemble.directory.root
    first = ensemble.bootstrap.partition(",")[0]
    admin = as_typed("zbroker-admin")
    stop = f"{admin} down --dir {root}" if detached else "Ctrl-C"
    return "\n".join(
        [
            f"ready: brokers at {ensemble.bootstrap} (controller: broker {controller_id})",
            f"data and logs: {root}",
            f"try: {admin} topic create test-topic -p 3 -b {first}",
            f"     echo 'Hello Kafka World!' | kcat -b {first} -P -t test-topic",
            f"     kcat -b {first} -C -t test-topic -e",
            f"stop: {stop}",
        ]
    )
