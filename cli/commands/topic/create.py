"""`zbroker-admin topic create`."""

import click

from broker.wire.errors import ErrorCode
from cli.client import Cluster
from cli.client.outcome import Outcome
from cli.client.topic_changes import BROKER_DEFAULT, NewTopic, create_topic
from cli.commands.options import Target, cluster_options, output_option
from cli.commands.outcomes import error_facts, fail_for_outcomes
from cli.commands.output import Answer, say
from cli.commands.topic.text import parse_assignment, parse_configs


@click.command("create")
@click.argument("name", required=False, metavar="TOPIC")
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
    name: str | None,
    name_option: str | None,
    partitions: int | None,
    replication_factor: int | None,
    replica_assignment: str | None,
    configs: tuple[str, ...],
    if_not_exists: bool,
    validate_only: bool,
    output: str,
) -> None:
    """Create a topic.

    \b
    Example: zbroker-admin topic create orders -p 3 -r 2 --config retention.ms=1000000
    """
    name = name or name_option
    if name is None:
        raise click.UsageError("give the TOPIC to create")
    if replica_assignment and (partitions or replication_factor):
        raise click.UsageError(
            "--replica-assignment excludes --partitions and --replication-factor"
        )
    new_topic = NewTopic(
        name,
        partitions or BROKER_DEFAULT,
        replication_factor or BROKER_DEFAULT,
        parse_assignment(replica_assignment) if replica_assignment else {},
        parse_configs(configs),
    )
    if "." in name or "_" in name:
        say(
            "Warning: metric names can't tell '.' from '_' in a topic's name: use one of them only."
        )

    async def create(cluster: Cluster) -> Outcome[str]:
        return await create_topic(cluster, new_topic, validate_only=validate_only)

    outcome = target.ask(create)
    existed = outcome.code is ErrorCode.TOPIC_ALREADY_EXISTS and if_not_exists
    if existed:
        outcome = Outcome(name)
    created = outcome.done and not existed and not validate_only
    text = []
    if outcome.done and not existed:
        text = [f"Topic {name} could be created." if validate_only else f"Created topic {name}."]
    Answer(
        facts={"topics": [{"name": name, "created": created, **error_facts(outcome)}]},
        text=text,
        names=[name] if outcome.done else [],
    ).print_as(output)
    fail_for_outcomes([outcome], lambda topic: f"topic {topic!r}")
