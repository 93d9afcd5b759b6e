"""TxnOffsetCommit: store how far a group has consumed, if a producer's transaction commits.

What does not exist, or may not be read, is refused here, one by one; the rest goes to the group's
coordinator. Producers before version 2 break on COORDINATOR_LOAD_IN_PROGRESS (KAFKA-7296), and are
told COORDINATOR_NOT_AVAILABLE; those before 4 do not know TRANSACTION_ABORTABLE.
"""

from collections.abc import Iterable
from typing import Final

from broker.api.context import RequestContext
from broker.api.group_services import GroupServices
from broker.api.named_partitions import add, all_refused, sort_out
from broker.api.permissions import Resource
from broker.groups.committed_offsets import CommittedOffset
from broker.groups.offsets import CommitRequest
from broker.groups.offsets_log import TransactionalProducer
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.messages.txn_offset_commit import (
    TxnOffsetCommitRequest,
    TxnOffsetCommitRequestPartition,
    TxnOffsetCommitResponse,
    TxnOffsetCommitResponsePartition,
    TxnOffsetCommitResponseTopic,
)
from coordination.values import TopicPartition

FIRST_VERSION_THAT_KNOWS_LOADING: Final = 2
FIRST_VERSION_THAT_KNOWS_ABORTABLE: Final = 4


async def handle(
    broker: GroupServices, context: RequestContext, request: TxnOffsetCommitRequest
) -> TxnOffsetCommitResponse:
    try:
        context.require(Resource.TRANSACTIONAL_ID, request.transactional_id)
        context.require(Resource.GROUP, request.group_id)
    except KafkaError as error:
        return _response(all_refused(request.topics, error.code), context.api_version)
    errors, commits = sort_out(broker, context, request.topics)
    if commits:
        add(errors, (await _commit(broker, context, request, dict(commits))).items())
    return _response(errors.items(), context.api_version)


async def _commit(
    broker: GroupServices,
    context: RequestContext,
    request: TxnOffsetCommitRequest,
    commits: dict[TopicPartition, TxnOffsetCommitRequestPartition],
) -> dict[TopicPartition, ErrorCode]:
    now_ms = broker.clock_ms()
    return await broker.groups.commit_offsets_in_transaction(
        CommitRequest(
            group_id=request.group_id,
            generation=request.generation_id,
            member_id=request.member_id,
            group_instance_id=request.group_instance_id,
            offsets={
                tp: CommittedOffset(
                    offset=commit.committed_offset,
                    leader_epoch=commit.committed_leader_epoch,
                    metadata=commit.committed_metadata or "",
                    commit_timestamp_ms=now_ms,
                )
                for tp, commit in commits.items()
            },
        ),
        TransactionalProducer(
            transactional_id=request.transactional_id,
            producer_id=request.producer_id,
            producer_epoch=request.producer_epoch,
            knows_abortable=context.api_version >= FIRST_VERSION_THAT_KNOWS_ABORTABLE,
        ),
    )


def _response(
    errors: Iterable[tuple[str, list[tuple[int, ErrorCode]]]], version: int
) -> TxnOffsetCommitResponse:
    return TxnOffsetCommitResponse(
        topics=[
            TxnOffsetCommitResponseTopic(
                name=topic,
                partitions=[
                    TxnOffsetCommitResponsePartition(
                        partition_index=partition, error_code=_known(error, version)
                    )
                    for partition, error in partitions
                ],
            )
            for topic, partitions in errors
        ]
    )


def _known(error: ErrorCode, version: int) -> ErrorCode:
    is_loading = error is ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
    if is_loading and version < FIRST_VERSION_THAT_KNOWS_LOADING:
        return ErrorCode.COORDINATOR_NOT_AVAILABLE
    return error
