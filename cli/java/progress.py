"""A bar for each jar that is downloaded."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click


@contextmanager
def download_bar(file_name: str, size_bytes: int) -> Iterator[Callable[[int], None]]:
    """The `Progress` (see artifacts.py) of commands: a bar on stderr."""
    label = f"getting {file_name}"
    with click.progressbar(length=size_bytes, label=label, file=sys.stderr) as bar:
        yield bar.update
