"""`zbroker-admin group describe`: the tables of kafka-consumer-groups.sh --describe."""

from collections.abc import Sequence

import click

from cli.client import Cluster
from cli.client.groups import (
    GroupDescription,
    PartitionProgress,
    describe_group,
    group_progress,
    list_groups,
)
from cli.commands.group.choosing import groups_options
from cli.commands.options import Target, cluster_options, output_option
from cli.commands.outcomes import fail_for
from cli.commands.output import MISSING, Answer, Table, say
from coordination.values import TopicPartition

OFFSET_COLUMNS = (
    "GROUP",
    "TOPIC",
    "PARTITION",
    "CURRENT-OFFSET",
    "LOG-END-OFFSET",
    "LAG",
    "CONSUMER-ID",
    "HOST",
    "CLIENT-ID",
)
MEMBER_COLUMNS = ("GROUP", "CONSUMER-ID", "HOST", "CLIENT-ID", "#PARTITIONS")
VERBOSE_COLUMNS = (*MEMBER_COLUMNS, "ASSIGNMENT")
STATE_COLUMNS = ("GROUP", "COORDINATOR (ID)", "ASSIGNMENT-STRATEGY", "STATE", "#MEMBERS")

# A group and its progress; the progress is None when it was not asked for.
Described = tuple[GroupDescription, list[PartitionProgress] | None]


@click.command("describe")
@groups_options
@click.option("--all-groups", is_flag=True, help="Every group.")
@click.option(
    "--offsets",
    "view",
    flag_value="offsets",
    default="offsets",
    help="How far each partition is read (default).",
)
@click.option(
    "--members", "view", flag_value="members", help="Who is in the group, and how much each reads."
)
@click.option("--state", "view", flag_value="state", help="Its state and its coordinator.")
@click.option("--verbose", is_flag=True, help="With --members: which partitions each reads.")
@output_option(repeats=True)
@cluster_options
def command(
    target: Target,
    names: list[str],
    all_groups: bool,
    view: str,
    verbose: bool,
    output: str,
) -> None:
    """Print how far groups have read, who is in them, or their state.

    \b
    Example: zbroker-admin group describe test-group --members --verbose
    """
    if bool(names) == all_groups:
        raise click.UsageError("give the GROUPs to describe, or --all-groups")

    async def facts(cluster: Cluster) -> list[tuple[str, Described | None]]:
        chosen = [each.group_id for each in await list_groups(cluster)] if all_groups else names
        return [(name, await _describe(cluster, name, view)) for name in chosen]

    answers = target.ask(facts)
    described = [answer for _, answer in answers if answer is not None]
    missing = [name for name, answer in answers if answer is None]
    if output in ("table", "wide"):
        for each, _ in described:
            _remark_on(each, view)
    Answer(
        facts={"groups": [_facts(each) for each in described]},
        text=[_table(each, progress, view, verbose=verbose) for each, progress in described],
        wide=[_table(each, progress, view, wide=True) for each, progress in described],
        names=[each.group_id for each, _ in described],
    ).print_as(output)
    fail_for([f"no group {name!r}" for name in missing], any_done=bool(described))


async def _describe(cluster: Cluster, name: str, view: str) -> Described | None:
    described = await describe_group(cluster, name)
    if described is None:
        return None
    return described, await group_progress(cluster, described) if view == "offsets" else None


def _remark_on(group: GroupDescription, view: str) -> None:
    if group.state == "Empty" and view != "state":
        say(f"Consumer group {group.group_id!r} has no active members.")
    elif group.state in ("PreparingRebalance", "CompletingRebalance"):
        say(f"Warning: consumer group {group.group_id!r} is rebalancing.")


def _table(
    group: GroupDescription,
    progress: Sequence[PartitionProgress] | None,
    view: str,
    *,
    verbose: bool = False,
    wide: bool = False,
) -> Table:
    if view == "members":
        rows = member_rows(group)
        if not (verbose or wide):
            return Table(MEMBER_COLUMNS, [row[:-1] for row in rows])
        if not wide:
            return Table(VERBOSE_COLUMNS, rows)
        static = [member.group_instance_id for member in group.members]
        return Table(
            (*VERBOSE_COLUMNS, "GROUP-INSTANCE-ID"),
            [(*row, instance_id) for row, instance_id in zip(rows, static, strict=True)],
        )
    if view == "state":
        return Table(STATE_COLUMNS, [state_row(group)])
    return Table(OFFSET_COLUMNS, offset_rows(group.group_id, progress or []))


def offset_rows(group_id: str, progress: Sequence[PartitionProgress]) -> list[tuple[object, ...]]:
    """One row a partition; what is not known is None."""
    return [
        (
            group_id,
            each.partition.topic,
            each.partition.partition,
            each.committed_offset,
            each.log_end_offset,
            each.lag,
            each.member.member_id if each.member else None,
            each.member.host if each.member else None,
            each.member.client_id if each.member else None,
        )
        for each in progress
    ]


def member_rows(group: GroupDescription) -> list[tuple[object, ...]]:
    """One row a member; its partitions as `topic(0,1), other(2)`."""
    return [
        (
            group.group_id,
            member.member_id,
            member.host,
            member.client_id,
            len(member.partitions),
            _assignment_text(member.partitions) or MISSING,
        )
        for member in group.members
    ]


def _assignment_text(partitions: Sequence[TopicPartition]) -> str:
    by_topic: dict[str, list[int]] = {}
    for each in sorted(partitions):
        by_topic.setdefault(each.topic, []).append(each.partition)
    return ", ".join(
        f"{topic}({','.join(map(str, numbers))})" for topic, numbers in by_topic.items()
    )


def state_row(group: GroupDescription) -> tuple[object, ...]:
    """State and coordinator; Kafka puts two blanks before the id, and so do we."""
    coordinator = f"{group.coordinator}  ({group.coordinator_id})"
    return (group.group_id, coordinator, group.strategy, group.state, len(group.members))


def _facts(described: Described) -> dict[str, object]:
    group, progress = described
    facts: dict[str, object] = {
        "group": group.group_id,
        "state": group.state,
        "assignment_strategy": group.strategy,
        "coordinator": {"id": group.coordinator_id, "address": str(group.coordinator)},
        "members": [
            {
                "member_id": member.member_id,
                "group_instance_id": member.group_instance_id,
                "client_id": member.client_id,
                "host": member.host,
                "partitions": [
                    {"topic": each.topic, "partition": each.partition} for each in member.partitions
                ],
            }
            for member in group.members
        ],
    }
    if progress is not None:
        facts["offsets"] = [
            {
                "topic": each.partition.topic,
                "partition": each.partition.partition,
                "current_offset": each.committed_offset,
                "log_end_offset": each.log_end_offset,
                "lag": each.lag,
                "member_id": each.member.member_id if each.member else None,
            }
            for each in progress
        ]
    return facts
