"""`zbroker-admin partition reassign verify`: how far a plan is carried out.

Exit code 4 until all of it is. When nothing is being moved any more, of this plan or another,
throttles are taken away, as by Kafka's tool.
"""

from collections.abc import Mapping, Sequence

import attrs
import click

from cli.client import Cluster
from cli.client.configs import Resource
from cli.client.outcome import Outcome
from cli.client.reassignments import list_reassignments
from cli.client.topics import describe_topics
from cli.commands.options import Exit, Failure, Target, cluster_options, output_option
from cli.commands.outcomes import fail_for_outcomes
from cli.commands.output import Answer
from cli.commands.partition.reassign.log_dir_moves import Replica, find_replicas, move_state
from cli.commands.partition.reassign.plan import Plan, by_name, plan_option
from cli.commands.partition.reassign.throttles import clear_all, preserve_throttles_option
from coordination.values import TopicPartition

COMPLETED, IN_PROGRESS, DIFFERENT = "completed", "in_progress", "different"


@attrs.frozen
class PartitionState:
    """`state` is COMPLETED, IN_PROGRESS, or DIFFERENT: not moved, and not where it should be."""

    state: str
    replicas: tuple[int, ...]
    target_replicas: tuple[int, ...]


@attrs.frozen
class Verified:
    """How each part of the plan is, and what was said and came of clearing throttles."""

    partitions: Mapping[TopicPartition, PartitionState]
    log_dirs: Mapping[Replica, tuple[bool, str]]
    cleared: Sequence[str]
    outcomes: Sequence[Outcome[Resource]]

    @property
    def unmet(self) -> int:
        return sum(each.state != COMPLETED for each in self.partitions.values()) + sum(
            words != "completed successfully" for _, words in self.log_dirs.values()
        )


@click.command("verify")
@plan_option
@preserve_throttles_option
@output_option(repeats=True)
@cluster_options
def command(target: Target, plan: Plan, preserve_throttles: bool, output: str) -> None:
    """Print how far a plan is carried out, and clear throttles when nothing is moved any more.

    \b
    Example: zbroker-admin partition reassign verify --reassignment-json-file plan.json
    """

    async def verify(cluster: Cluster) -> Verified:
        return await _verify(cluster, plan, preserve_throttles=preserve_throttles)

    found = target.ask(verify)
    _answer(plan, found).print_as(output)
    fail_for_outcomes(found.outcomes, str)
    if found.unmet:
        raise Failure(f"{found.unmet} of the plan's moves are not completed", Exit.NOT_MET)


async def _verify(cluster: Cluster, plan: Plan, *, preserve_throttles: bool) -> Verified:
    ongoing = await list_reassignments(cluster)
    existing = {
        TopicPartition(topic.name, each.partition): each.replicas
        for topic in await describe_topics(cluster, plan.topics)
        for each in topic.partitions
    }
    partitions = {}
    for each in by_name(plan.replicas):
        replicas, wanted = existing.get(each, ()), plan.replicas[each]
        state = COMPLETED if replicas == wanted else DIFFERENT
        partitions[each] = PartitionState(
            IN_PROGRESS if each in ongoing else state, replicas, wanted
        )
    placements = await find_replicas(cluster, plan.log_dirs)
    log_dirs = {each: move_state(placements[each], plan.log_dirs[each]) for each in plan.log_dirs}
    is_over = not ongoing and all(over for over, _ in log_dirs.values())
    if preserve_throttles or not is_over:
        return Verified(partitions, log_dirs, [], [])
    return Verified(partitions, log_dirs, *await clear_all(cluster, plan))


def _answer(plan: Plan, found: Verified) -> Answer:
    text = ["Status of partition reassignment:"]
    text += [_partition_line(each, state) for each, state in found.partitions.items()]
    text += [
        f"Reassignment of replica {partition} on broker {broker_id} {words}."
        for (partition, broker_id), (_, words) in found.log_dirs.items()
    ]
    return Answer(
        facts={
            "partitions": [
                {
                    "topic": each.topic,
                    "partition": each.partition,
                    "state": state.state,
                    "replicas": state.replicas,
                    "target_replicas": state.target_replicas,
                }
                for each, state in found.partitions.items()
            ],
            "log_dirs": [
                {
                    "topic": partition.topic,
                    "partition": partition.partition,
                    "broker": broker_id,
                    "log_dir": plan.log_dirs[partition, broker_id],
                    "over": over,
                    "state": words,
                }
                for (partition, broker_id), (over, words) in found.log_dirs.items()
            ],
            "throttles_cleared": bool(found.cleared),
        },
        text=[*text, *found.cleared],
        names=[each for each, state in found.partitions.items() if state.state == COMPLETED],
    )


def _partition_line(partition: TopicPartition, state: PartitionState) -> str:
    if state.state == COMPLETED:
        return f"Reassignment of partition {partition} is completed."
    if state.state == IN_PROGRESS:
        return f"Reassignment of partition {partition} is still in progress."
    return (
        f"There is no active reassignment of partition {partition}, but replica set is "
        f"{','.join(map(str, state.replicas))} rather than "
        f"{','.join(map(str, state.target_replicas))}."
    )
