"""A link to a broker goes where the metadata say that it listens now."""

import pytest

from broker.control.metadata_cache import MetadataCache
from broker.network.broker_link import BrokerLink
from broker.network.peers import PeerUnavailable
from broker.network.transport import Transport
from broker.wire.apis import ApiKey
from broker.wire.messages.metadata import MetadataRequest, MetadataResponse
from coordination.values import BrokerRegistration, Endpoint
from tests.broker.transactions.support import LISTENER


async def test_it_follows_a_broker_that_moved() -> None:
    metadata = MetadataCache()
    connected: list[tuple[str, int]] = []

    async def connect(host: str, port: int) -> Transport:
        connected.append((host, port))
        raise OSError("nobody listens")

    link = BrokerLink(2, "1", LISTENER, metadata, connect)

    async def ask() -> None:
        request = MetadataRequest(topics=[])
        with pytest.raises(PeerUnavailable):
            await link.request(ApiKey.METADATA, 12, request, MetadataResponse, 1)

    def at(*endpoints: Endpoint) -> None:
        metadata.update(1, [BrokerRegistration(2, endpoints)], {}, {})

    await ask()
    at(Endpoint("OTHER", "PLAINTEXT", "a", 1))
    await ask()
    assert connected == [], "it is not there, or not for us"
    at(Endpoint(LISTENER, "PLAINTEXT", "a", 1))
    await ask()
    at(Endpoint(LISTENER, "PLAINTEXT", "b", 2))
    await ask()
    assert connected == [("a", 1), ("b", 2)]
    link.close()
