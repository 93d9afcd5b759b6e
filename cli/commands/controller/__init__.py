"""`zbroker-admin controller`: which broker is the controller.

    show    as ZooKeeper knows it, and not as a broker was told it last

What the controller does is in the brokers' traces (`trace events --kind controller`).
"""

from cli.commands.lazy import noun

controller = noun("controller", __name__, ("show",), "See which broker is the controller.")
