"""`zbroker-admin cluster brokers`."""

import click

from cli.client.ensemble_facts import describe_cluster
from cli.commands.cluster.text import broker_facts, brokers_table
from cli.commands.options import Target, cluster_options, output_option
from cli.commands.output import Answer


@click.command("brokers")
@output_option(repeats=True)
@cluster_options
def command(target: Target, output: str) -> None:
    """Print the live brokers, where they listen, and which of them is the controller.

    \b
    Example: zbroker-admin cluster brokers
    """
    found = target.ask(describe_cluster)
    Answer(
        facts={"brokers": broker_facts(found)},
        text=[brokers_table(found)],
        names=[each.broker_id for each in found.brokers],
    ).print_as(output)
