"""The partitions that OffsetCommit, TxnOffsetCommit and OffsetDelete name, and what each is told.

All three refuse by themselves what may not be named or does not exist, and hand the rest to the
group's coordinator. A topic that is refused whole is answered even if none of its partitions are
named, and a partition as often as it is named; of what the coordinator does each partition is told
once. Topics that are named twice are answered as one.

Kafka: KafkaApis.handleOffsetCommitRequest and its like, the builders of their responses.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

from broker.api.context import RequestContext
from broker.api.group_services import GroupServices
from broker.api.permissions import Resource
from broker.wire.errors import ErrorCode
from coordination.values import TopicPartition


class NamedPartition(Protocol):
    @property
    def partition_index(self) -> int: ...


P = TypeVar("P", bound=NamedPartition)
P_co = TypeVar("P_co", bound=NamedPartition, covariant=True)


class NamedTopic(Protocol[P_co]):
    @property
    def name(self) -> str: ...
    @property
    def partitions(self) -> Sequence[P_co]: ...


# Partitions and their errors, by topic.
Errors = dict[str, list[tuple[int, ErrorCode]]]


def sort_out(
    broker: GroupServices, context: RequestContext, topics: Iterable[NamedTopic[P]]
) -> tuple[Errors, list[tuple[TopicPartition, P]]]:
    """What is refused, and what is not: each partition as often as it is named."""
    cluster = broker.metadata.current
    refused: Errors = {}
    existing = []
    for topic in topics:
        error = _refusal(broker, context, topic.name)
        if error is not None:
            refused.setdefault(topic.name, []).extend(_all(topic, error))
            continue
        for named in topic.partitions:
            partition = TopicPartition(topic.name, named.partition_index)
            if cluster.partition(partition) is None:
                add(refused, [(partition, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)])
            else:
                existing.append((partition, named))
    return refused, existing


def add(errors: Errors, results: Iterable[tuple[TopicPartition, ErrorCode]]) -> None:
    for partition, error in results:
        errors.setdefault(partition.topic, []).append((partition.partition, error))


def all_refused(
    topics: Iterable[NamedTopic[NamedPartition]], error: ErrorCode
) -> Iterator[tuple[str, list[tuple[int, ErrorCode]]]]:
    """The request's topics as they are: who may not ask at all learns nothing of them."""
    for topic in topics:
        yield topic.name, _all(topic, error)


def _all(topic: NamedTopic[NamedPartition], error: ErrorCode) -> list[tuple[int, ErrorCode]]:
    return [(named.partition_index, error) for named in topic.partitions]


def _refusal(broker: GroupServices, context: RequestContext, topic: str) -> ErrorCode | None:
    if not context.may(Resource.TOPIC, topic):
        return ErrorCode.TOPIC_AUTHORIZATION_FAILED
    if topic not in broker.metadata.current.topics:
        return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    return None
