"""`zbroker-admin cluster describe`: what one wants to know first."""

import click

from cli.client import Cluster
from cli.client.ensemble_facts import (
    ClusterFacts,
    PartitionCounts,
    count_partitions,
    describe_cluster,
)
from cli.commands.cluster.text import broker_facts, brokers_table
from cli.commands.options import Target, cluster_options, output_option
from cli.commands.output import Answer


@click.command("describe")
@output_option(repeats=True)
@cluster_options
def command(target: Target, output: str) -> None:
    """Print the cluster's brokers and controller, and how many partitions are in trouble.

    \b
    Example: zbroker-admin cluster describe -o json
    """

    async def facts(cluster: Cluster) -> tuple[ClusterFacts, PartitionCounts]:
        return await describe_cluster(cluster), await count_partitions(cluster)

    found, counts = target.ask(facts)
    controller = "none" if found.controller_id is None else f"broker {found.controller_id}"
    Answer(
        facts={
            "cluster_id": found.cluster_id,
            "controller": found.controller_id,
            "brokers": broker_facts(found),
            "topic_count": counts.topics,
            "partition_count": counts.partitions,
            "under_replicated_partition_count": counts.under_replicated,
            "leaderless_partition_count": counts.leaderless,
        },
        text=[
            f"Cluster ID: {found.cluster_id}",
            f"Controller: {controller}",
            f"Topics: {counts.topics}, partitions: {counts.partitions}",
            f"Under-replicated partitions: {counts.under_replicated}",
            f"Partitions without a leader: {counts.leaderless}",
            brokers_table(found),
        ],
        names=[found.cluster_id],
    ).print_as(output)
