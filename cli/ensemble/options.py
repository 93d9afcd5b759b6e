"""The option that `up`, `down` and `status` share: which ensemble."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from cli.ensemble.layout import Directory

Command = TypeVar("Command", bound=Callable[..., Any])

DEFAULT_DIR = ".zbroker"


def _directory(_context: click.Context, _parameter: click.Parameter, value: Path) -> Directory:
    return Directory(value.expanduser().absolute())


def dir_option(command: Command) -> Command:
    """Add `--dir`; the command gets it as `directory`."""
    return click.option(
        "--dir",
        "directory",
        type=click.Path(file_okay=False, path_type=Path),
        default=DEFAULT_DIR,
        envvar="ZBROKER_DIR",
        show_default=True,
        callback=_directory,
        help="Where its configuration, data and logs lie.  [env: ZBROKER_DIR]",
    )(command)
