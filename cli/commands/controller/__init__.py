"""`zbroker-admin controller`: which broker is the controller, which was, and which shall be.

    show       as ZooKeeper knows it, and not as a broker was told it last
    history    as the brokers' traces tell: who in which epoch, and how it ended
    move       to whoever wins the next election

What the controller does is in the brokers' traces (`trace events --kind controller`).
"""

from cli.commands.lazy import noun

controller = noun(
    "controller",
    __name__,
    ("show", "history", "move"),
    "See which broker is the controller, and have another one elected.",
)
