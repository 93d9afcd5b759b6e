"""`zbroker-admin partition reassign cancel`: end what is under way of a plan, and go back."""

from collections.abc import Sequence

import attrs
import click

from cli.client import Cluster
from cli.client.configs import Resource
from cli.client.outcome import Outcome
from cli.client.reassignments import alter_reassignments, list_reassignments
from cli.commands.options import Target, cluster_options, output_option
from cli.commands.outcomes import error_facts, fail_for
from cli.commands.output import Answer
from cli.commands.partition.reassign.log_dir_moves import Replica, find_replicas, start_moves
from cli.commands.partition.reassign.plan import Plan, by_name, plan_option
from cli.commands.partition.reassign.throttles import clear_all, preserve_throttles_option
from coordination.values import TopicPartition


@attrs.frozen
class Cancelled:
    """What came of each move that was under way, and of clearing throttles."""

    partitions: Sequence[Outcome[TopicPartition]]
    replicas: Sequence[Outcome[Replica]]
    cleared: Sequence[str]
    throttles: Sequence[Outcome[Resource]]


@click.command("cancel")
@plan_option
@preserve_throttles_option
@output_option()
@cluster_options
def command(target: Target, plan: Plan, preserve_throttles: bool, output: str) -> None:
    """End the moves of a plan that are under way; the partitions stay where they were.

    \b
    Example: zbroker-admin partition reassign cancel --reassignment-json-file plan.json
    """

    async def cancel(cluster: Cluster) -> Cancelled:
        return await _cancel(cluster, plan, preserve_throttles=preserve_throttles)

    done = target.ask(cancel)
    _answer(done).print_as(output)
    problems = [f"{each.subject}: {each.reason}" for each in done.partitions if not each.done]
    problems += [
        f"{each.subject[0]} on broker {each.subject[1]}: {each.reason}"
        for each in done.replicas
        if not each.done
    ]
    problems += [f"{each.subject}: {each.reason}" for each in done.throttles if not each.done]
    fail_for(problems, any_done=any(each.done for each in (*done.partitions, *done.replicas)))


async def _cancel(cluster: Cluster, plan: Plan, *, preserve_throttles: bool) -> Cancelled:
    ongoing = await list_reassignments(cluster, plan.replicas)
    partitions: list[Outcome[TopicPartition]] = []
    if ongoing:
        partitions = await alter_reassignments(cluster, dict.fromkeys(by_name(ongoing)))
    placements = await find_replicas(cluster, plan.log_dirs)
    # To move a replica to where it is ends the move to elsewhere.
    back = {
        each: lies[0].log_dir
        for each, lies in placements.items()
        if len(lies) > 1 and lies[1].is_future
    }
    replicas = await start_moves(cluster, back)
    cleared: Sequence[str] = []
    throttles: Sequence[Outcome[Resource]] = []
    if not preserve_throttles:
        cleared, throttles = await clear_all(cluster, plan)
    return Cancelled(partitions, replicas, cleared, throttles)


def _answer(done: Cancelled) -> Answer:
    cancelled = [each.subject for each in done.partitions if each.done]
    text = ["None of the specified partition reassignments are active."]
    if cancelled:
        plural = "s" if len(cancelled) > 1 else ""
        text = [
            f"Successfully cancelled partition reassignment{plural} for: "
            + ",".join(map(str, cancelled))
        ]
    moved_back = [each.subject for each in done.replicas if each.done]
    text += [
        f"Successfully cancelled the move of replica {partition} on broker {broker_id}"
        for partition, broker_id in moved_back
    ] or ["None of the specified partition moves are active."]
    return Answer(
        facts={
            "partitions": [
                {
                    "topic": each.subject.topic,
                    "partition": each.subject.partition,
                    **error_facts(each),
                }
                for each in done.partitions
            ],
            "log_dirs": [
                {
                    "topic": each.subject[0].topic,
                    "partition": each.subject[0].partition,
                    "broker": each.subject[1],
                    **error_facts(each),
                }
                for each in done.replicas
            ],
            "throttles_cleared": bool(done.cleared),
        },
        text=[*text, *done.cleared],
        names=cancelled,
    )
