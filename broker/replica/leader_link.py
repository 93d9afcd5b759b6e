"""A fetcher's connection to the broker that it copies from, and the questions that it asks there.

The address is the one that the metadata have now: a leader that comes back elsewhere is found.

Kafka: RemoteLeaderEndPoint, BrokerBlockingSender.
"""

import attrs

from broker.config.broker_config import BrokerConfig
from broker.control.metadata_cache import MetadataCache
from broker.network.peers import Connect, Peer, PeerUnavailable
from broker.wire.apis import ApiKey
from broker.wire.errors import ErrorCode
from broker.wire.messages.fetch import FetchRequest, FetchResponse
from broker.wire.messages.list_offsets import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsResponse,
    ListOffsetsTopic,
)
from coordination.values import TopicPartition


@attrs.define(eq=False)
class LeaderLink:
    source: int
    broker_id: int
    config: BrokerConfig
    metadata: MetadataCache
    connect: Connect
    _peer: Peer | None = attrs.field(default=None, init=False)

    async def fetch(self, request: FetchRequest) -> FetchResponse:
        """Raises `PeerUnavailable`, as the others do."""
        timeout_ms = self.config.replica_socket_timeout_ms + self.config.replica_fetch_wait_max_ms
        return await self._connected().request(
            ApiKey.FETCH, 17, request, FetchResponse, timeout_ms / 1000
        )

    async def offset(
        self, topic_partition: TopicPartition, leader_epoch: int, timestamp: int
    ) -> int | None:
        """The leader's first or last offset; None if it is no leader at this epoch."""
        asked = ListOffsetsPartition(
            partition_index=topic_partition.partition,
            current_leader_epoch=leader_epoch,
            timestamp=timestamp,
        )
        response = await self._connected().request(
            ApiKey.LIST_OFFSETS,
            9,
            ListOffsetsRequest(
                replica_id=self.broker_id,
                topics=[ListOffsetsTopic(name=topic_partition.topic, partitions=[asked])],
            ),
            ListOffsetsResponse,
            self.config.replica_socket_timeout_ms / 1000,
        )
        for topic in response.topics:
            for answer in topic.partitions:
                if answer.error_code == ErrorCode.NONE:
                    return answer.offset
        return None

    def _connected(self) -> Peer:
        listener = self.config.inter_broker_listener_name
        endpoint = self.metadata.current.endpoint(self.source, listener)
        if endpoint is None:
            raise PeerUnavailable(f"broker {self.source} is not known to be alive")
        if self._peer is None or (self._peer.host, self._peer.port) != (
            endpoint.host,
            endpoint.port,
        ):
            self.close()
            client_id = f"broker-{self.broker_id}-fetcher-0"
            self._peer = Peer(endpoint.host, endpoint.port, client_id, self.connect)
        return self._peer

    def close(self) -> None:
        if self._peer is not None:
            self._peer.close()
        self._peer = None
