"""`zbroker-admin trace events`: why the cluster is as it is.

    2026-11-22 10:43:12.104  broker 2  session.lost session_id=0x1000..
    2026-11-22 10:43:18.120  broker 3    broker.left broker=2 ..
    2026-11-22 10:43:18.133  broker 3      partition.leader_elected partition=orders-1 leader=3 ..

Events come by time, from all brokers; an effect stands one step to the right of
its cause, whichever broker that happened on. Where stories interleave, `--tree`
tells one after the other.
"""

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from broker.config.java_properties import PropertiesSyntaxError, parse_properties
from broker.events import FILE_NAME, Event
from cli.client import Address
from cli.commands.options import Failure, output_option
from cli.commands.output import Answer, say
from cli.commands.trace.streams import follow_brokers, parse_http
from cli.commands.trace_files import (
    Depths,
    Tail,
    by_time,
    forest,
    merged,
    of_kind,
    read_events,
    with_causes,
)
from cli.ensemble.layout import Directory
from cli.ensemble.options import dir_option

# A person watches: new events needn't come sooner, and this costs no measurable CPU.
FOLLOW_INTERVAL_S = 0.2


@click.command("events")
@click.argument("files", nargs=-1, metavar="[FILE]..", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    metavar="KIND,..",
    help="Only these, with what caused them: controller, partition.leader_elected, isr, ..",
)
@click.option("--tree", is_flag=True, help="Not by time: each effect right under its cause.")
@click.option("--follow", is_flag=True, help="Go on with what happens, until Ctrl-C.")
@click.option(
    "--http", "addresses", callback=parse_http, metavar="HOST:PORT,..",
    help="With --follow: not files, but what running brokers tell at their http.listener.",
)  # fmt: skip
@output_option()
@dir_option
def command(
    files: tuple[Path, ...],
    kinds: tuple[str, ...],
    tree: bool,
    follow: bool,
    addresses: tuple[Address, ...],
    output: str,
    directory: Directory,
) -> None:
    """Print the brokers' traces as one: by time, each effect to the right of its cause.

    FILEs are brokers' events.jsonl, or log directories with one; by default those of the
    ensemble in --dir. What is there is read from the files: no broker need be running.

    \b
    Example: zbroker-admin trace events --kind controller,isr --follow
    """
    if follow and output == "yaml":
        raise click.UsageError("--follow prints one event a line: there is -o json for programs")
    if addresses and (files or tree or not follow):
        raise click.UsageError("--http goes with --follow, and without FILEs or --tree")
    wanted = [word.strip() for each in kinds for word in each.split(",") if word.strip()]
    if addresses:
        _follow_over_http(addresses, wanted, output)
        return
    paths = [path / FILE_NAME if path.is_dir() else path for path in files]
    paths = paths or ensemble_traces(directory)
    tails = [Tail(path) for path in paths]
    try:
        events = read_traces(paths)
        shown = with_causes(events, wanted)
        told = list(forest(shown) if tree else by_time(shown))
        if follow:
            for depth, event in told:
                click.echo(_followed_line(depth, event, output))
        else:
            Answer(
                facts={"events": [event.document for event in shown]},
                text=[event_line(depth, event) for depth, event in told],
                names=[event.id for event in shown],
            ).print_as(output)
        if follow:
            _follow(tails, events, wanted, output)
    except OSError as error:
        raise Failure(str(error)) from None


def read_traces(paths: Sequence[Path]) -> list[Event]:
    """The events of all files as one story; what can't be read is told on stderr."""
    events: list[Event] = []
    for path in paths:
        found, complaints = read_events(path)
        events += found
        for complaint in complaints:
            say(complaint)
    return merged(events)


def ensemble_traces(directory: Directory) -> list[Path]:
    """The trace files of the ensemble in `directory`.

    A broker that starts writes into the first of its log directories that has not failed: what led
    to a failure may lie in one, what followed in the next.
    """
    paths = []
    for broker_id in range(1, directory.broker_count() + 1):
        file = directory.server_properties(broker_id)
        try:
            settings = parse_properties(file.read_bytes())
        except (OSError, PropertiesSyntaxError) as error:
            raise Failure(f"{file}: {error}") from None
        log_dirs = settings.get("log.dirs") or settings.get("log.dir", "")
        paths += [Path(log_dir.strip()) / FILE_NAME for log_dir in log_dirs.split(",")]
    if not paths:
        raise click.UsageError(f"give trace FILEs: there is no ensemble in {directory.root}")
    return paths


def event_line(depth: int, event: Event) -> str:
    """One event for people, indented by its distance from the first cause."""
    moment = datetime.fromtimestamp(event.time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    facts = " ".join(f"{name}={_short(value)}" for name, value in event.facts.items())
    broker = f"broker {event.broker}" if event.broker >= 0 else "broker ?"
    return f"{moment[:-3]}  {broker}  {'  ' * depth}{event.kind} {facts}".rstrip()


def _followed_line(depth: int, event: Event, output: str) -> str:
    """One event of a story without an end: JSON has an object a line."""
    if output == "json":
        return event.to_json()
    return event.id if output == "name" else event_line(depth, event)


def _short(value: object) -> str:
    if isinstance(value, str) and value and " " not in value:
        return value
    return json.dumps(value, separators=(",", ":"))


def _follow(
    tails: Sequence[Tail], seen: Sequence[Event], wanted: Sequence[str], output: str
) -> None:
    """Print events as they come. What caused one stands further up, so only its depth tells."""
    depths = Depths()
    for event in seen:
        depths.add(event)
    printed = {event.id for event in seen}  # a tail begins a little before the reading ended
    try:
        while True:
            for event in merged(event for tail in tails for event in tail.new_events()):
                depth = depths.add(event)
                if event.id in printed or not of_kind(event.kind, wanted):
                    continue
                click.echo(_followed_line(depth, event, output))
            time.sleep(FOLLOW_INTERVAL_S)
    except KeyboardInterrupt:
        return


def _follow_over_http(addresses: Sequence[Address], wanted: Sequence[str], output: str) -> None:
    """Print events as they arrive: first what each broker remembers, then what happens."""
    depths = Depths()

    def tell(_address: Address, document: dict[str, Any]) -> None:
        event = Event(**document)
        depth = depths.add(event)
        if of_kind(event.kind, wanted):
            click.echo(_followed_line(depth, event, output))

    follow_brokers(addresses, "/events", tell)
