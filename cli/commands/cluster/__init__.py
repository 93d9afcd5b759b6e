"""`zbroker-admin cluster`: the cluster as a whole.

describe, id, brokers   who belongs to it, who controls it  (cli.client.ensemble_facts)
api-versions            what its brokers speak, and how that differs from a Kafka's
"""

from cli.commands.lazy import noun

cluster = noun(
    "cluster",
    __name__,
    ("describe", "id", "brokers", "features", "api-versions"),
    "See who belongs to the cluster, and what its brokers speak.",
)
