"""`python -m tests.bench [SUITE...] [--rounds N]`: the benchmark, with progress on stderr."""

import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import click

from tests.bench import compaction, groups, recovery, scale, workloads
from tests.bench.contenders import BROKERS, KINDS, Contender, Kind, running
from tests.bench.report import Measured, rows, table, write_json
from tests.bench.workloads import Figure


def produce_and_consume(contender: Contender, records: int) -> Iterator[Figure]:
    """What one topic's clients see, and what starting takes."""
    yield from workloads.start_up(contender)
    yield from workloads.produce(contender, "produce acks=1 RF 1", "1", 1, records)
    yield from workloads.produce(contender, "produce acks=all RF 3", "all", 3, records)
    yield from workloads.produce(contender, "produce lz4 acks=all RF 3", "all", 3, records, "lz4")
    yield from workloads.consume(contender, "consume", "produce-acks-1-RF-1", records)
    yield from workloads.memory(contender)


def many_partitions(contender: Contender, _: int) -> Iterator[Figure]:
    """What 2,000 partitions cost."""
    workloads.wait_ready(contender)
    yield from scale.scale(contender)


def recovering(contender: Contender, _: int) -> Iterator[Figure]:
    """What a broker needs that was killed."""
    workloads.wait_ready(contender)
    yield from recovery.recovery(contender)


def compacting(contender: Contender, _: int) -> Iterator[Figure]:
    """What compaction takes, and what is felt of it."""
    yield from compaction.compaction(contender, compaction.RECORDS, "10 million keys")
    yield from compaction.compaction(contender, 100_000, "100,000 keys")


def large_group(contender: Contender, _: int) -> Iterator[Figure]:
    """What a rebalance of 100 members takes."""
    yield from groups.rebalances(contender)


SUITES: dict[str, Callable[[Contender, int], Iterator[Figure]]] = {
    "clients": produce_and_consume,
    "scale": many_partitions,
    "recovery": recovering,
    "compaction": compacting,
    "groups": large_group,
}


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.argument("suites", nargs=-1, type=click.Choice(list(SUITES)))
@click.option("--rounds", default=3, help="How often each of the two has its turn.")
@click.option("--records", default=500_000, help="Records of 1,000 bytes in each workload.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Also write this file.")
def main(suites: Sequence[str], rounds: int, records: int, json_file: Path | None) -> None:
    """Measure zbroker and Apache Kafka 3.9.1 in turns, and print medians and ratios.

    SUITES are all of them unless named: produce and consume on few partitions (clients), 2,000
    partitions with little to do (scale), 1,000 segments after kill -9 (recovery), a topic of 1 GB
    that is compacted (compaction), and a group of 100 members (groups).
    """
    measured: list[Measured] = []
    for number in range(1, rounds + 1):
        for suite in suites or SUITES:
            # Who begins changes from round to round: neither always meets the warmer machine.
            for kind in KINDS if number % 2 else reversed(KINDS):
                say(f"round {number} of {rounds}: {suite}, {kind}")
                for figure in one_turn(kind, suite, records):
                    say(f"    {figure.name}: {figure.value:.2f} {figure.unit}")
                    measured.append(Measured(kind, figure))
    found = rows(measured)
    print(table(found))
    if json_file is not None:
        write_json(json_file, found, rounds=rounds, records=records, brokers=BROKERS)


def one_turn(kind: Kind, suite: str, records: int) -> Iterator[Figure]:
    """A fresh cluster of one kind through one suite."""
    directory = Path(tempfile.mkdtemp(prefix=f"bench-{kind}-"))
    try:
        with running(kind, directory) as contender:
            yield from SUITES[suite](contender, records)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
