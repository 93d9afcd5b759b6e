"""OffsetCommit: store how far a group has consumed.

Offsets of partitions that do not exist are refused here, one by one; the rest goes to the group's
coordinator. Version 0 is of the time before there was one: its offsets go into ZooKeeper.

    version  the offset counts from       and is kept
    1        what the client says, or now   as long as the broker says
    2-4      now                            as long as the client says, or the broker
    5-       now                            as long as the broker says (KIP-211)
"""

from collections.abc import Iterable
from typing import Final

from broker.api.context import RequestContext
from broker.api.group_services import GroupServices
from broker.api.named_partitions import add, all_refused, sort_out
from broker.api.permissions import Resource
from broker.groups.committed_offsets import CommittedOffset
from broker.groups.offsets import CommitRequest
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitResponse,
    OffsetCommitResponsePartition,
    OffsetCommitResponseTopic,
)
from coordination.values import TopicPartition

VERSION_INTO_ZOOKEEPER: Final = 0
UNSET: Final = -1
LONG_MAX: Final = 2**63 - 1

Commit = tuple[TopicPartition, OffsetCommitRequestPartition]


async def handle(
    broker: GroupServices, context: RequestContext, request: OffsetCommitRequest
) -> OffsetCommitResponse:
    if not context.may(Resource.GROUP, request.group_id):
        return _response(all_refused(request.topics, ErrorCode.GROUP_AUTHORIZATION_FAILED))
    errors, commits = sort_out(broker, context, request.topics)
    if context.api_version == VERSION_INTO_ZOOKEEPER:
        add(errors, await _commit_to_zookeeper(broker, request.group_id, commits))
    elif commits:
        add(errors, (await _commit_to_coordinator(broker, request, dict(commits))).items())
    return _response(errors.items())


def _response(
    errors: Iterable[tuple[str, list[tuple[int, ErrorCode]]]],
) -> OffsetCommitResponse:
    return OffsetCommitResponse(
        topics=[
            OffsetCommitResponseTopic(
                name=topic,
                partitions=[
                    OffsetCommitResponsePartition(partition_index=partition, error_code=error)
                    for partition, error in partitions
                ],
            )
            for topic, partitions in errors
        ]
    )


async def _commit_to_coordinator(
    broker: GroupServices,
    request: OffsetCommitRequest,
    commits: dict[TopicPartition, OffsetCommitRequestPartition],
) -> dict[TopicPartition, ErrorCode]:
    now_ms = broker.clock_ms()
    retention_ms = request.retention_time_ms
    # A client that wants them kept for ever may say so with the largest number there is.
    expires_ms = None if retention_ms == UNSET else min(now_ms + retention_ms, LONG_MAX)
    return await broker.groups.commit_offsets(
        CommitRequest(
            group_id=request.group_id,
            generation=request.generation_id_or_member_epoch,
            member_id=request.member_id,
            group_instance_id=request.group_instance_id,
            offsets={
                tp: CommittedOffset(
                    offset=commit.committed_offset,
                    leader_epoch=commit.committed_leader_epoch,
                    metadata=commit.committed_metadata or "",
                    commit_timestamp_ms=(
                        now_ms if commit.commit_timestamp == UNSET else commit.commit_timestamp
                    ),
                    expire_timestamp_ms=expires_ms,
                )
                for tp, commit in commits.items()
            },
        )
    )


async def _commit_to_zookeeper(
    broker: GroupServices, group_id: str, commits: list[Commit]
) -> list[tuple[TopicPartition, ErrorCode]]:
    longest = broker.config.offset_metadata_max_bytes
    results = []
    for tp, commit in commits:
        error = ErrorCode.NONE
        try:
            if len(commit.committed_metadata or "") > longest:
                raise KafkaError(ErrorCode.OFFSET_METADATA_TOO_LARGE)
            await broker.old_offsets.set(group_id, tp, commit.committed_offset)
        except KafkaError as failed:
            error = failed.code
        results.append((tp, error))
    return results
