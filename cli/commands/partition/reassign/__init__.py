"""`zbroker-admin partition reassign`: partitions moved to other brokers, as a plan says.

    generate    a plan that spreads topics over some brokers
    execute     begin; what there was before is printed, for the way back
    verify      how far it is; when nothing is under way any more, throttles are taken away
    cancel      end what is under way, and go back
    list        what is under way

Flags, text and JSON are those of kafka-reassign-partitions.sh (`plan`): what one wrote the other
reads. A plan may name log directories, too: then replicas are moved there on their brokers.
"""

from cli.commands.lazy import noun

command = noun(
    "reassign",
    __name__,
    ("generate", "execute", "verify", "cancel", "list"),
    "Move partitions to other brokers.",
)
