"""`zbroker FILE`: starts one broker from a Kafka `server.properties`.

Exit codes: 0 stopped as asked; 1 the broker could not go on (one line says why); 2 the file or the
command line is wrong (one line names file, key, value and what is allowed). An unexpected exception
is a bug and shows its traceback.

The first SIGTERM or SIGINT asks for a controlled shutdown: leaders move to other brokers, logs are
closed cleanly. A second one ends the process at once, as kill -9 would.

How it logs, `cli.logs` says.

The broker is imported once its configuration is known to be right: a wrong file is answered at
once.
"""

import logging
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from broker.config import BrokerConfig, ConfigError
from broker.config.java_properties import PropertiesSyntaxError, parse_properties
from broker.config.warnings import warning_lines
from cli.logs import LogFormat, log_failure, log_to

if TYPE_CHECKING:
    import trio

FAILED = 1
WRONG_USAGE = 2
# One wish may come as two signals: `timeout` sends to the process and then to its group.
SAME_WISH_S = 0.5


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--override",
    "overrides",
    metavar="KEY=VALUE",
    multiple=True,
    help="Set one property over what FILE says; as kafka-server-start.sh's, it may be "
    "given several times.",
)
@click.option(
    "--log-format",
    type=click.Choice([each.value for each in LogFormat]),
    default=LogFormat.AUTO.value,
    envvar="ZBROKER_LOG_FORMAT",
    help="How to log to stderr: lines for people (text), or an object a line (json); auto, the "
    "default, is text on a terminal and json elsewhere.  [env: ZBROKER_LOG_FORMAT]",
)
@click.version_option(package_name="zbroker", prog_name="zbroker")
def main(file: Path, overrides: tuple[str, ...], log_format: str) -> None:
    """Start one broker from FILE, a server.properties of Kafka 3.9 in ZooKeeper mode.

    It joins the ensemble at zookeeper.connect, takes its part in what the brokers there hold in
    common, and serves clients until it is told to stop. It stays in the foreground and logs to
    stderr. All property names of Kafka 3.9 are known; those that zbroker doesn't use yet are
    named in a warning, and so are those that nobody knows.

    \b
    One property more than Kafka has:
      http.listener=HTTP://127.0.0.1:9404   /metrics, /healthz, /readyz, /events,
                                            /requests, /controller/..

    \b
    Examples:
      zbroker server.properties
      zbroker server.properties --override broker.id=2 --override log.dirs=/data/2
      ZBROKER_LOG_FORMAT=json zbroker server.properties

    \b
    Signals:
      SIGTERM, SIGINT   stop in order: leaders move to other brokers, logs are closed;
                        a second one ends at once, as kill -9

    \b
    Exit codes:
      0  stopped as asked
      1  it could not go on; one line says why
      2  FILE or the command line is wrong; one line says what is allowed

    \b
    Files, in the first of log.dirs:
      events.jsonl      what has changed, and because of what (zbroker-admin trace events)
    """
    config = load_config(file, overrides)
    used = log_to(sys.stderr, LogFormat(log_format))
    # kazoo tells of each reconnect on its own; the trace has that as session events.
    logging.getLogger("kazoo").setLevel(logging.ERROR)
    for line in warning_lines(config.properties):
        logging.getLogger("broker.config").warning("%s: %s", file, line)
    run(config, used)


def load_config(file: Path, overrides: tuple[str, ...] = ()) -> BrokerConfig:
    """Reads FILE and the overrides; exits with 2 and one line if anything is wrong with them."""
    try:
        properties = parse_properties(file.read_bytes())
    except OSError as error:
        _exit(WRONG_USAGE, f"{file}: {error.strerror}")
    except PropertiesSyntaxError as error:
        _exit(WRONG_USAGE, f"{file}: {error}")
    overridden = {}
    for override in overrides:
        key, equals, value = override.partition("=")
        if not equals or not key:
            _exit(WRONG_USAGE, f"--override {override}: must be KEY=VALUE")
        overridden[key] = value
    try:
        return BrokerConfig.from_properties(properties | overridden)
    except ConfigError as error:
        origin = "--override" if error.name in overridden else file
        _exit(WRONG_USAGE, f"{origin}: {error.line}")


def run(config: BrokerConfig, log_format: LogFormat) -> None:
    """Runs the broker until a signal or a failure ends it; exits with 1 after a failure."""
    import trio

    from broker.failure import BrokerFailure, innermost

    failure = None
    try:
        trio.run(_serve, config)
    except* BrokerFailure as failures:
        failure = str(innermost(failures))
    # Not in the block: `except*` wraps what it raises in a group before Python 3.11.4 (gh-103590).
    if failure is not None and log_format is LogFormat.JSON:
        log_failure(failure)
        sys.exit(FAILED)
    if failure is not None:
        _exit(FAILED, failure)


async def _serve(config: BrokerConfig) -> None:
    import trio

    from broker.run import run_broker

    shutdown = trio.Event()
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_obey_signals, signals, shutdown)
            await run_broker(config, shutdown=shutdown)
            nursery.cancel_scope.cancel()


async def _obey_signals(signals: AsyncIterator[int], shutdown: "trio.Event") -> None:
    import trio

    asked_at = 0.0
    async for number in signals:
        name = signal.Signals(number).name
        if not shutdown.is_set():
            logging.getLogger(__name__).info("%s: shutting down in an orderly way", name)
            shutdown.set()
            asked_at = trio.current_time()
        elif trio.current_time() - asked_at > SAME_WISH_S:
            logging.getLogger(__name__).warning("%s again: ending at once", name)
            logging.shutdown()
            os._exit(FAILED)


def _exit(code: int, line: str) -> NoReturn:
    click.echo(f"zbroker: {line}", err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
