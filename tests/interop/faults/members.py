"""Members of consumer groups, each a process of a client's own kind, and what they report.

Two things can go wrong when a group loses its coordinator: a record that nobody consumes, and one
that is consumed again although its offset was committed. A record whose commit was still under way
may be consumed twice: that is at-least-once, as promised.
"""

import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import attrs

from tests.support.kafka import tool_command
from tests.support.waiting import wait_until

VERIFIABLE_CONSUMER = "org.apache.kafka.tools.VerifiableConsumer"
TIMEOUT_S = 90.0
LEAVE_TIMEOUT_S = 20.0


@attrs.define(eq=False)
class GroupHistory:
    """What all members of a group have consumed and committed, in the order in which they said."""

    consumed: set[tuple[int, int]] = attrs.field(factory=set)  # (partition, offset)
    committed: dict[int, int] = attrs.field(factory=dict)  # by partition, exclusive
    repeated: list[str] = attrs.field(factory=list)  # consumed although committed: a fault
    members_heard: set[str] = attrs.field(factory=set)
    crashes: list[str] = attrs.field(factory=list)  # kafkajs: it starts anew, after a while
    _lock: threading.Lock = attrs.field(factory=threading.Lock)

    def consume(self, member: str, partition: int, first: int, last: int) -> None:
        with self._lock:
            self.members_heard.add(member)
            if first < self.committed.get(partition, 0):
                self.repeated.append(
                    f"{member} consumed {partition}:{first} "
                    f"although {self.committed[partition]} was committed"
                )
            self.consumed.update((partition, offset) for offset in range(first, last + 1))

    def commit(self, partition: int, end_offset: int) -> None:
        with self._lock:
            self.committed[partition] = max(end_offset, self.committed.get(partition, 0))

    def wait_for(self, wanted: set[tuple[int, int]]) -> None:
        """Block until all of `wanted` has been consumed."""
        wait_until(f"all of {len(wanted)} records", lambda: wanted <= self.consumed, TIMEOUT_S)


def take_kafkajs(history: GroupHistory, member: str, event: Mapping[str, Any]) -> None:
    """A line of member.js."""
    if "consumed" in event:
        history.consume(member, *event["consumed"])
    if "committed" in event:
        history.commit(*event["committed"])
    if "crashed" in event:
        history.crashes.append(f"{member}: {event['crashed']}")


def take_java(history: GroupHistory, member: str, event: Mapping[str, Any]) -> None:
    """A line of kafka-verifiable-consumer."""
    if event["name"] == "records_consumed":
        for part in event["partitions"]:
            history.consume(member, part["partition"], part["minOffset"], part["maxOffset"])
    if event["name"] == "offsets_committed" and event["success"]:
        for part in event["offsets"]:
            history.commit(part["partition"], part["offset"])


Take = Callable[[GroupHistory, str, Mapping[str, Any]], None]
Members = Callable[[GroupHistory], AbstractContextManager[None]]


def java_members(bootstrap: str, topic: str) -> Members:
    """Consumers of the Java client, in a group by the topic's name."""
    return partial(
        running_members,
        take=take_java,
        argv=tool_command(
            VERIFIABLE_CONSUMER, "--bootstrap-server", bootstrap,
            "--topic", topic, "--group-id", topic, "--reset-policy", "earliest",
        ),
    )  # fmt: skip


@contextmanager
def running_members(
    history: GroupHistory,
    take: Take,
    argv: Sequence[str],
    *,
    count: int = 2,
    directory: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[None]:
    """Run `count` processes of `argv`, each a member, whose lines go into `history`."""
    processes = [
        subprocess.Popen(
            argv,
            cwd=directory,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(count)
    ]
    readers = [
        threading.Thread(target=_read, args=(history, take, f"member {number}", process))
        for number, process in enumerate(processes, start=1)
    ]
    for reader in readers:
        reader.start()
    try:
        yield
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process, reader in zip(processes, readers, strict=True):
            try:
                process.wait(LEAVE_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
            reader.join()
            process.wait()


def _read(history: GroupHistory, take: Take, member: str, process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    with process.stdout as lines:
        for line in lines:
            if line.startswith("{"):
                take(history, member, json.loads(line))
