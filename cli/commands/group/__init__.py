"""`zbroker-admin group`: consumer groups, who is in them, and how far they have read.

    list, describe                 questions                      (cli.client.groups)
    delete, remove-members         done by the coordinator        (cli.client.group_changes)
    delete-offsets, reset-offsets  the same; where to, is planned in cli.client.offset_reset

Columns and words are those of Kafka's kafka-consumer-groups.sh, and so is the plan that
`reset-offsets` exports (`plan_file`). No tool of Kafka has `remove-members`: there one writes a
program for it. `legacy` shows groups of old consumers, which no broker knows.
"""

from cli.commands.lazy import noun

group = noun(
    "group",
    __name__,
    ("list", "describe", "delete", "delete-offsets", "reset-offsets", "remove-members", "legacy"),
    "List, describe and delete consumer groups; set how far they have read.",
)
