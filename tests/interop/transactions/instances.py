"""The processes that transform: several of one program, started, killed and brought back."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import attrs

from cli.java.program import program_command
from tests.support.kafka_jars import LOCK_FILE as KAFKA_LOCK

ROOT = Path(__file__).parents[3]
STREAMS = ROOT / "examples" / "kafka-streams"
JAVA = Path(__file__).with_name("java")
STOP_TIMEOUT_S = 30.0

Client = Literal["librdkafka", "java"]


@attrs.define(eq=False)
class Instances:
    """Started by `start`; one that ends by itself is started anew by the next `tend`."""

    argv: Callable[[int], list[str]]
    environment: Callable[[int], Mapping[str, str]]
    log_file: Path
    processes: dict[int, subprocess.Popen[bytes]] = attrs.field(factory=dict)
    ended: list[int] = attrs.field(factory=list)  # the exit codes of those that gave up

    def start(self, number: int) -> None:
        with self.log_file.open("ab") as log:
            self.processes[number] = subprocess.Popen(
                self.argv(number),
                cwd=ROOT,
                env={**os.environ, **self.environment(number)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def kill(self, number: int) -> None:
        """SIGKILL. Not started anew until `start`."""
        process = self.processes.pop(number)
        process.kill()
        process.wait()

    def tend(self) -> None:
        """Start anew what has ended by itself: a client may give up, the work must not."""
        for number, process in list(self.processes.items()):
            if process.poll() is not None:
                self.ended.append(process.returncode)
                self.start(number)

    def stop(self) -> None:
        """SIGTERM, so that each finishes its transaction."""
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        for number in list(self.processes):
            try:
                self.processes[number].wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self.processes[number].kill()
            self.processes.pop(number).wait()


@contextmanager
def _running(instances: Instances, count: int) -> Iterator[Instances]:
    try:
        for number in range(count):
            instances.start(number)
        yield instances
    finally:
        for number in list(instances.processes):
            instances.kill(number)


def transactional_id(target: str, number: int) -> str:
    """That of a loop into `target`."""
    return f"{target}-{number}"


@contextmanager
def running_loops(
    client: Client,
    bootstrap: str,
    source: str,
    target: str,
    directory: Path,
    *,
    count: int = 2,
    abort_percent: int = 20,
) -> Iterator[Instances]:
    """`count` transactional loops from `source` to `target`, in one group named as the target.

    Each has a transactional id of its own.
    """

    def argv(number: int) -> list[str]:
        arguments = (
            bootstrap,
            source,
            target,
            target,
            transactional_id(target, number),
            str(abort_percent),
        )
        if client == "java":
            return program_command(KAFKA_LOCK, JAVA, "TransactionalLoop", *arguments)
        return [sys.executable, "-m", "tests.interop.transactions.loop", *arguments]

    instances = Instances(argv, lambda _: {}, directory / f"{client}.log")
    with _running(instances, count):
        yield instances


@contextmanager
def running_word_count(bootstrap: str, directory: Path, *, count: int = 1) -> Iterator[Instances]:
    """The word count of the examples, `count` times, each with a state directory of its own."""
    command = program_command(
        STREAMS / "java.lock", STREAMS / "src/main/java", "examples.WordCount", log_level="warn"
    )
    instances = Instances(
        lambda _: command,
        lambda number: {"BOOTSTRAP": bootstrap, "STATE_DIR": str(directory / f"state-{number}")},
        directory / "word-count.log",
    )
    with _running(instances, count):
        yield instances
