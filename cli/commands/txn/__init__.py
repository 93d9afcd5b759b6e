"""`zbroker-admin txn`: transactions, at their coordinators and in the logs.

    list, describe           what coordinators know               (cli.client.transactions)
    producers                what a partition's log knows         (cli.client.producers)
    find-hanging, abort      those that nobody ends any more      (cli.client.hanging)
    force-terminate          a transactional id fenced            (cli.client.fencing)

Columns and words are those of Kafka's kafka-transactions.sh, which has no `force-terminate` in 3.9.
"""

from cli.commands.lazy import noun

txn = noun(
    "txn",
    __name__,
    ("list", "describe", "producers", "find-hanging", "abort", "force-terminate"),
    "See transactions, and end those that hang.",
)
