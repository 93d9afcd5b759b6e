"""`zbroker-admin controller history`: who was controller in which epoch, and why no longer.

ZooKeeper knows the present controller alone, and how often one was elected. What was before stands
in the brokers' traces: an election, and how its term ended. A broker that was killed wrote no end;
that it is over shows in the next one's election. A real Kafka writes no trace, so the epochs of
one in a mixed ensemble are missing here, and said to be.
"""

import itertools
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import attrs
import click

from broker.events import FILE_NAME, Event
from cli.commands.options import Exit, Failure, output_option
from cli.commands.output import Answer, Table, say
from cli.commands.trace.events import ensemble_traces, read_traces
from cli.ensemble.layout import Directory
from cli.ensemble.options import dir_option

COLUMNS = ("EPOCH", "BROKER", "ELECTED", "UNTIL", "ENDED")

# What the trace gives as a reason, in words; `coordination.election`.
REASONS = {
    "stopped": "the broker was stopped",
    "deposed": "/controller was deleted",
    "fenced": "another was elected",
    "session lost": "its session was lost",
}
WITHOUT_A_WORD = "without a word: killed, or cut off"


@attrs.frozen
class Term:
    """One controller's; `ended` is the trace's reason, or None if nothing tells of an end."""

    epoch: int
    broker_id: int
    elected_ms: int
    until_ms: int | None
    ended: str | None


@click.command("history")
@click.argument("files", nargs=-1, metavar="[FILE]..", type=click.Path(exists=True, path_type=Path))
@output_option()
@dir_option
def command(files: tuple[Path, ...], output: str, directory: Directory) -> None:
    """Print who was controller in which epoch, since when, and how it ended.

    FILEs are brokers' events.jsonl, or log directories with one; by default those of the ensemble
    in --dir. A real Kafka writes no trace: of its epochs only `controller show` tells, the last.

    \b
    Example: zbroker-admin controller history
    """
    paths = [path / FILE_NAME if path.is_dir() else path for path in files]
    terms = terms_of(read_traces(paths or ensemble_traces(directory)))
    if not terms:
        raise Failure("no trace tells of an election: only zbroker's brokers write one", Exit.ERROR)
    Answer(
        facts={"terms": [attrs.asdict(each) for each in terms]},
        text=[Table(COLUMNS, [_row(each, is_last=each is terms[-1]) for each in terms])],
        names=[each.epoch for each in terms],
    ).print_as(output)
    missing = missing_epochs(terms)
    if missing:
        say(f"no trace tells of epochs {', '.join(missing)}: of another broker, maybe a real Kafka")


def terms_of(events: Iterable[Event]) -> list[Term]:
    """The terms of which these events tell, by epoch."""
    terms: dict[int, Term] = {}
    ends: dict[int, Event] = {}
    for event in events:
        epoch = event.facts.get("controller_epoch")
        if event.kind == "controller.elected" and isinstance(epoch, int):
            broker_id = event.facts.get("broker_id", event.broker)
            terms[epoch] = Term(epoch, int(str(broker_id)), event.time_ms, None, None)
        elif event.kind == "controller.resigned" and isinstance(epoch, int):
            ends[epoch] = event
    for epoch, end in ends.items():
        if epoch in terms:
            reason = str(end.facts.get("reason"))
            terms[epoch] = attrs.evolve(terms[epoch], until_ms=end.time_ms, ended=reason)
    return [terms[epoch] for epoch in sorted(terms)]


def missing_epochs(terms: Sequence[Term]) -> list[str]:
    """What lies between the first and the last, as `3` or `3-7`."""
    gaps = []
    for before, after in itertools.pairwise(terms):
        first, last = before.epoch + 1, after.epoch - 1
        if first <= last:
            gaps.append(str(first) if first == last else f"{first}-{last}")
    return gaps


def _row(term: Term, *, is_last: bool) -> tuple[object, ...]:
    ended = None if term.ended is None else REASONS.get(term.ended, term.ended)
    if ended is None and not is_last:
        ended = WITHOUT_A_WORD
    until = None if term.until_ms is None else _moment(term.until_ms)
    return term.epoch, term.broker_id, _moment(term.elected_ms), until, ended


def _moment(time_ms: int) -> str:
    moment = datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    return f"{moment[:-3]}Z"
