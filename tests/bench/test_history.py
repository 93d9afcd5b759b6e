import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.bench import history
from tests.bench.history import Machine
from tests.bench.report import Row
from tests.bench.size import QUICK

MACHINE = Machine(2, 24_000, "Linux 6.1 x86_64", "openjdk 25", "CPython 3.11.7")


def test_a_run_is_stored_under_its_day_and_commit_with_the_verdicts(tmp_path: Path) -> None:
    found = [
        Row("w1", "throughput", "MB/s", True, (150.0, 140.0, 160.0), (100.0, 90.0, 110.0)),
        Row("w7", "idle CPU", "cores", False, (0.01,), (0.0,)),
    ]
    at = datetime(2026, 3, 2, 23, 59, tzinfo=UTC)
    document = history.document(
        found, at=at, commit="0123456789", machine=MACHINE, size=QUICK, rounds=3
    )
    path = history.store(tmp_path / "results", document)
    assert path.name == "2026-03-02-0123456789.json"
    stored = json.loads(path.read_text())
    assert stored["machine"]["cores"] == 2
    assert stored["size"]["records"] == QUICK.records
    judged, other = stored["rows"]
    assert (judged["ratio"], judged["goal"], judged["verdict"]) == (1.5, 1.7, "at least")
    assert judged["zbroker_rounds"] == [150.0, 140.0, 160.0]
    assert "verdict" not in other
    assert other["ratio"] is None


@pytest.mark.long
def test_a_result_tells_nothing_of_this_machine_s_paths() -> None:
    machine = history.this_machine()
    assert machine.cores >= 1
    assert machine.memory_mb > 100
    assert "openjdk" in machine.java
    assert "/" not in machine.kernel + machine.java + machine.python
