"""Asking a transaction's coordinator whether a partition is in it, before records are appended.

A batch that comes late, after its transaction was aborted, would open one that nobody ever ends. So
the first batch of a producer's transaction is appended only when the coordinator says that the
partition was added to it (KIP-890, part 1): AddPartitionsToTxn, version 4 and later, with
`verify_only`.

The coordinator is the leader of the transactional id's partition, this broker or another; both are
asked over a connection. There is one for each coordinator, and one request on it at a time: whoever
has his turn asks for all who wait by then.

    verify ─▶ waiting ─┐
    verify ─▶ waiting ─┼─ the turn ─▶ one request ─▶ everybody's answer
    verify ─▶ waiting ─┘

Who does not answer is left as soon as the metadata say that it leads none of the ids' partitions,
and everybody is told so: the requests come again, and go to who leads then.

Those who wait are Produce and TxnOffsetCommit requests in the hands of their connections, which
bound how many there are.

Source: Kafka's AddPartitionsToTxnManager. There a second question of the same transaction makes the
first one fail with NETWORK_EXCEPTION; here it goes into the next request.
"""

from collections.abc import Collection
from typing import Final

import attrs
import trio

from broker.control.metadata_cache import MetadataCache
from broker.coordinators.log import CoordinatorLog, partition_for
from broker.network.broker_link import Link, Links, ask_while
from broker.network.peers import PeerUnavailable
from broker.transactions.transactions_log import TRANSACTIONS_TOPIC
from broker.wire.apis import ApiKey
from broker.wire.errors import ErrorCode
from broker.wire.messages.add_partitions_to_txn import (
    AddPartitionsToTxnRequest,
    AddPartitionsToTxnResponse,
    AddPartitionsToTxnTopic,
    AddPartitionsToTxnTransaction,
)
from coordination.values import TopicPartition

ADD_PARTITIONS_TO_TXN_VERSION: Final = 5

# Who leads a partition knows that it is there. A coordinator may not have been told of it yet, and
# then looks into the transaction for none of those that were asked after together. A producer
# would take the first for news of the partition, and would abort at the second (in Kafka it does).
_NOT_LOOKED_AT: Final = (
    ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    ErrorCode.OPERATION_NOT_ATTEMPTED,
)

Errors = dict[TopicPartition, ErrorCode]


@attrs.define(eq=False)
class Question:
    """One transaction's partitions; `answer` is None until it is there."""

    transaction: AddPartitionsToTxnTransaction
    partitions: Collection[TopicPartition]
    answer: Errors | None = None

    def fail(self, error: ErrorCode) -> None:
        self.answer = dict.fromkeys(self.partitions, error)


@attrs.define(eq=False)
class Coordinator:
    """A broker that is asked, and what it is to be asked."""

    link: Link
    waiting: list[Question] = attrs.field(factory=list)
    turn: trio.Lock = attrs.field(factory=trio.Lock)

    def take(self) -> list[Question]:
        """All that wait, but one of each transactional id: a request names it once."""
        taken = {each.transaction.transactional_id: each for each in reversed(self.waiting)}
        self.waiting = [
            each for each in self.waiting if taken[each.transaction.transactional_id] is not each
        ]
        return list(taken.values())


@attrs.define(eq=False)
class Verifier:
    """Asks for all partitions that this broker leads. `timeout_s`: of one request."""

    log: CoordinatorLog
    metadata: MetadataCache
    links: Links
    timeout_s: float
    _coordinators: dict[int, Coordinator] = attrs.field(factory=dict, init=False)

    async def verify(
        self,
        transactional_id: str,
        producer_id: int,
        producer_epoch: int,
        partitions: Collection[TopicPartition],
    ) -> Errors:
        """An error for each partition; NONE: it is in the producer's open transaction.

        TRANSACTION_ABORTABLE: it is not. INVALID_PRODUCER_EPOCH, INVALID_PRODUCER_ID_MAPPING: nor
        is the producer. Others, such as CONCURRENT_TRANSACTIONS, NOT_COORDINATOR,
        COORDINATOR_NOT_AVAILABLE, NETWORK_EXCEPTION: nobody can say now.
        """
        coordinator = self._coordinator(transactional_id)
        if coordinator is None:
            return dict.fromkeys(partitions, ErrorCode.COORDINATOR_NOT_AVAILABLE)
        question = Question(
            _transaction(transactional_id, producer_id, producer_epoch, partitions), partitions
        )
        coordinator.waiting.append(question)
        try:
            async with coordinator.turn:
                while question.answer is None:
                    await self._ask(coordinator)
        finally:
            if question in coordinator.waiting:
                coordinator.waiting.remove(question)
        return question.answer

    def close(self) -> None:
        for coordinator in self._coordinators.values():
            coordinator.link.close()

    def _coordinator(self, transactional_id: str) -> Coordinator | None:
        cluster = self.metadata.current
        index = partition_for(transactional_id, self.log.partition_count)
        state = cluster.partition(TopicPartition(TRANSACTIONS_TOPIC, index))
        if state is None or state.leader_and_isr.leader not in cluster.brokers:
            return None
        broker_id = state.leader_and_isr.leader
        if broker_id not in self._coordinators:
            self._coordinators[broker_id] = Coordinator(self.links(broker_id))
        return self._coordinators[broker_id]

    async def _ask(self, coordinator: Coordinator) -> None:
        asked = coordinator.take()
        ids = [each.transaction.transactional_id for each in asked]
        request = AddPartitionsToTxnRequest(transactions=[each.transaction for each in asked])
        try:
            answer = await ask_while(
                lambda: any(self._coordinator(each) is coordinator for each in ids),
                self.metadata.changed,
                coordinator.link,
                ApiKey.ADD_PARTITIONS_TO_TXN,
                ADD_PARTITIONS_TO_TXN_VERSION,
                request,
                AddPartitionsToTxnResponse,
                self.timeout_s,
            )
            _take_in(answer, asked)
        except PeerUnavailable:
            pass
        finally:
            for question in asked:
                if question.answer is None:
                    question.fail(ErrorCode.NETWORK_EXCEPTION)


def _transaction(
    transactional_id: str,
    producer_id: int,
    producer_epoch: int,
    partitions: Collection[TopicPartition],
) -> AddPartitionsToTxnTransaction:
    topics: dict[str, AddPartitionsToTxnTopic] = {}
    for partition in partitions:
        topic = topics.setdefault(partition.topic, AddPartitionsToTxnTopic(name=partition.topic))
        topic.partitions.append(partition.partition)
    return AddPartitionsToTxnTransaction(
        transactional_id=transactional_id,
        producer_id=producer_id,
        producer_epoch=producer_epoch,
        verify_only=True,
        topics=list(topics.values()),
    )


def _take_in(answer: AddPartitionsToTxnResponse, asked: Collection[Question]) -> None:
    if answer.error_code != ErrorCode.NONE:
        error = ErrorCode.of(answer.error_code)
        if error is ErrorCode.CLUSTER_AUTHORIZATION_FAILED:
            # That is between the brokers; the client can do nothing about it.
            error = ErrorCode.INVALID_TXN_STATE
        for question in asked:
            question.fail(error)
        return
    by_id = {question.transaction.transactional_id: question for question in asked}
    for result in answer.results_by_transaction:
        errors = {
            TopicPartition(topic.name, partition.partition_index): ErrorCode.of(
                partition.partition_error_code
            )
            for topic in result.topic_results
            for partition in topic.results_by_partition
        }
        answered = by_id.get(result.transactional_id)
        if answered is not None:
            answered.answer = {
                partition: _for_producers(errors.get(partition, ErrorCode.NETWORK_EXCEPTION))
                for partition in answered.partitions
            }


def _for_producers(error: ErrorCode) -> ErrorCode:
    if error is ErrorCode.PRODUCER_FENCED:
        # Producers know the other one; this is for those who speak with the coordinator.
        return ErrorCode.INVALID_PRODUCER_EPOCH
    if error in _NOT_LOOKED_AT:
        return ErrorCode.COORDINATOR_NOT_AVAILABLE
    return error
