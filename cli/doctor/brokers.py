"""All brokers asked at once, each by a connection of its own, and what each says of the cluster.

The client (`cli.client`) takes any broker's word; here each one's own is wanted. So there is a
`Cluster` for each, which has no other broker to ask. One that fails once isn't asked again in this
look: a broker that hangs would cost us our patience with each question.
"""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import TypeVar

import attrs
import trio

from broker.wire.messages.metadata import MetadataRequest, MetadataResponse
from cli.client import Address, ClientError, Cluster
from cli.doctor.facts import Cache, CachedPartition
from coordination.values import TopicPartition

T = TypeVar("T")

PATIENCE_SECONDS = 5.0
A_PARTITION_SECONDS = 0.02
TOPIC_IDS_SINCE = 10  # version of Metadata


@attrs.define(eq=False)
class Brokers:
    """Each broker by id. `silent`: why one of them doesn't answer, or didn't any longer."""

    clusters: Mapping[int, Cluster]
    silent: dict[int, str] = attrs.field(factory=dict)

    async def ask(
        self, question: Callable[[int, Cluster], Awaitable[T]], *, partitions: int = 0
    ) -> dict[int, T]:
        """The answers of those who answer, by id, and not in the order in which they came.

        partitions: how many a broker may have to look into.
        """
        answers: dict[int, T] = {}
        patience_seconds = PATIENCE_SECONDS + partitions * A_PARTITION_SECONDS

        async def one(broker_id: int, cluster: Cluster) -> None:
            with trio.move_on_after(patience_seconds) as patience:
                try:
                    answers[broker_id] = await question(broker_id, cluster)
                except ClientError as error:
                    self.silent[broker_id] = str(error)
            if patience.cancelled_caught:
                self.silent[broker_id] = f"no answer within {patience_seconds:g} s"

        async with trio.open_nursery() as nursery:
            for broker_id, cluster in self.clusters.items():
                if broker_id not in self.silent:
                    nursery.start_soon(one, broker_id, cluster)
        return dict(sorted(answers.items()))


@contextlib.asynccontextmanager
async def open_brokers(
    registered: Mapping[int, int], addresses: Mapping[int, Address]
) -> AsyncIterator[Brokers]:
    """The brokers that are registered, at the addresses that one of them gives to clients."""
    brokers = Brokers(
        {each: Cluster([addresses[each]]) for each in registered if each in addresses},
        {each: "no other broker says where it is" for each in registered if each not in addresses},
    )
    try:
        yield brokers
    finally:
        with trio.CancelScope(shield=True, deadline=trio.current_time() + 1):
            for cluster in brokers.clusters.values():
                await cluster.aclose()


async def read_cache(_broker_id: int, cluster: Cluster) -> Cache:
    """What a broker was told of the cluster."""
    broker = await cluster.any_broker()
    answer = await broker.call(
        MetadataRequest(topics=None, allow_auto_topic_creation=False),
        MetadataResponse,
        needs=TOPIC_IDS_SINCE,
    )
    return Cache(
        answer.cluster_id,
        answer.controller_id,
        frozenset(each.node_id for each in answer.brokers),
        {topic.name or "": topic.topic_id for topic in answer.topics},
        {
            TopicPartition(topic.name or "", each.partition_index): CachedPartition(
                each.leader_id,
                each.leader_epoch,
                tuple(each.replica_nodes),
                tuple(each.isr_nodes),
            )
            for topic in answer.topics
            for each in topic.partitions
        },
    )
