"""`zbroker-admin partition reassign generate`: a plan that spreads topics over some brokers.

It is what the same topics would get if they were created now on these brokers alone; where they lie
at present plays no part, so more may be moved than need be.
"""

import json
import random
from collections.abc import Mapping
from pathlib import Path

import click

from cli.client import Cluster
from cli.client.ensemble_facts import describe_cluster
from cli.client.topics import describe_topics
from cli.commands.completing import complete_topics
from cli.commands.naming import parse_broker_ids
from cli.commands.options import Failure, Target, cluster_options, output_option
from cli.commands.output import Answer
from cli.commands.partition.reassign.plan import by_name, plan_document, plan_json
from coordination.assignment import AdminError, BrokerRack, assign_replicas
from coordination.values import TopicPartition

Assignment = Mapping[TopicPartition, tuple[int, ...]]


def _topics(_context: click.Context, _parameter: click.Parameter, file: Path | None) -> list[str]:
    if file is None:
        return []
    try:
        return [str(each["topic"]) for each in json.loads(file.read_text())["topics"]]
    except (OSError, ValueError) as error:
        raise click.BadParameter(f"{file}: {error}") from None
    except (KeyError, TypeError):
        raise click.BadParameter(f'{file} is not {{"topics": [{{"topic": ..}}, ..]}}') from None


@click.command("generate")
@click.argument("names", nargs=-1, metavar="[TOPIC]..", shell_complete=complete_topics)
@click.option(
    "--topics-to-move-json-file",
    "more_names",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    callback=_topics,
    metavar="FILE",
    help='The topics as Kafka\'s tool takes them: {"version": 1, "topics": [{"topic": "orders"}]}',
)
@click.option(
    "--broker-list", "broker_ids", required=True, callback=parse_broker_ids, metavar="ID,..",
    help="The brokers that they are to lie on.",
)  # fmt: skip
@click.option("--disable-rack-aware", is_flag=True, help="Don't look at the brokers' racks.")
@output_option()
@cluster_options
def command(
    target: Target,
    names: tuple[str, ...],
    more_names: list[str],
    broker_ids: list[int],
    disable_rack_aware: bool,
    output: str,
) -> None:
    """Propose where topics could lie, on the brokers given; nothing is moved.

    \b
    Example: zbroker-admin partition reassign generate orders --broker-list 2,3,4
    """
    topics = list(dict.fromkeys([*names, *more_names]))
    if not topics:
        raise click.UsageError("give TOPICs, or --topics-to-move-json-file")

    async def facts(cluster: Cluster) -> tuple[Assignment, Assignment]:
        described = await describe_topics(cluster, topics)
        missing = sorted(set(topics) - {each.name for each in described})
        if missing:
            raise Failure("; ".join(f"no topic {name!r}" for name in missing))
        live = {each.broker_id: each.rack for each in (await describe_cluster(cluster)).brokers}
        dead = [each for each in broker_ids if each not in live]
        if dead:
            raise Failure(f"not alive: broker {', '.join(map(str, dead))}")
        current = {
            TopicPartition(topic.name, each.partition): each.replicas
            for topic in described
            for each in topic.partitions
        }
        racks = [
            BrokerRack(each, None if disable_rack_aware else live[each])
            for each in sorted(broker_ids)
        ]
        return current, _propose(current, racks)

    current, proposed = target.ask(facts)
    Answer(
        facts={"current": plan_document(current), "proposed": plan_document(proposed)},
        text=[
            "Current partition replica assignment",
            plan_json(current),
            "",
            "Proposed partition reassignment configuration",
            plan_json(proposed),
        ],
        names=by_name(proposed),
    ).print_as(output)


def _propose(current: Assignment, racks: list[BrokerRack]) -> Assignment:
    """As if each topic was created now, with its number of partitions and its first one's replicas.

    Where the round robin begins is random, as in Kafka: else every topic's first partition would
    lie on the first broker.
    """
    proposed: dict[TopicPartition, tuple[int, ...]] = {}
    for topic in sorted({each.topic for each in current}):
        partitions = [each for each in by_name(current) if each.topic == topic]
        try:
            assigned = assign_replicas(
                racks,
                len(partitions),
                len(current[partitions[0]]),
                start_index=random.randrange(len(racks)),
                shift=random.randrange(len(racks)),
            )
        except AdminError as error:
            raise Failure(f"topic {topic!r}: {error}") from None
        proposed.update(dict(zip(partitions, assigned.values(), strict=True)))
    return proposed
