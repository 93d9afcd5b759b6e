"""Programs that a test watches while they run: consumers, mostly, which never end by themselves."""

import os
import queue
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

LINE_TIMEOUT_S = 30.0


class RunningProgram:
    """A program whose output lines can be waited for."""

    def __init__(self, process: subprocess.Popen[str], *, own_group: bool = False) -> None:
        self.process = process
        self._own_group = own_group
        self._lines: queue.Queue[str | None] = queue.Queue()  # bounded by what a test prints
        self._seen: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def read_to_the_end(self) -> None:
        """Wait until the reader has seen the end; only then may the pipe be closed."""
        self._reader.join(LINE_TIMEOUT_S)

    def wait_for_line(self, text: str) -> str:
        """The next line that contains `text`; AssertionError with all that came instead."""
        while True:
            try:
                line = self._lines.get(timeout=LINE_TIMEOUT_S)
            except queue.Empty:
                raise AssertionError(f"no line with {text!r}, but {self._seen}") from None
            if line is None:
                raise AssertionError(f"ended without a line with {text!r}: {self._seen}")
            self._seen.append(line)
            if text in line:
                return line

    def lines(self) -> Iterator[str]:
        """The lines not waited for, as they come, until the program's end."""
        return iter(self._lines.get, None)

    def rest(self) -> list[str]:
        """The lines not waited for, after the program's end."""
        return list(self.lines())

    def type(self, line: str) -> None:
        """A line on its standard input, for a program started as `interactive`."""
        assert self.process.stdin is not None, "it isn't interactive"
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def interrupt(self) -> int:
        """SIGINT, as Ctrl-C; waits for the end and returns the exit code."""
        self.send(signal.SIGINT)
        return self.process.wait(LINE_TIMEOUT_S)

    def send(self, number: signal.Signals) -> None:
        """A signal to the program; to all it has started, too, if it has a group of its own."""
        if not self._own_group:
            self.process.send_signal(number)
            return
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)


@contextmanager
def running_program(
    argv: Sequence[str],
    *,
    directory: Path | None = None,
    environment: Mapping[str, str] | None = None,
    interactive: bool = False,
    own_group: bool = False,
) -> Iterator[RunningProgram]:
    """Start `argv`, its stderr beside its stdout; killed at the block's end if it still runs.

    With `own_group`, what it starts is interrupted and killed with it, as by a terminal.
    """
    process = subprocess.Popen(
        argv,
        cwd=directory,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.PIPE if interactive else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=own_group,
    )
    with process:
        program = RunningProgram(process, own_group=own_group)
        try:
            yield program
        finally:
            program.send(signal.SIGKILL)
            program.read_to_the_end()
