"""`zbroker-admin controller`: which broker is the controller, which was, and which shall be.

    show       as ZooKeeper knows it, and not as a broker was told it last
    history    as the brokers' traces tell: who in which epoch, and how it ended
    queue      what it is doing, and what waits for it       asking: over HTTP, the brokers'
    state-machines    how it sees partitions and replicas            http.listener
    move       to whoever wins the next election

What the controller does is in the brokers' traces (`trace events --kind controller`).
"""

from cli.commands.lazy import noun

controller = noun(
    "controller",
    __name__,
    ("show", "history", "queue", "state-machines", "move"),
    "See which broker is the controller and what it does, and have another one elected.",
)
