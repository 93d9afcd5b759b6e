"""The installed programs: how `up` starts one, and how a message tells its reader to."""

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

# Makes a broker's argv from its server.properties.
BrokerCommand = Callable[[Path], Sequence[str]]


def zbroker_command(server_properties: Path) -> list[str]:
    """The argv of a broker of ours. (-P: the working directory must not shadow our packages.)

    Its log goes to a file that people read, so it's text, unless they say otherwise.
    """
    log_format = os.environ.get("ZBROKER_LOG_FORMAT", "text")
    python = [sys.executable, "-P", "-m", "cli.server"]
    return [*python, f"--log-format={log_format}", str(server_properties)]


def as_typed(program: str) -> str:
    """What to type here to run a program of ours: its name, or a path if it is not on the PATH.

    After `make up` it usually is not: `.venv/bin/zbroker`.
    """
    if shutil.which(program):
        return program
    path = Path(sys.executable).with_name(program)
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
