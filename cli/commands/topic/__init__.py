"""`zbroker-admin topic`: what there is, and creating, growing and deleting it.

    list, describe     what the brokers know            (cli.client.topics)
    create, alter, delete   asked of the controller     (cli.client.topic_changes)
    offsets            how far each partition reaches   (cli.client.offsets)

Flags and the text of `describe` are those of Kafka's kafka-topics.sh, those of `offsets` of
kafka-get-offsets.sh, so that a script or a course made for them reads this. Names may be given as
arguments (exactly these topics) or, as there, with `--topic REGEX` (`choosing`).
"""

from cli.commands.lazy import noun

topic = noun(
    "topic",
    __name__,
    ("list", "describe", "create", "alter", "delete", "offsets"),
    "List, describe, create, alter and delete topics.",
)
