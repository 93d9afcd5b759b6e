"""A program on a terminal of its own: what a user types, Ctrl-C and TAB too, and what he sees.

    with on_terminal(["bash", "-i"]) as terminal:
        terminal.type("ls \t")
        terminal.wait_for("file")

The terminal is the program's controlling one: Ctrl-C reaches it as SIGINT from the kernel.
"""

import os
import pty
import select
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

TIMEOUT_S = 30.0

# The new session's leader takes the terminal, and becomes the program.
_TAKE_AND_BECOME = (
    "import fcntl, os, sys, termios; "
    "fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp(sys.argv[1], sys.argv[1:])"
)


class Terminal:
    """The user's side."""

    def __init__(self, process: subprocess.Popen[bytes], fd: int) -> None:
        self.process = process
        self._fd = fd
        self.seen = ""

    def type(self, keys: str) -> None:
        os.write(self._fd, keys.encode())

    def wait_for(self, text: str) -> None:
        """Until the text is on the terminal, behind what was waited for before."""
        deadline = time.monotonic() + TIMEOUT_S
        while text not in self.seen:
            left_s = deadline - time.monotonic()
            assert left_s > 0, f"no {text!r} within {TIMEOUT_S:g} s, but {self.seen!r}"
            if not self._read(left_s):
                raise AssertionError(f"ended without {text!r}: {self.seen!r}")
        self.seen = self.seen.partition(text)[2]

    def exit_code(self) -> int:
        """Of the program, which ends by itself; what it says until then is in `seen`."""
        while self._read(TIMEOUT_S):
            pass
        return self.process.wait(TIMEOUT_S)

    def _read(self, timeout_s: float) -> bool:
        readable, _, _ = select.select([self._fd], [], [], timeout_s)
        if not readable:
            return False
        try:
            data = os.read(self._fd, 4096)
        except OSError:  # EIO: the last one who had the other side is gone
            return False
        self.seen += data.decode(errors="replace")
        return bool(data)


@contextmanager
def on_terminal(command: Sequence[str], env: Mapping[str, str] | None = None) -> Iterator[Terminal]:
    """Run the command on a new terminal; it is ended with the block."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 200))  # so that no line is broken
    process = subprocess.Popen(
        [sys.executable, "-c", _TAKE_AND_BECOME, *command],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        env={**os.environ, "TERM": "dumb", **(env or {})},
    )
    os.close(theirs)
    try:
        yield Terminal(process, ours)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        process.wait(TIMEOUT_S)
        os.close(ours)
