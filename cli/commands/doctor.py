"""`zbroker-admin doctor`: whether the ensemble keeps what it promises (cli.doctor).

    CHECK       RESULT   LOOKED-AT  BROKEN  NOT-SEEN
    znodes      ok       24         0       0
    isr         broken   18         1       0
    ..
    isr: orders-0: ISR 1,9 is not within the replicas 1,2,3
      what to do: ..

What couldn't be looked at is counted in the table, and told with `-o wide`, as is what each check
compares.
"""

import sys
from collections.abc import Iterator
from contextlib import aclosing

import click
import trio

from cli.client import Address, Cluster, TimedOut
from cli.commands.options import Exit, Failure, Target, output_option, run
from cli.commands.output import Answer, Table, say
from cli.commands.trace.streams import parse_http
from cli.commands.zookeeper import ZooKeeper, ensemble_options
from cli.doctor.gathering import Ensemble, gather
from cli.doctor.verdict import Diagnosis, Verdict, diagnose

COLUMNS = ("CHECK", "RESULT", "LOOKED-AT", "BROKEN", "NOT-SEEN")
WIDE_COLUMNS = (*COLUMNS, "COMPARES")


@click.command()
@click.option(
    "--http", callback=parse_http, metavar="HOST:PORT,..",
    help="The brokers' http.listener, where zbroker's say who acts as the controller.",
)  # fmt: skip
@click.option(
    "--for", "seconds", type=click.FloatRange(min=0), default=0.0, metavar="S",
    help="Keep looking for S seconds, each look compared with the one before.",
)  # fmt: skip
@output_option(repeats=True)
@ensemble_options
def doctor(
    target: Target, zookeeper: ZooKeeper, http: tuple[Address, ...], seconds: float, output: str
) -> None:
    """Check that znodes, brokers and logs agree; exit code 4 if something is broken.

    One controller, ISRs within assignments, caches as the znodes are, leader epochs that grow,
    committed records equal on all replicas and never changed, no hanging transaction. Looks several
    times: what is on its way isn't broken. Nothing is written. -o wide tells what couldn't be
    looked at.

    \b
    Example: zbroker-admin doctor -b 127.0.0.1:9092 --zookeeper 127.0.0.1:2181
    """

    async def examined() -> Diagnosis:
        with trio.move_on_after(target.timeout_seconds + seconds):
            async with aclosing(Cluster(target.bootstrap)) as cluster:
                await cluster.brokers()  # before a ZooKeeper: nobody there is soon told
            async with zookeeper.session() as session:
                ensemble = Ensemble(target.bootstrap, session, zookeeper.chroot, http)
                return await diagnose(lambda: gather(ensemble, _progress), seconds=seconds)
        raise TimedOut(f"not done within {target.timeout_seconds:g} s")

    diagnosis = run(examined)
    _answer(diagnosis).print_as(output)
    if diagnosis.broken:
        names = [each.check.name for each in diagnosis.verdicts if each.broken]
        raise Failure(f"broken: {', '.join(names)}", Exit.NOT_MET)


def _progress(doing: str) -> None:
    if sys.stderr.isatty():
        say(f"{doing} ..")


def _answer(diagnosis: Diagnosis) -> Answer:
    broken = [each for each in diagnosis.verdicts if each.broken]
    rows = [_row(each) for each in diagnosis.verdicts]
    wide_rows = [
        (*row, each.check.compares) for row, each in zip(rows, diagnosis.verdicts, strict=True)
    ]
    said = [line for each in broken for line in _lines(each)]
    if not broken:
        said = [f"sound: {len(rows)} checks, {diagnosis.looks} looks"]
    unseen = [
        f"{each.check.name}: not looked at: {what}"
        for each in diagnosis.verdicts
        for what in dict.fromkeys(each.unseen)
    ]
    return Answer(
        facts={
            "looks": diagnosis.looks,
            "broken": diagnosis.broken,
            "checks": [_facts(each) for each in diagnosis.verdicts],
        },
        text=[Table(COLUMNS, rows), *said],
        wide=[Table(WIDE_COLUMNS, wide_rows), *said, *unseen],
        names=[each.check.name for each in broken],
    )


def _row(each: Verdict) -> tuple[object, ...]:
    return (
        each.check.name,
        each.result,
        each.seen,
        len(each.broken),
        len(set(each.unseen)),
    )


def _lines(each: Verdict) -> Iterator[str]:
    for finding in each.broken:
        yield f"{each.check.name}: {finding}"
    yield f"  what to do: {each.check.advice}"


def _facts(each: Verdict) -> dict[str, object]:
    return {
        "name": each.check.name,
        "compares": each.check.compares,
        "result": each.result,
        "looked_at": each.seen,
        "findings": [
            {"subject": found.subject, "what": found.what, "values": dict(found.values)}
            for found in each.broken
        ],
        "advice": each.check.advice if each.broken else None,
        "not_seen": list(dict.fromkeys(each.unseen)),
    }
