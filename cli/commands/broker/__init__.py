"""`zbroker-admin broker`: single brokers.

    describe    where it listens, what it leads and holds   (cli.client.broker_facts)
    drain       has others lead what it leads                (cli.client.draining)
    sessions    by which ZooKeeper session each one is alive

What it leads and holds is in the cluster's metadata; its disks it knows itself.
"""

from cli.commands.lazy import noun

broker = noun(
    "broker", __name__, ("describe", "drain", "sessions"), "Look at brokers, and relieve one."
)
