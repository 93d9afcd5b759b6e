"""Running `zbroker-admin` as a user at a terminal does, and seeing what it leaves behind.

Every process of a run carries a mark in its environment, which children inherit whatever session
they are in: `survivors` finds them all in /proc.
"""

import os
import signal
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from subprocess import DEVNULL, PIPE, STDOUT

import attrs
import trio

REPOSITORY = Path(__file__).parents[3]
MARK = "ZBROKER_TEST_RUN"
WITH_STUBS = "tests.cli.ensemble.admin_with_stubs"
WITH_BROKERS = "cli.admin"
WITH_KAFKA = "tests.cli.ensemble.admin_with_kafka"
DEADLINE_S = 60


@attrs.define
class Terminal:
    """Where commands are run. `module` decides which brokers they start."""

    module: str = WITH_STUBS
    prefix: tuple[str, ...] = ()  # what runs the command, for example `unshare`
    mark: str = attrs.field(factory=lambda: uuid.uuid4().hex)
    environment: dict[str, str] = attrs.field(factory=dict)

    def argv(self, *arguments: str) -> list[str]:
        return [*self.prefix, sys.executable, "-m", self.module, *arguments]

    def env(self) -> dict[str, str]:
        return {**os.environ, "PYTHONUNBUFFERED": "1", MARK: self.mark, **self.environment}

    async def run(self, *arguments: str) -> tuple[int, str]:
        """Run a command to its end; its exit code, and all it printed."""
        with trio.fail_after(DEADLINE_S):
            result = await trio.run_process(
                self.argv(*arguments),
                cwd=REPOSITORY,
                env=self.env(),
                stdin=b"",
                capture_stdout=True,
                stderr=STDOUT,
                check=False,
            )
        return result.returncode, result.stdout.decode()

    @asynccontextmanager
    async def running(self, *arguments: str) -> AsyncIterator["Running"]:
        """Run a command in the foreground of a terminal of its own."""
        process = await trio.lowlevel.open_process(
            self.argv(*arguments),
            cwd=REPOSITORY,
            env=self.env(),
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=STDOUT,
            start_new_session=True,
        )
        try:
            with trio.fail_after(DEADLINE_S):
                yield Running(process)
        finally:
            process.kill()
            with trio.CancelScope(shield=True):
                await process.wait()

    def survivors(self) -> dict[int, str]:
        """All living processes of this terminal's commands: command lines by pid."""
        mark = f"{MARK}={self.mark}".encode()
        found = {}
        for directory in Path("/proc").glob("[0-9]*"):
            try:
                if mark in directory.joinpath("environ").read_bytes().split(b"\0"):
                    command_line = directory.joinpath("cmdline").read_text()
                    found[int(directory.name)] = command_line.replace("\0", " ")
            except OSError:
                continue  # ended while we looked, or nothing of ours
        return found

    def kill_survivors(self) -> None:
        """What a failed test has left."""
        for pid in self.survivors():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    async def until_nothing_is_left(self) -> None:
        with trio.fail_after(10):
            while self.survivors():  # noqa: ASYNC110 - these are not our children
                await trio.sleep(0.02)


@attrs.define
class Running:
    """A command that runs in the foreground."""

    process: trio.Process
    said: str = ""

    async def until(self, text: str) -> str:
        """Read what it prints until a line has `text`; that line."""
        while text not in self.said:
            assert self.process.stdout is not None
            piece = await self.process.stdout.receive_some()
            assert piece, f"it ended without saying {text!r}, but:\n{self.said}"
            self.said += piece.decode()
        before, _, after = self.said.partition(text)
        return before.rpartition("\n")[2] + text + after.partition("\n")[0]

    async def until_end(self) -> int:
        """Read the rest of what it prints; its exit code."""
        assert self.process.stdout is not None
        async for piece in self.process.stdout:
            self.said += piece.decode()
        return await self.process.wait()

    def press_ctrl_c(self) -> None:
        """As a terminal does it: SIGINT to every process of the foreground group."""
        os.killpg(self.process.pid, signal.SIGINT)
