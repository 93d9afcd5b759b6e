"""`zbroker-admin broker drain`: nothing led by a broker any more, while it goes on.

For a broker that shall be looked after, or stopped by whoever has no patience for its clients: see
`cli.client.draining` for how. A broker that is only to be restarted needs none of this: SIGTERM is
a controlled shutdown, which moves its leaderships by itself, and changes no assignment. The order
that the replicas had is printed, for `partition reassign execute` on the way back; beside the error
if it ends before its time, for then nobody else knows it any more.

Without --yes all that would be moved is listed in front of the question, so that where there is no
one to ask it is a dry run; and what is done is what there is to do after the answer.
"""

import click

from cli.client import Cluster
from cli.client.draining import DrainPlan, drain, plan_drain
from cli.client.outcome import Outcome
from cli.client.topics import describe_topics, topic_names
from cli.commands.completing import complete_brokers
from cli.commands.confirming import confirm, yes_option
from cli.commands.failure import Failure
from cli.commands.options import Target, cluster_options, output_option
from cli.commands.outcomes import error_facts, fail_for
from cli.commands.output import Answer, say
from cli.commands.partition.reassign.plan import by_name, plan_document, way_back
from coordination.values import TopicPartition


@click.command("drain")
@click.argument(
    "broker_id", type=click.IntRange(min=0), metavar="ID", shell_complete=complete_brokers
)
@yes_option
@output_option()
@cluster_options
def command(target: Target, broker_id: int, yes: bool, output: str) -> None:
    """Have others lead what a broker leads: it becomes the last of each partition's replicas.

    The replicas stay where they are. Exit code 3 if some partitions have no one else to lead them.

    \b
    Example: zbroker-admin broker drain 1 --yes
    """

    async def look(cluster: Cluster) -> DrainPlan:
        if broker_id not in await cluster.brokers():
            raise Failure(f"not alive: broker {broker_id}")
        return plan_drain(await describe_topics(cluster, await topic_names(cluster)), broker_id)

    plan = target.ask(look)
    if plan.after and not yes:
        for each in by_name(plan.after):
            say(f"{each}: to be led by broker {plan.after[each][0]}")
        confirm(
            f"Move the leaders of {len(plan.after)} partitions off broker {broker_id}?", yes=yes
        )
        plan = target.ask(look)  # the question may have stood there for long

    async def move(cluster: Cluster) -> list[Outcome[TopicPartition]]:
        return await drain(cluster, plan)

    try:
        outcomes = target.ask(move) if plan.after else []
    except Failure:
        say("\n".join(way_back(plan.before)))
        raise
    _answer(broker_id, plan, outcomes).print_as(output)
    problems = [f"{each.subject}: {each.reason}" for each in outcomes if not each.done]
    problems += [f"{each}: {plan.staying[each]}" for each in by_name(plan.staying)]
    fail_for(problems, any_done=any(each.done for each in outcomes))


def _answer(broker_id: int, plan: DrainPlan, outcomes: list[Outcome[TopicPartition]]) -> Answer:
    moved = {each.subject: plan.after[each.subject][0] for each in outcomes if each.done}
    text = way_back(plan.before) if plan.before else []
    text += [f"{each}: led by broker {moved[each]}" for each in by_name(moved)]
    if not plan.before and not plan.staying:
        text.append(f"Broker {broker_id} leads nothing")
    return Answer(
        facts={
            "broker": broker_id,
            "before": plan_document(plan.before),
            "partitions": [
                {
                    "topic": each.subject.topic,
                    "partition": each.subject.partition,
                    "leader": moved.get(each.subject),
                    "replicas": list(plan.after[each.subject]),
                    **error_facts(each),
                }
                for each in outcomes
            ],
            "staying": [
                {"topic": each.topic, "partition": each.partition, "reason": plan.staying[each]}
                for each in by_name(plan.staying)
            ],
        },
        text=text,
        names=by_name(moved),
    )
