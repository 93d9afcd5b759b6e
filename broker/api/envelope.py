"""Envelope: closes the connection. Nobody forwards in ZooKeeper mode: every client finds the
controller by itself.

Kafka: KafkaApis.handleEnvelope, which takes such a request for one that it can't parse.
"""

from typing import NoReturn

from broker.api.context import RequestContext
from broker.broker import Broker
from broker.network.answers import CloseConnection
from broker.wire.messages.envelope import EnvelopeRequest


async def handle(_broker: Broker, _context: RequestContext, _request: EnvelopeRequest) -> NoReturn:
    raise CloseConnection("it sent an Envelope, and forwarding is not enabled")
