"""`zbroker-admin topic create`.

Many topics go to the controller some at a time: it answers when the brokers know them, so that
progress can be shown, and Ctrl-C can say which ones are there.
"""

import sys
from collections.abc import Sequence

import click

from broker.wire.errors import ErrorCode
from cli.client import Cluster
from cli.client.outcome import Outcome
from cli.client.topic_changes import BROKER_DEFAULT, NewTopic, create_topics
from cli.commands.options import Target, cluster_options, output_option
from cli.commands.outcomes import error_facts, fail_for_outcomes
from cli.commands.output import Answer, say
from cli.commands.topic.text import parse_assignment, parse_configs

TOPICS_AT_ONCE = 20


@click.command("create")
@click.argument("names", nargs=-1, metavar="TOPIC..")
@click.option("--topic", "name_option", metavar="TOPIC", help="The same, as in Kafka's tool.")
@click.option("-p", "--partitions", type=click.IntRange(min=1), help="Default: num.partitions.")
@click.option(
    "-r",
    "--replication-factor",
    type=click.IntRange(1, 32767),
    help="Default: default.replication.factor.",
)
@click.option(
    "--replica-assignment",
    metavar="0:1,1:2",
    help="Brokers of each partition, instead of the two numbers.",
)
@click.option("--config", "configs", multiple=True, metavar="KEY=VALUE", help="A topic setting.")
@click.option("--if-not-exists", is_flag=True, help="No error if there is one of this name.")
@click.option("--validate-only", is_flag=True, help="Check, and create nothing.")
@output_option()
@cluster_options
def command(
    target: Target,
    names: tuple[str, ...],
    name_option: str | None,
    partitions: int | None,
    replication_factor: int | None,
    replica_assignment: str | None,
    configs: tuple[str, ...],
    if_not_exists: bool,
    validate_only: bool,
    output: str,
) -> None:
    """Create topics.

    \b
    Example: zbroker-admin topic create orders -p 3 -r 2 --config retention.ms=1000000
    """
    wanted = list(dict.fromkeys([*names, *([name_option] if name_option else [])]))
    if not wanted:
        raise click.UsageError("give the TOPIC to create")
    if replica_assignment and (partitions or replication_factor):
        raise click.UsageError(
            "--replica-assignment excludes --partitions and --replication-factor"
        )
    assignment = parse_assignment(replica_assignment) if replica_assignment else {}
    settings = parse_configs(configs)
    new_topics = [
        NewTopic(
            name,
            partitions or BROKER_DEFAULT,
            replication_factor or BROKER_DEFAULT,
            assignment,
            settings,
        )
        for name in wanted
    ]
    if any("." in name or "_" in name for name in wanted):
        say(
            "Warning: metric names can't tell '.' from '_' in a topic's name: use one of them only."
        )

    async def create(cluster: Cluster) -> list[Outcome[str]]:
        return await _create(cluster, new_topics, validate_only=validate_only)

    outcomes = target.ask(create)
    existed = {
        each.subject
        for each in outcomes
        if each.code is ErrorCode.TOPIC_ALREADY_EXISTS and if_not_exists
    }
    outcomes = [Outcome(each.subject) if each.subject in existed else each for each in outcomes]
    done = [each.subject for each in outcomes if each.done]
    made = [name for name in done if name not in existed]
    Answer(
        facts={
            "topics": [
                {
                    "name": each.subject,
                    "created": each.subject in made and not validate_only,
                    **error_facts(each),
                }
                for each in outcomes
            ]
        },
        text=[
            f"Topic {name} could be created." if validate_only else f"Created topic {name}."
            for name in made
        ],
        names=done,
    ).print_as(output)
    fail_for_outcomes(outcomes, lambda topic: f"topic {topic!r}")


async def _create(
    cluster: Cluster, topics: Sequence[NewTopic], *, validate_only: bool
) -> list[Outcome[str]]:
    """Some at a time; on a terminal one sees how far it is."""
    outcomes: list[Outcome[str]] = []
    starts = range(0, len(topics), TOPICS_AT_ONCE)
    with click.progressbar(
        starts,
        label=f"{len(topics)} topics",
        file=sys.stderr,
        hidden=len(starts) == 1 or not sys.stderr.isatty(),
    ) as progress:
        for start in progress:
            some = topics[start : start + TOPICS_AT_ONCE]
            outcomes += await create_topics(cluster, some, validate_only=validate_only)
    return outcomes
