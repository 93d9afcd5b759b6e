"""`zbroker-admin group`: consumer groups, who is in them and how far they have read.

    list, describe        questions                        (cli.client.groups)

Columns and words are those of Kafka's kafka-consumer-groups.sh.
"""

from cli.commands.lazy import noun

group = noun("group", __name__, ("list", "describe"), "List and describe consumer groups.")
