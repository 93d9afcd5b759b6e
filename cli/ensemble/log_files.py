"""The children's log files, kept short.

A child writes to a file that it has open, for appending. So it can't be renamed away, but it can be
copied and cut: the child's next line goes to its new end, the beginning. What is written between
the two, microseconds, is lost; a pipe through this process would lose nothing, but stop the child
with us when nobody reads it.

    broker-1.log      up to MAX_LOG_BYTES, and what is written until the next look
    broker-1.log.1    what it had before; replaced each time
"""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

import trio

# Tens of thousands of lines: days of a quiet broker, minutes of a very unhappy one.
MAX_LOG_BYTES = 16 * 1024 * 1024
LOOK_EVERY_S = 5.0


async def keep_short(log_files: Iterable[Path]) -> None:
    """Cut each file whenever it has grown too long, until cancelled."""
    files = list(log_files)
    while True:
        for file in files:
            cut_if_long(file)
        await trio.sleep(LOOK_EVERY_S)


def cut_if_long(log_file: Path) -> None:
    if log_file.stat().st_size > MAX_LOG_BYTES:
        shutil.copyfile(log_file, log_file.with_name(f"{log_file.name}.1"))
        os.truncate(log_file, 0)
