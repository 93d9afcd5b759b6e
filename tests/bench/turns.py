"""The two take turns: a fresh cluster of one kind for each suite in each round."""

import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.bench.clients import wait_ready
from tests.bench.contenders import KINDS, Kind, running
from tests.bench.figures import Figure
from tests.bench.report import Measured
from tests.bench.size import Size
from tests.bench.suites import Workload


def measured(
    suites: Mapping[str, Sequence[Workload]], size: Size, rounds: int
) -> Iterator[Measured]:
    """Each suite by both, round by round; progress goes to stderr."""
    for number in range(1, rounds + 1):
        for suite, workloads in suites.items():
            # Who begins changes from round to round: neither always meets the warmer machine.
            for kind in KINDS if number % 2 else reversed(KINDS):
                say(f"round {number} of {rounds}: {suite}, {kind}")
                for figure in one_turn(kind, workloads, size):
                    say(f"    {figure.name}: {figure.value:.2f} {figure.unit}")
                    yield Measured(kind, figure)


def one_turn(kind: Kind, workloads: Sequence[Workload], size: Size) -> Iterator[Figure]:
    """A fresh cluster of one kind, when all its brokers are known, through these workloads."""
    directory = Path(tempfile.mkdtemp(prefix=f"bench-{kind}-"))
    try:
        with running(kind, directory) as contender:
            wait_ready(contender)
            for workload in workloads:
                say(f"  {workload.name}: {workload.about}")
                yield from workload.run(contender, size)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)
