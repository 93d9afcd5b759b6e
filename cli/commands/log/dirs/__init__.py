"""`zbroker-admin log dirs`: log directories, asked of each broker (cli.client.log_dirs).

kafka-log-dirs.sh prints JSON of its own; here it is a table, and `-o json` as everywhere. To move a
replica Kafka has no command, but takes a plan for kafka-reassign-partitions.sh.
"""

from cli.commands.lazy import noun

command = noun(
    "dirs", __name__, ("describe", "move"), "Look at log directories, and move replicas."
)
