"""`zbroker-admin broker`: single brokers.

    describe    where it listens, what it leads and holds   (cli.client.broker_facts)
    sessions    by which ZooKeeper session each one is alive

What it leads and holds is in the cluster's metadata; its disks it knows itself.
"""

from cli.commands.lazy import noun

broker = noun("broker", __name__, ("describe", "sessions"), "Look at brokers.")
