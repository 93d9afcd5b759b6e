"""`python -m tests.bench [NAME...] [--rounds N] [--quick]`: the benchmark, and what it leaves."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from tests.bench import history
from tests.bench.report import Row, rows
from tests.bench.size import FULL, QUICK
from tests.bench.suites import SUITES, WORKLOADS, chosen
from tests.bench.table import table
from tests.bench.turns import measured, say

# One round of these with small sizes takes five minutes.
QUICK_SUITES = ("life", "leader")
# Results that belong to no history: build/ is not kept.
PASSING = history.REPOSITORY / "build" / "bench"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("names", nargs=-1, type=click.Choice([*SUITES, *WORKLOADS]), metavar="[NAME]...")
@click.option("--rounds", type=click.IntRange(1), help="Turns of each of the two [3; quick: 1].")
@click.option("--quick", is_flag=True, help="Five minutes: small sizes, one round.")
@click.option(
    "--results",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where JSON and chart go [tests/bench/results; what is quick or a part: build/bench].",
)
def main(names: Sequence[str], rounds: int | None, quick: bool, results: Path | None) -> None:
    """Measure zbroker and Apache Kafka 3.9.1 in turns; print medians, ratios and verdicts.

    NAMES are suites (life, leader, beside, recovery, compaction, groups) or single workloads (w1,
    w8-lz4, limit, ...). All suites unless named; with --quick, life and leader. A directory of the
    file system that holds temporary files must be on a disk for w6.
    """
    rounds = rounds or (1 if quick else 3)
    size = QUICK if quick else FULL
    suites = chosen(tuple(names) or (QUICK_SUITES if quick else ()))
    found = rows(measured(suites, size, rounds))
    print(table(found, {name: workload.about for name, workload in WORKLOADS.items()}))
    belongs_to_history = not quick and not names
    document = history.document(
        found,
        at=datetime.now(UTC),
        commit=history.commit(),
        machine=history.this_machine(),
        size=size,
        rounds=rounds,
    )
    path = history.store(results or (history.RESULTS if belongs_to_history else PASSING), document)
    _draw(path, found, f"zbroker {document['commit']} beside Kafka 3.9.1, {document['date'][:10]}")


def _draw(document: Path, found: Sequence[Row], title: str) -> None:
    from tests.bench import chart  # slow to import, and needed once, after hours

    picture = document.with_suffix(".png")
    chart.draw(picture, found, title)
    say(f"written: {document} and {picture.name}")


if __name__ == "__main__":
    main()
