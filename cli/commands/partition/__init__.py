"""`zbroker-admin partition`: single partitions, and who leads and holds them.

    elect       a leader, preferred or unclean         (cli.client.elections)
    replicas    how far each replica is, side by side  (cli.client.replicas)
    epochs      which leader's records each has        (cli.client.leader_epochs)
    reassign    moved to other brokers, as a plan says (cli.client.reassignments)

`elect` has the flags of kafka-leader-election.sh, `reassign` those of
kafka-reassign-partitions.sh; for `replicas` and `epochs` Kafka has no tool.
"""

from cli.commands.lazy import noun

partition = noun(
    "partition",
    __name__,
    ("replicas", "epochs", "elect", "reassign"),
    "Look at replicas, elect leaders, move partitions to other brokers.",
)
