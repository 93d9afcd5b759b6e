"""`zbroker-admin broker describe`."""

import click

from cli.client import Cluster
from cli.client.broker_facts import BrokerDescription, describe_broker
from cli.commands.completing import complete_brokers
from cli.commands.options import Target, cluster_options, output_option
from cli.commands.output import Answer


@click.command("describe")
@click.argument(
    "broker_id", type=click.IntRange(min=0), metavar="ID", shell_complete=complete_brokers
)
@output_option(repeats=True)
@cluster_options
def command(target: Target, broker_id: int, output: str) -> None:
    """Print where a broker listens, what it leads and holds, and its disks.

    \b
    Example: zbroker-admin broker describe 1
    """

    async def facts(cluster: Cluster) -> BrokerDescription:
        return await describe_broker(cluster, broker_id)

    found = target.ask(facts)
    text = [
        f"Broker: {found.broker_id}" + (" (controller)" if found.is_controller else ""),
        f"Address: {found.address}",
        f"Rack: {found.rack or 'none'}",
        f"Leads: {found.leads} partitions",
        f"Holds: {found.replicas} replicas, {found.out_of_sync} of them not in sync",
    ]
    for each in found.log_dirs:
        size = sum(lies.size_bytes for lies in each.replicas.values())
        state = each.error.name if each.error else f"{len(each.replicas)} replicas, {size} bytes"
        text.append(f"Log directory: {each.path}: {state}")
    Answer(
        facts={
            "broker": found.broker_id,
            "host": found.address.host,
            "port": found.address.port,
            "rack": found.rack,
            "controller": found.is_controller,
            "leader_count": found.leads,
            "replica_count": found.replicas,
            "out_of_sync_replica_count": found.out_of_sync,
            "log_dirs": [
                {
                    "log_dir": each.path,
                    "error": each.error.name if each.error else None,
                    "replica_count": len(each.replicas),
                    "size_bytes": sum(lies.size_bytes for lies in each.replicas.values()),
                    "total_bytes": each.total_bytes,
                    "usable_bytes": each.usable_bytes,
                }
                for each in found.log_dirs
            ],
        },
        text=text,
        names=[found.broker_id],
    ).print_as(output)
