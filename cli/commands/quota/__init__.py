"""`zbroker-admin quota`: what users, clients and addresses may use.

Quotas are among what `zbroker-admin config` shows and changes, as in kafka-configs.sh; here they
are by themselves, and all of them at once.
"""

from cli.commands.lazy import noun

quota = noun(
    "quota",
    __name__,
    ("describe", "alter"),
    "Show and change what users, clients and addresses may use.",
)
