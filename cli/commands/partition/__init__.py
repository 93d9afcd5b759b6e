"""`zbroker-admin partition`: single partitions, and who leads and holds them.

    elect       a leader, preferred or unclean         (cli.client.elections)
    replicas    how far each replica is, side by side  (cli.client.replicas)

`elect` has the flags of kafka-leader-election.sh; for `replicas` Kafka has no tool.
"""

from cli.commands.lazy import noun

partition = noun(
    "partition", __name__, ("elect", "replicas"), "Look at replicas, and elect leaders."
)
