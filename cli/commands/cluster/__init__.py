"""`zbroker-admin cluster`: the cluster as a whole.

    describe, id, brokers   who belongs to it, who controls it  (cli.client.ensemble_facts)
    features                what brokers can do together
    api-versions            what they speak, and how that differs from a Kafka's

Who belongs to it is as a broker was told by the controller last; `controller show` asks ZooKeeper.
"""

from cli.commands.lazy import noun

cluster = noun(
    "cluster",
    __name__,
    ("describe", "id", "brokers", "features", "api-versions"),
    "See who belongs to the cluster, and what its brokers speak.",
)
