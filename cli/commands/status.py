"""`zbroker-admin status`: each process of the ensemble in a directory, and whether it answers.

What runs is asked, not remembered: ZooKeeper and the brokers at their ports, the kernel for the
`up`. Only pids and ends come from what `up` wrote. So a broker that was started again by hand
shows as answering.
"""

import time
from functools import partial

import attrs
import click
import trio

from cli.client import TimedOut
from cli.commands.options import Exit, Failure, output_option, run, timeout_option
from cli.commands.output import Answer, Table, say
from cli.ensemble.child import how_it_ended
from cli.ensemble.claim import State, holder, read_state
from cli.ensemble.layout import Directory, Ensemble, SetupError, read_set_up
from cli.ensemble.options import dir_option
from cli.ensemble.probe import BrokerView, controller_of, views_of, zookeeper_serves


@attrs.frozen
class Row:
    """One process, as it is shown."""

    name: str
    pid: int | None
    port: int
    state: str
    is_controller: bool = False


@click.command()
@dir_option
@output_option(repeats=True)
@timeout_option
@click.pass_context
def status(context: click.Context, directory: Directory, timeout: float, output: str) -> None:
    """Show what runs; exit code 4 unless everything does.

    \b
    Example: zbroker-admin status --until 'count(processes) >= 4'
    """
    try:
        pid = holder(directory)
        if pid is None:
            say(f"nothing runs in {directory.root}")
            context.exit(Exit.NOT_MET)
        state = read_state(directory)
        brokers = sum(process.name.startswith("broker-") for process in state.processes)
        ensemble = read_set_up(directory, brokers)
    except FileNotFoundError:
        say(f"up (pid {pid}) has just begun")
        context.exit(Exit.NOT_MET)
    except SetupError as error:
        raise Failure(str(error)) from None
    serves, views = run(partial(_look, ensemble, timeout))
    rows = _rows(ensemble, state, serves, views)
    uptime_s = max(0, int(time.time()) - state.started_ms // 1000)
    columns = ("PROCESS", "PID", "PORT", "STATE", "ROLE")
    cells = [
        (row.name, row.pid, row.port, row.state, "controller" if row.is_controller else "")
        for row in rows
    ]
    Answer(
        facts={
            "pid": pid,
            "uptime_ms": uptime_s * 1000,
            "processes": [attrs.asdict(row) for row in rows],
        },
        text=[
            Table(columns, cells),
            f"up (pid {pid}) in {directory.root} for {_duration(uptime_s)}",
        ],
        names=[row.name for row in rows],
    ).print_as(output)
    if not serves or controller_of(views) is None:
        context.exit(Exit.NOT_MET)


async def _look(
    ensemble: Ensemble, timeout_seconds: float
) -> tuple[bool, dict[int, BrokerView | None]]:
    with trio.move_on_after(timeout_seconds):
        return await zookeeper_serves(ensemble.zookeeper_port), await views_of(ensemble)
    raise TimedOut(f"not done within {timeout_seconds:g} s")


def _rows(
    ensemble: Ensemble, state: State, serves: bool, views: dict[int, BrokerView | None]
) -> list[Row]:
    controllers = [view.controller_id for view in views.values() if view is not None]
    records = {record.name: record for record in state.processes}

    def row(name: str, port: int, answers: bool, is_controller: bool = False) -> Row:
        record = records[name]
        if record.exit_code is None:
            return Row(name, record.pid, port, "answers" if answers else "no answer", is_controller)
        if answers:
            return Row(name, None, port, "answers (started by hand)", is_controller)
        return Row(name, None, port, how_it_ended(record.exit_code))

    brokers = [
        row(f"broker-{broker_id}", port, views[broker_id] is not None, broker_id in controllers)
        for broker_id, port in ensemble.broker_ports.items()
    ]
    return [row("zookeeper", ensemble.zookeeper_port, serves), *brokers]


def _duration(seconds: int) -> str:
    """`5 s`, `3 min`, `2 h 5 min`."""
    if seconds < 60:
        return f"{seconds} s"
    hours, minutes = divmod(seconds // 60, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
