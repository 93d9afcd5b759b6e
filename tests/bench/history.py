"""What a run leaves: `<date>-<commit>.json`, with the machine that it was made on.

Figures of two machines cannot be compared, only their ratios can, so a result says what it ran on:
cores, memory, kernel, Java, Python. It says nothing about whose machine that is.
"""

import json
import math
import os
import platform
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs

from cli.java.runtime import java_executable
from tests.bench.contenders import BROKERS
from tests.bench.goals import goal_of
from tests.bench.report import Row
from tests.bench.size import Size

REPOSITORY = Path(__file__).parents[2]
RESULTS = Path(__file__).with_name("results")


@attrs.frozen
class Machine:
    """As far as a figure depends on it."""

    cores: int
    memory_mb: int
    kernel: str
    java: str
    python: str


def this_machine() -> Machine:
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    version = subprocess.run(
        [str(java_executable()), "-version"], capture_output=True, text=True, check=True
    )
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        memory_mb=pages >> 20,
        kernel=f"{platform.system()} {platform.release()} {platform.machine()}",
        java=version.stderr.partition("\n")[0],
        python=f"{platform.python_implementation()} {platform.python_version()}",
    )


def commit() -> str:
    """Of the repository; "+" follows if its files have changed since, "unknown" without git."""
    try:
        name = _git("rev-parse", "--short=10", "HEAD")
        changed = _git("status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{name}+" if changed else name


def _git(*arguments: str) -> str:
    argv = ["git", "-C", str(REPOSITORY), *arguments]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()


def document(
    found: Sequence[Row], *, at: datetime, commit: str, machine: Machine, size: Size, rounds: int
) -> dict[str, Any]:
    """The JSON of a run. Each row has its goal, and the verdict of the day."""
    return {
        "date": at.astimezone(UTC).isoformat(timespec="seconds"),
        "commit": commit,
        "machine": attrs.asdict(machine),
        "brokers": BROKERS,
        "rounds": rounds,
        "size": attrs.asdict(size),
        "rows": [_row(row) for row in found],
    }


def _row(row: Row) -> dict[str, Any]:
    goal = goal_of(row)
    judged = (
        {}
        if goal is None
        else {
            "goal": goal.goal,
            "at_least": goal.at_least,
            "verdict": goal.verdict(row).value,
        }
    )
    # JSON knows no infinity: what Kafka does for nothing has no ratio.
    ratio = row.ratio if math.isfinite(row.ratio) else None
    medians = {"zbroker": row.zbroker, "kafka": row.kafka, "ratio": ratio}
    return {**attrs.asdict(row), **medians, **judged}


def store(results: Path, document: dict[str, Any]) -> Path:
    """Write it under its name; a second run of one day and commit takes the first one's place."""
    results.mkdir(parents=True, exist_ok=True)
    path = results / f"{document['date'][:10]}-{document['commit']}.json"
    path.write_text(json.dumps(document, indent=1, allow_nan=False) + "\n")
    return path
