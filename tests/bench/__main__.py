"""`python -m tests.bench [--rounds N] [--records N]`: the benchmark, with progress on stderr."""

import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import click

from tests.bench import workloads
from tests.bench.contenders import BROKERS, KINDS, Kind, running
from tests.bench.report import Measured, rows, table, write_json
from tests.bench.workloads import Figure


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--rounds", default=3, help="How often each of the two has its turn.")
@click.option("--records", default=500_000, help="Records of 1,000 bytes in each workload.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Also write this file.")
def main(rounds: int, records: int, json_file: Path | None) -> None:
    """Measure zbroker and Apache Kafka 3.9.1 in turns, and print medians and ratios."""
    measured: list[Measured] = []
    for number in range(1, rounds + 1):
        # Who begins changes from round to round: neither always meets the warmer machine.
        for kind in KINDS if number % 2 else reversed(KINDS):
            say(f"round {number} of {rounds}: {kind}")
            for figure in one_turn(kind, records):
                say(f"    {figure.name}: {figure.value:.2f} {figure.unit}")
                measured.append(Measured(kind, figure))
    found = rows(measured)
    print(table(found))
    if json_file is not None:
        write_json(json_file, found, rounds=rounds, records=records, brokers=BROKERS)


def one_turn(kind: Kind, records: int) -> Iterator[Figure]:
    """A fresh cluster of one kind through all workloads."""
    directory = Path(tempfile.mkdtemp(prefix=f"bench-{kind}-"))
    try:
        with running(kind, directory) as contender:
            yield from workloads.start_up(contender, contender.began_s)
            yield from workloads.produce(contender, "produce acks=1 RF 1", "1", 1, records)
            yield from workloads.produce(contender, "produce acks=all RF 3", "all", 3, records)
            yield from workloads.consume(contender, "consume", "produce-acks-1-RF-1", records)
            yield from workloads.memory(contender)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
