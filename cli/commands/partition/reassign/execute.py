"""`zbroker-admin partition reassign execute`: begin to move partitions as a plan says.

First all is looked at that can be: the plan's brokers must live, its partitions exist, and nothing
else be under way (unless `--additional`). Then throttles are set, and then the moves begin; so a
move never runs faster than it may. What there was before is printed, for the way back; beside the
error, if it ends before its time.
"""

from collections.abc import Mapping, Sequence

import attrs
import click

from cli.client import Cluster
from cli.client.configs import Resource
from cli.client.outcome import Outcome
from cli.client.reassignments import Reassignment, alter_reassignments, list_reassignments
from cli.client.replication_throttles import Move, throttle_log_dirs, throttle_moves
from cli.client.topics import describe_topics
from cli.commands.options import Failure, Target, cluster_options, output_option
from cli.commands.outcomes import error_facts, fail_for
from cli.commands.output import Answer, say
from cli.commands.partition.reassign.log_dir_moves import Replica, start_moves
from cli.commands.partition.reassign.plan import (
    Plan,
    by_name,
    plan_document,
    plan_option,
    way_back,
)
from coordination.values import TopicPartition


@attrs.frozen
class Limits:
    """Bytes a second, None for no limit: between brokers, and between directories of one."""

    between_brokers: int | None
    between_log_dirs: int | None


@attrs.frozen
class Looked:
    """The replicas that there were before, what is under way, and which brokers live."""

    before: Mapping[TopicPartition, tuple[int, ...]]
    ongoing: Mapping[TopicPartition, Reassignment]
    live: set[int]


@attrs.frozen
class Executed:
    """What came of each part."""

    throttles: Sequence[Outcome[Resource]]
    partitions: Sequence[Outcome[TopicPartition]]
    replicas: Sequence[Outcome[Replica]]


@click.command("execute")
@plan_option
@click.option(
    "--throttle", type=click.IntRange(min=0), metavar="B", help="At most B bytes/s a broker."
)
@click.option(
    "--replica-alter-log-dirs-throttle",
    "log_dirs_throttle",
    type=click.IntRange(min=0),
    metavar="B",
    help="At most B bytes/s between a broker's directories.",
)
@click.option("--additional", is_flag=True, help="Also while other partitions are being moved.")
@output_option()
@cluster_options
def command(
    target: Target,
    plan: Plan,
    throttle: int | None,
    log_dirs_throttle: int | None,
    additional: bool,
    output: str,
) -> None:
    """Begin to move partitions as the plan says; `verify` tells when they are there.

    \b
    Example: zbroker-admin partition reassign execute --reassignment-json-file plan.json
    """
    limits = Limits(throttle, log_dirs_throttle)

    async def look(cluster: Cluster) -> Looked:
        return await _look(cluster, plan, additional=additional)

    async def execute(cluster: Cluster) -> Executed:
        return await _execute(cluster, plan, looked, limits)

    looked = target.ask(look)
    try:
        done = target.ask(execute)
    except Failure:
        say("\n".join(way_back(looked.before)))
        raise
    if throttle is not None or log_dirs_throttle is not None:
        say("Warning: throttles stay until `reassign verify` finds all done: run it now and then.")
    _answer(plan, looked.before, done).print_as(output)
    problems = [f"{each.subject}: {each.reason}" for each in done.throttles if not each.done]
    problems += [f"{each.subject}: {each.reason}" for each in done.partitions if not each.done]
    problems += [
        f"{each.subject[0]} on broker {each.subject[1]}: {each.reason}"
        for each in done.replicas
        if not each.done
    ]
    fail_for(problems, any_done=any(each.done for each in done.partitions))


async def _look(cluster: Cluster, plan: Plan, *, additional: bool) -> Looked:
    ongoing = await list_reassignments(cluster)
    if ongoing and not additional:
        raise Failure(
            f"{len(ongoing)} partitions are being moved: wait (`reassign list`), "
            "or give --additional"
        )
    live = set(await cluster.brokers())
    dead = sorted(plan.brokers - live)
    if dead:
        raise Failure(f"not alive: broker {', '.join(map(str, dead))}")
    return Looked(await _replicas_of(cluster, plan), ongoing, live)


async def _execute(cluster: Cluster, plan: Plan, looked: Looked, limits: Limits) -> Executed:
    throttles: list[Outcome[Resource]] = []
    if limits.between_brokers is not None:
        moves = moves_of(plan, looked.before, looked.ongoing)
        throttles += await throttle_moves(cluster, moves, limits.between_brokers, looked.live)
    if limits.between_log_dirs is not None and plan.log_dirs:
        brokers = {broker_id for _, broker_id in plan.log_dirs}
        throttles += await throttle_log_dirs(cluster, brokers, limits.between_log_dirs)
    if not all(each.done for each in throttles):
        return Executed(throttles, [], [])
    partitions = await alter_reassignments(cluster, plan.replicas)
    begun = {each.subject for each in partitions if each.done}
    log_dirs = {each: path for each, path in plan.log_dirs.items() if each[0] in begun}
    return Executed(throttles, partitions, await start_moves(cluster, log_dirs))


async def _replicas_of(cluster: Cluster, plan: Plan) -> dict[TopicPartition, tuple[int, ...]]:
    """The replicas that the plan's partitions have now."""
    existing = {
        TopicPartition(topic.name, each.partition): each.replicas
        for topic in await describe_topics(cluster, plan.topics)
        for each in topic.partitions
    }
    missing = [each for each in by_name(plan.replicas) if each not in existing]
    if missing:
        raise Failure(f"no partition {', '.join(map(str, missing))}")
    return {each: existing[each] for each in plan.replicas}


def moves_of(
    plan: Plan,
    before: Mapping[TopicPartition, tuple[int, ...]],
    ongoing: Mapping[TopicPartition, Reassignment],
) -> dict[TopicPartition, Move]:
    """Who sends what to whom: of the plan, and of what is under way already and stays held back.

    What is half copied is no source: the replicas from before that move are.
    """
    moves = {
        partition: Move(frozenset(move.replicas) - set(move.adding), frozenset(move.adding))
        for partition, move in ongoing.items()
    }
    for partition, replicas in plan.replicas.items():
        known = moves.get(partition)
        sources = known.sources if known else frozenset(before[partition])
        moves[partition] = Move(sources, frozenset(replicas) - sources)
    return moves


def _answer(plan: Plan, before: Mapping[TopicPartition, tuple[int, ...]], done: Executed) -> Answer:
    begun = sorted(
        (each.subject for each in done.partitions if each.done),
        key=lambda each: (each.topic, each.partition),
    )
    text = way_back(before)
    if begun:
        text.append(
            f"Successfully started partition reassignment{'s' if len(begun) > 1 else ''} for "
            + ",".join(map(str, begun))
        )
    text += [
        f"Successfully started moving log directory to {plan.log_dirs[each.subject]} for replica "
        f"{each.subject[0]} with broker {each.subject[1]}"
        for each in done.replicas
        if each.done
    ]
    return Answer(
        facts={
            "before": plan_document(before),
            "partitions": [
                {
                    "topic": each.subject.topic,
                    "partition": each.subject.partition,
                    "replicas": plan.replicas[each.subject],
                    **error_facts(each),
                }
                for each in done.partitions
            ],
            "log_dirs": [
                {
                    "topic": each.subject[0].topic,
                    "partition": each.subject[0].partition,
                    "broker": each.subject[1],
                    "log_dir": plan.log_dirs[each.subject],
                    **error_facts(each),
                }
                for each in done.replicas
            ],
        },
        text=text,
        names=begun,
    )
