"""`zbroker-admin config`: the settings of topics and brokers, quotas of users, clients, addresses.

    topics, brokers, loggers       names with values and where they come from  (cli.client.configs)
    users, clients, addresses      quotas, which are numbers             (cli.client.client_quotas)

Both are "entities" of Kafka's kafka-configs.sh, whose flags and text these are (`entity`).
"""

from cli.commands.lazy import noun

config = noun(
    "config",
    __name__,
    ("describe", "alter"),
    "Show and change settings of topics and brokers, and quotas.",
)
