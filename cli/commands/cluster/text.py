"""A cluster's brokers as a table, and as JSON."""

from cli.client.ensemble_facts import ClusterFacts
from cli.commands.output import Table

COLUMNS = ("BROKER", "HOST", "PORT", "RACK", "CONTROLLER")


def brokers_table(cluster: ClusterFacts) -> Table:
    return Table(
        COLUMNS,
        [
            (
                each.broker_id,
                each.address.host,
                each.address.port,
                each.rack,
                "yes" if each.broker_id == cluster.controller_id else "no",
            )
            for each in cluster.brokers
        ],
    )


def broker_facts(cluster: ClusterFacts) -> list[dict[str, object]]:
    return [
        {
            "id": each.broker_id,
            "host": each.address.host,
            "port": each.address.port,
            "rack": each.rack,
            "controller": each.broker_id == cluster.controller_id,
        }
        for each in cluster.brokers
    ]
