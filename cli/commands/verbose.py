"""`-v`: what a command asks, of whom, and how long it takes; a line each on stderr.

    07:12:40.512 127.0.0.1:9092: MetadataRequest 12: 312 bytes in 1.4 ms

It is the log of `cli.client`, which is silent by itself. `--verbose` is another option, and a
command's own: Kafka's consumer-groups tool has it for something else.
"""

import logging
from collections.abc import Callable
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


class _Stderr(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        click.echo(self.format(record), err=True)


def _be_verbose(context: click.Context, _parameter: click.Parameter, verbose: bool) -> None:
    if not verbose:
        return
    handler = _Stderr()
    handler.setFormatter(logging.Formatter("%(asctime)s.%(msecs)03d %(message)s", "%H:%M:%S"))
    log = logging.getLogger("cli.client")
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    context.call_on_close(lambda: log.removeHandler(handler))


verbose_option: Callable[[Command], Command] = click.option(
    "-v",
    "tells_requests",
    is_flag=True,
    expose_value=False,
    callback=_be_verbose,
    help="Tell each request and how long it took, on stderr.",
)
