"""`zbroker-admin broker`: one broker.

    describe    where it listens, what it leads and holds   (cli.client.broker_facts)

What it leads and holds is in the cluster's metadata; its disks it knows itself.
"""

from cli.commands.lazy import noun

broker = noun("broker", __name__, ("describe",), "Look at one broker.")
