"""A transactional id taken away from whoever uses it, as its next producer would do (KIP-98).

InitProducerId raises the id's epoch: what an older producer sends from then on is refused, and a
transaction that it had open is aborted. While that is going on the coordinator answers
CONCURRENT_TRANSACTIONS, and is asked again.

Source: org.apache.kafka.clients.admin.Admin.fenceProducers (KIP-618).
"""

import attrs

from broker.wire.errors import ErrorCode
from broker.wire.messages.init_producer_id import InitProducerIdRequest, InitProducerIdResponse
from cli.client.cluster import TRANSACTION_COORDINATOR, Cluster
from cli.client.errors import RequestFailed
from cli.client.transactions import TransactionDescription


@attrs.frozen
class Fenced:
    """What the id is now: producers with a lower epoch, or another producer id, are refused."""

    coordinator_id: int
    producer_id: int
    producer_epoch: int


async def fence(cluster: Cluster, described: TransactionDescription) -> Fenced:
    """Fence the id's producers, and return when its transaction has ended.

    It keeps its timeout, which the brokers have once agreed to.
    """
    request = InitProducerIdRequest(
        transactional_id=described.transactional_id, transaction_timeout_ms=described.timeout_ms
    )

    async def ask() -> Fenced:
        coordinator_id, broker = await cluster.coordinator(
            described.transactional_id, TRANSACTION_COORDINATOR
        )
        answer = await broker.call(request, InitProducerIdResponse)
        if answer.error_code:
            raise RequestFailed(
                f"transactional id {described.transactional_id!r}", ErrorCode.of(answer.error_code)
            )
        return Fenced(coordinator_id, answer.producer_id, answer.producer_epoch)

    return await cluster.retrying(ask)  # an epoch that is raised twice fences the same producers
