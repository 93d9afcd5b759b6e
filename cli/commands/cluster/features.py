"""`zbroker-admin cluster features`: what brokers can do together (KIP-584).

A feature has a range of versions that a broker supports, and, once somebody finalized one, the
version that is in force in the whole cluster. In ZooKeeper mode Kafka 3.9 finalizes none by itself.
"""

import click

from cli.client import Cluster
from cli.client.connection import Features
from cli.client.ensemble_facts import broker_features, describe_cluster
from cli.commands.options import Target, cluster_options, output_option
from cli.commands.output import Answer


@click.command("features")
@output_option(repeats=True)
@cluster_options
def command(target: Target, output: str) -> None:
    """Print the features that each broker supports, in the text of kafka-features.sh describe.

    \b
    Example: zbroker-admin cluster features
    """

    async def facts(cluster: Cluster) -> dict[int, Features]:
        brokers = (await describe_cluster(cluster)).brokers
        return {each.broker_id: await broker_features(cluster, each.broker_id) for each in brokers}

    found = target.ask(facts)
    # Brokers that agree, as they should, have one line between them.
    lines = dict.fromkeys(
        f"Feature: {name}\tSupportedMinVersion: {supported.lowest}"
        f"\tSupportedMaxVersion: {supported.highest}"
        f"\tFinalizedVersionLevel: {features.finalized.get(name, 0)}\tEpoch: {_epoch(features)}"
        for features in found.values()
        for name, supported in sorted(features.supported.items())
    )
    Answer(
        facts={
            "brokers": [
                {
                    "broker": broker_id,
                    "finalized_epoch": features.epoch,
                    "features": [
                        {
                            "name": name,
                            "supported": {
                                "lowest": supported.lowest,
                                "highest": supported.highest,
                            },
                            "finalized": features.finalized.get(name),
                        }
                        for name, supported in sorted(features.supported.items())
                    ],
                }
                for broker_id, features in found.items()
            ]
        },
        text=list(lines),
        names=sorted({name for features in found.values() for name in features.supported}),
    ).print_as(output)


def _epoch(features: Features) -> str:
    return "-" if features.epoch is None else str(features.epoch)
