"""`zbroker-admin cluster id`."""

import click

from cli.client.ensemble_facts import describe_cluster
from cli.commands.options import Target, cluster_options, output_option
from cli.commands.output import Answer


@click.command("id")
@output_option()
@cluster_options
def command(target: Target, output: str) -> None:
    """Print the cluster's id, as kafka-cluster.sh cluster-id.

    \b
    Example: zbroker-admin cluster id
    """
    cluster_id = target.ask(describe_cluster).cluster_id
    Answer(
        facts={"cluster_id": cluster_id}, text=[f"Cluster ID: {cluster_id}"], names=[cluster_id]
    ).print_as(output)
