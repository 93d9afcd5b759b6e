"""One child process of the ensemble: in its own session, logging to a file, ended with its parent.

A child must not outlive an `up` that was killed with SIGKILL, which no handler sees. Linux does
this for us: a process may ask to be sent a signal when its parent dies (`PR_SET_PDEATHSIG`, see
prctl(2)). It is asked for between fork and exec, so that a JVM, which knows nothing of it, has it
too. Two traps, both seen to here:

* "Parent" means the *thread* that forked. trio's own process functions fork in worker threads
  that end after some idle seconds, and the child with them. So we fork in the main thread, which
  takes 2 ms, and wait for the child through a pidfd.
* The parent may die between fork and prctl: the child looks whether its parent is still there.

The signal is SIGKILL: brokers and ZooKeeper recover from that, and a gentler one could leave a
broker waiting for a ZooKeeper that was killed at the same moment.
"""

import ctypes
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import attrs
import trio

PR_SET_PDEATHSIG = 1  # <sys/prctl.h>
LAST_LINES_SIZE_BYTES = 16 * 1024

# Loaded before any fork: the child may not import, or wait for a lock.
_libc = ctypes.CDLL(None, use_errno=True)


@attrs.define(eq=False)
class Child:
    """A running process and the log file it writes to. Made by `spawn`."""

    name: str
    log_file: Path
    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        """Its process id, which is its session's id too."""
        return self.process.pid

    @property
    def exit_code(self) -> int | None:
        """As `subprocess` has it: None while it runs, negative for the signal that ended it."""
        return self.process.poll()

    async def wait(self) -> int:
        """Wait until it has ended; the exit code as in `exit_code`."""
        if self.exit_code is None:
            pidfd = os.pidfd_open(self.pid)
            try:
                await trio.lowlevel.wait_readable(pidfd)
            finally:
                os.close(pidfd)
        return self.process.wait()

    def send(self, signal_number: signal.Signals) -> None:
        """Send a signal, unless it has ended."""
        self.process.send_signal(signal_number)

    def last_lines(self, count: int) -> list[str]:
        """The last lines of its log, at most `count`."""
        with self.log_file.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - LAST_LINES_SIZE_BYTES))
            return log.read().decode(errors="replace").splitlines()[-count:]


def spawn(
    name: str,
    argv: Sequence[str],
    *,
    log_file: Path,
    environment: Mapping[str, str] | None = None,
) -> Child:
    """Start `argv` in a new session, its output appended to `log_file`.

    The child ends when this process does. Only for the main thread: see the module's text.
    Raises OSError if the program cannot be started.
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("a child dies with the thread that started it: start it in the main one")
    with log_file.open("ab") as log:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=environment,
            # Safe here: it calls libc alone, and takes no lock another thread could hold.
            preexec_fn=_die_with_parent(os.getpid()),  # noqa: PLW1509
        )
    return Child(name, log_file, process)


def _die_with_parent(parent_pid: int) -> Callable[[], None]:
    def in_the_child() -> None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent_pid:
            os._exit(1)

    return in_the_child


def how_it_ended(exit_code: int) -> str:
    """An exit code in words: `exit code 3`, `killed by SIGKILL`."""
    if exit_code < 0:
        return f"killed by {signal.Signals(-exit_code).name}"
    return f"exit code {exit_code}"
