"""`zbroker-admin group reset-offsets`: where a group goes on reading, when nobody reads in it.

A dry run unless `--execute` is given: it shows what would be. `--export` prints the plan as CSV,
which `--from-file` takes again, here or in kafka-consumer-groups.sh.
"""

from collections.abc import Sequence
from pathlib import Path

import attrs
import click

from cli.client import Cluster, RequestFailed
from cli.client.group_changes import commit_offsets
from cli.client.groups import committed_offsets, describe_group
from cli.client.offset_reset import Plan, ToEach, Wish, plan_reset
from cli.client.outcome import Outcome
from cli.commands.group.choosing import groups_options
from cli.commands.group.partitions import look_up
from cli.commands.group.plan_file import plan_text, read_plan
from cli.commands.group.wishes import wish_options
from cli.commands.naming import parse_topics
from cli.commands.options import Target, cluster_options, output_option
from cli.commands.outcomes import fail_for
from cli.commands.output import Answer, Table, say
from coordination.values import TopicPartition

# Whose offsets may be set: a group without members; DEAD is one that isn't there (yet).
DEAD = "Dead"
INACTIVE = frozenset({"Empty", DEAD})

COLUMNS = ("GROUP", "TOPIC", "PARTITION", "NEW-OFFSET")
WIDE_COLUMNS = (*COLUMNS, "CURRENT-OFFSET")


@attrs.frozen
class Request:
    """What is wished: for which partitions (all that have an offset for None), and to where."""

    topics: dict[str, list[int] | None] | None
    wish: Wish | None
    plans: dict[str, dict[TopicPartition, int]]
    execute: bool


@attrs.frozen
class Reset:
    """One group's plan, what is committed now, and what came of it if it was executed."""

    group: str
    state: str
    plan: Plan
    committed: dict[TopicPartition, int]
    outcomes: Sequence[Outcome[TopicPartition]]

    @property
    def problems(self) -> list[str]:
        if self.state not in INACTIVE:
            return [f"group {self.group!r} is not inactive but {self.state}"]
        return [
            f"group {self.group!r}, {each.subject}: {each.reason}"
            for each in self.outcomes
            if not each.done
        ]


@click.command("reset-offsets")
@groups_options
@click.option("--topic", "topics", multiple=True, metavar="TOPIC[:0,2,..]", help="What to reset.")
@click.option("--all-topics", is_flag=True, help="All that the group has offsets of.")
@wish_options
@click.option("--dry-run", is_flag=True, help="Only show the plan (default).")
@click.option("--execute", is_flag=True, help="Do it.")
@click.option("--export", is_flag=True, help="Print the plan as CSV.")
@output_option()
@cluster_options
def command(
    target: Target,
    names: list[str],
    topics: tuple[str, ...],
    all_topics: bool,
    wish: Wish | None,
    from_file: Path | None,
    dry_run: bool,
    execute: bool,
    export: bool,
    output: str,
) -> None:
    """Set where groups go on reading; a dry run without --execute.

    \b
    Example: zbroker-admin group reset-offsets test-group --topic orders --to-earliest --execute
    """
    if not names:
        raise click.UsageError("give the GROUPs whose offsets to reset")
    if dry_run and execute:
        raise click.UsageError("--dry-run excludes --execute")
    if export and output != "table":
        raise click.UsageError("--export prints CSV, and nothing in another form")
    if (bool(topics) + all_topics) != (0 if from_file else 1):
        raise click.UsageError(
            "the file says which topics" if from_file else "give --topic or --all-topics"
        )
    request = Request(
        parse_topics(topics) if topics else None,
        wish,
        read_plan(from_file, names) if from_file else {},
        execute,
    )

    async def reset(cluster: Cluster) -> list[Reset]:
        # All plans before anything is done: what can't be planned leaves no group half reset.
        planned = [await _plan(cluster, name, request) for name in names]
        return [await _executed(cluster, each) for each in planned] if execute else planned

    _print(target.ask(reset), request, output, export=export)


async def _plan(cluster: Cluster, name: str, request: Request) -> Reset:
    group = await describe_group(cluster, name)
    state = DEAD if group is None else group.state
    if state not in INACTIVE:
        return Reset(name, state, Plan({}), {}, [])
    committed = await committed_offsets(cluster, name)
    wish = request.wish or ToEach(request.plans.get(name, {}))
    if isinstance(wish, ToEach):
        partitions = list(wish.offsets)
    elif request.topics is None:
        partitions = list(committed)
    else:
        partitions = await look_up(cluster, request.topics)
    partitions.sort(key=lambda each: (each.topic, each.partition))
    plan = await plan_reset(cluster, partitions, committed, wish)
    return Reset(name, state, plan, committed, [])


async def _executed(cluster: Cluster, planned: Reset) -> Reset:
    if not planned.plan.offsets:
        return planned
    try:
        outcomes = await commit_offsets(cluster, planned.group, planned.plan.offsets)
    except RequestFailed as error:  # this group's alone: others are done, or will be
        outcomes = [Outcome(each, error.code) for each in planned.plan.offsets]
    return attrs.evolve(planned, outcomes=outcomes)


def _print(resets: Sequence[Reset], request: Request, output: str, *, export: bool) -> None:
    for reset in resets:
        for remark in reset.plan.remarks:
            say(f"Warning: {remark}")
        if reset.state in INACTIVE and not reset.plan.offsets:
            say(f"Warning: group {reset.group!r} has nothing to reset")
    if export:
        click.echo(plan_text({each.group: each.plan.offsets for each in resets}), nl=False)
    else:
        _answer(resets, request).print_as(output)
        if not request.execute:
            say("a dry run: nothing was changed; --execute does it")
    done = any(not reset.problems for reset in resets) or any(
        outcome.done for reset in resets for outcome in reset.outcomes
    )
    fail_for([problem for reset in resets for problem in reset.problems], any_done=done)


def _answer(resets: Sequence[Reset], request: Request) -> Answer:
    rows = [
        (reset.group, each.topic, each.partition, offset, reset.committed.get(each))
        for reset in resets
        for each, offset in reset.plan.offsets.items()
    ]
    return Answer(
        facts={
            "executed": request.execute,
            "groups": [
                {
                    "group": reset.group,
                    "state": reset.state,
                    "offsets": [_facts(reset, each) for each in reset.plan.offsets],
                }
                for reset in resets
            ],
        },
        text=[Table(COLUMNS, [row[:-1] for row in rows])],
        wide=[Table(WIDE_COLUMNS, rows)],
        names=[each.group for each in resets if not each.problems],
    )


def _facts(reset: Reset, partition: TopicPartition) -> dict[str, object]:
    failed = {each.subject: each.code.name for each in reset.outcomes if not each.done}
    return {
        "topic": partition.topic,
        "partition": partition.partition,
        "current_offset": reset.committed.get(partition),
        "new_offset": reset.plan.offsets[partition],
        "error": failed.get(partition),
    }
