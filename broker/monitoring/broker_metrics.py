"""What is told of the broker itself: how far it is with its life, its connections, its session.

The connections have no `name` among the keys of their MBean, and their numbers are its attributes;
the exporter makes `<domain>_<type>_<attribute>` of that. Kafka has them for each of its network
threads, which we have none of: here they're a listener's. `connection_count` is given no type, for
a name that ends so is a histogram's, by the conventions; the exporter gives it none either.

Source: kafka.server.KafkaServer, kafka.network.SocketServer with
org.apache.kafka.common.network.Selector, kafka.zookeeper.ZooKeeperClient (SessionExpireListener).
"""

from collections.abc import Iterator, Mapping
from typing import Final

from broker.broker_state import BrokerState
from broker.events import EventLog
from broker.monitoring.mbeans import gauge, meter
from broker.monitoring.text_format import Family, MetricType, Sample
from broker.network.connections import Connections

# Kafka's name, the kinds of events of which it is the number, and what it means.
_SESSION: Final = (
    (
        "ZooKeeperDisconnectsPerSec",
        ("session.suspended",),
        "Connections to ZooKeeper that broke; the session may have lived on.",
    ),
    (
        "ZooKeeperSyncConnectsPerSec",
        ("session.connected", "session.reconnected"),
        "Connections to ZooKeeper that were made.",
    ),
    ("ZooKeeperExpiresPerSec", ("session.lost",), "Sessions with ZooKeeper that were lost."),
)


def state_families(state: BrokerState) -> Iterator[Family]:
    yield gauge(
        "kafka.server:type=KafkaServer,name=BrokerState",
        "1 starting, 2 loading its logs, 3 running, 6 moving its leaderships away, 7 stopping.",
        state,
    )


def session_families(events: EventLog) -> Iterator[Family]:
    for name, kinds, meaning in _SESSION:
        yield meter(
            f"kafka.server:type=SessionExpireListener,name={name}",
            meaning,
            sum(events.counts[kind] for kind in kinds),
        )


def connection_families(connections: Connections) -> Iterator[Family]:
    of_listeners = "kafka_server_socket_server_metrics"
    count, created = connections.count_by_listener(), connections.created
    yield Family(
        f"{of_listeners}_connection_count",
        MetricType.UNTYPED,
        "Connections that are open.",
        _of_listeners({listener: count[listener] for listener in created}),
    )
    yield Family(
        f"{of_listeners}_connection_creation_total",
        MetricType.COUNTER,
        "Connections that were opened.",
        _of_listeners(created),
    )
    yield Family(
        f"{of_listeners}_connection_close_total",
        MetricType.COUNTER,
        "Connections that were closed.",
        _of_listeners({listener: of - count[listener] for listener, of in created.items()}),
    )


def _of_listeners(counts: Mapping[str, int]) -> list[Sample]:
    return [Sample(count, {"listener": listener}) for listener, count in counts.items()]
