"""Server processes as fixtures need them: started, waited for under a deadline, stopped.

A server ends with the test process, whatever happens to that (see `cli.ensemble.child`), so it must
be *started* in the main thread; waiting may be done anywhere: `wait_ready` blocks, `ready` is for
trio tests whose other tasks must go on.
"""

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import attrs
import trio

from cli.ensemble.child import Child, spawn

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 30.0
POLL_S = 0.02


@attrs.define(eq=False)
class ServerProcess:
    """A server process on 127.0.0.1:`port` that can be stopped, killed and started again."""

    name: str
    port: int
    directory: Path
    argv: list[str]
    is_ready: Callable[[], bool]
    child: Child | None = None

    @property
    def pid(self) -> int:
        assert self.child is not None, f"{self.name} was not started"
        return self.child.pid

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def log_file(self) -> Path:
        return self.directory / f"{self.name}.log"

    def start(self) -> None:
        """Start the process, without waiting."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.child = spawn(self.name, self.argv, log_file=self.log_file)

    def wait_ready(self) -> None:
        """Block until it answers."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._answers():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.name} is not ready after {START_TIMEOUT_S:.0f} s")
            time.sleep(POLL_S)

    async def ready(self) -> None:
        """Wait until it answers; other tasks go on."""
        with trio.fail_after(START_TIMEOUT_S):
            while not self._answers():  # noqa: ASYNC110 - a JVM sends us no event
                await trio.sleep(POLL_S)

    def stop(self) -> None:
        """SIGTERM, and SIGKILL if that does not help within half a minute."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self._end(signal.SIGKILL)

    def _answers(self) -> bool:
        assert self.child is not None, f"{self.name} was not started"
        if self.child.exit_code is not None:
            words = "\n".join(self.child.last_lines(20))
            raise RuntimeError(f"{self.name} ended with {self.child.exit_code}:\n{words}")
        return self.is_ready()

    def _end(self, signal_number: signal.Signals) -> None:
        if self.child is None:
            return
        self.child.send(signal_number)
        try:
            self.child.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.child.process.kill()
            self.child.process.wait()
        self.child = None
