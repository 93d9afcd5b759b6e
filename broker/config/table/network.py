"""The broker's identity, its listeners, sockets and quotas, and the way to ZooKeeper."""

from typing import Final

from broker.config.allowed import at_least, one_of
from broker.config.values import BOOLEAN, INT, LONG, STRING, Property

NETWORK: Final = (
    Property("advertised.listeners", STRING, None, dynamic=True),
    Property("broker.id", INT, "-1"),
    Property("broker.id.generation.enable", BOOLEAN, "true"),
    Property("broker.rack", STRING, None),
    Property("connections.max.idle.ms", LONG, "600000"),
    Property("control.plane.listener.name", STRING, None),
    Property("controller.quota.window.num", INT, "11", at_least(1)),
    Property("controller.quota.window.size.seconds", INT, "1", at_least(1)),
    Property("inter.broker.listener.name", STRING, None),
    Property(
        "listener.security.protocol.map",
        STRING,
        "SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT",
        dynamic=True,
    ),
    Property("listeners", STRING, "PLAINTEXT://:9092", dynamic=True),
    Property("max.connection.creation.rate", INT, "2147483647", at_least(0), dynamic=True),
    Property("max.connections", INT, "2147483647", at_least(0), dynamic=True),
    Property("max.connections.per.ip", INT, "2147483647", at_least(0), dynamic=True),
    Property("max.connections.per.ip.overrides", STRING, "", dynamic=True),
    Property("max.request.partition.size.limit", INT, "2000", at_least(1)),
    Property("num.io.threads", INT, "8", at_least(1), dynamic=True),
    Property("num.network.threads", INT, "3", at_least(1), dynamic=True),
    Property("queued.max.request.bytes", LONG, "-1"),
    Property("queued.max.requests", INT, "500", at_least(1)),
    Property("quota.window.num", INT, "11", at_least(1)),
    Property("quota.window.size.seconds", INT, "1", at_least(1)),
    Property("request.timeout.ms", INT, "30000"),
    Property("reserved.broker.max.id", INT, "1000", at_least(0)),
    Property(
        "security.inter.broker.protocol",
        STRING,
        "PLAINTEXT",
        one_of("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"),
    ),
    Property("socket.connection.setup.timeout.max.ms", LONG, "30000"),
    Property("socket.connection.setup.timeout.ms", LONG, "10000"),
    Property("socket.listen.backlog.size", INT, "50", at_least(1)),
    Property("socket.receive.buffer.bytes", INT, "102400"),
    Property("socket.request.max.bytes", INT, "104857600", at_least(1)),
    Property("socket.send.buffer.bytes", INT, "102400"),
    Property("zookeeper.clientCnxnSocket", STRING, None),
    Property("zookeeper.connect", STRING, None),
    Property("zookeeper.connection.timeout.ms", INT, None),
    Property("zookeeper.max.in.flight.requests", INT, "10", at_least(1)),
    Property("zookeeper.session.timeout.ms", INT, "18000"),
    Property("zookeeper.set.acl", BOOLEAN, "false"),
)
