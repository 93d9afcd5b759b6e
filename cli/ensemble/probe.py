"""Looking at an ensemble from outside: is a port free, is ZooKeeper, is the whole cluster ready?

Ready means that a client can work: every broker answers Metadata, and each of them knows all the
brokers and a controller. What a broker answers there is what the controller last told it
(UpdateMetadata), so an answer with all of them says that registration, election and the way from
the controller to that broker all work.
"""

import socket
from collections.abc import Mapping

import attrs
import trio

from broker.wire.messages.metadata import MetadataRequest, MetadataResponse
from cli.client.addresses import Address
from cli.client.connection import connect
from cli.client.errors import ClientError
from cli.ensemble.layout import Ensemble, SetupError
from cli.java.zookeeper import is_serving

ANSWER_TIMEOUT_S = 2.0


@attrs.frozen
class BrokerView:
    """What one broker says about its cluster."""

    broker_ids: frozenset[int]
    controller_id: int | None


def refuse_used_ports(ensemble: Ensemble) -> None:
    """Raise SetupError, naming the option, if somebody listens where we are about to."""
    ports = {ensemble.zookeeper_port: "--zookeeper-port"}
    ports |= dict.fromkeys(ensemble.broker_ports.values(), "--port")
    for port, option in ports.items():
        with socket.socket() as probe:
            # As the servers do it: connections of the last run in TIME_WAIT are no obstacle.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                raise SetupError(
                    f"port {port}: {error.strerror}; stop what listens there, or use another "
                    f"{option} (with another --dir)"
                ) from None


async def zookeeper_serves(port: int) -> bool:
    """Whether the ZooKeeper at `port` takes sessions."""
    return await trio.to_thread.run_sync(is_serving, port)


async def view_of(port: int) -> BrokerView | None:
    """What the broker at `port` says, or None if it does not answer."""
    with trio.move_on_after(ANSWER_TIMEOUT_S):
        try:
            async with await connect(Address("127.0.0.1", port)) as connection:
                answer = await connection.call(
                    MetadataRequest(topics=[], allow_auto_topic_creation=False),
                    MetadataResponse,
                    needs=4,
                )
        except ClientError:
            return None
        return BrokerView(
            frozenset(broker.node_id for broker in answer.brokers),
            None if answer.controller_id == -1 else answer.controller_id,
        )
    return None


async def views_of(ensemble: Ensemble) -> dict[int, BrokerView | None]:
    """`view_of` every broker, by id, asked at once."""
    views: dict[int, BrokerView | None] = {}

    async def look(broker_id: int, port: int) -> None:
        views[broker_id] = await view_of(port)

    async with trio.open_nursery() as nursery:
        for broker_id, port in ensemble.broker_ports.items():
            nursery.start_soon(look, broker_id, port)
    return dict(sorted(views.items()))


def controller_of(views: Mapping[int, BrokerView | None]) -> int | None:
    """The controller that all brokers agree on, if every one of them sees the whole cluster."""
    everyone = frozenset(views)
    controllers = set()
    for view in views.values():
        if view is None or not everyone <= view.broker_ids:
            return None
        controllers.add(view.controller_id)
    return controllers.pop() if len(controllers) == 1 else None
