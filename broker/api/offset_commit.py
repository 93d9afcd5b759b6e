"""OffsetCommit: store how far a group has consumed.

Offsets of partitions that do not exist are refused here, one by one; the rest goes to the group's
coordinator. Version 0 is of the time before there was one: its offsets go into ZooKeeper.

    version  the offset counts from       and is kept
    1        what the client says, or now   as long as the broker says
    2-4      now                            as long as the client says, or the broker
    5-       now                            as long as the broker says (KIP-211)
"""

from typing import Final

from broker.api.context import RequestContext
from broker.api.group_services import GroupServices, refused_partitions
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

Commits = dict[TopicPartition, OffsetCommitRequestPartition]


async def handle(
    broker: GroupServices, context: RequestContext, request: OffsetCommitRequest
) -> OffsetCommitResponse:
    commits: Commits = {
        TopicPartition(topic.name, partition.partition_index): partition
        for topic in request.topics
        for partition in topic.partitions
    }
    if not context.may(Resource.GROUP, request.group_id):
        return _response(dict.fromkeys(commits, ErrorCode.GROUP_AUTHORIZATION_FAILED))
    errors = refused_partitions(broker, context, commits)
    existing = {tp: commit for tp, commit in commits.items() if tp not in errors}
    if context.api_version == VERSION_INTO_ZOOKEEPER:
        errors |= await _commit_to_zookeeper(broker, request.group_id, existing)
    elif existing:
        errors |= await _commit_to_coordinator(broker, request, existing)
    return _response({tp: errors[tp] for tp in commits})


def _response(errors: dict[TopicPartition, ErrorCode]) -> OffsetCommitResponse:
    """One answer for each partition, however often the request names it."""
    topics: dict[str, OffsetCommitResponseTopic] = {}
    for tp, error in errors.items():
        topic = topics.setdefault(tp.topic, OffsetCommitResponseTopic(name=tp.topic))
        topic.partitions.append(
            OffsetCommitResponsePartition(partition_index=tp.partition, error_code=error)
        )
    return OffsetCommitResponse(topics=list(topics.values()))


async def _commit_to_coordinator(
    broker: GroupServices, request: OffsetCommitRequest, commits: Commits
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
    broker: GroupServices, group_id: str, commits: Commits
) -> dict[TopicPartition, ErrorCode]:
    longest = broker.config.offset_metadata_max_bytes
    errors = dict.fromkeys(commits, ErrorCode.NONE)
    for tp, commit in commits.items():
        try:
            if len(commit.committed_metadata or "") > longest:
                raise KafkaError(ErrorCode.OFFSET_METADATA_TOO_LARGE)
            await broker.old_offsets.set(group_id, tp, commit.committed_offset)
        except KafkaError as error:
            errors[tp] = error.code
    return errors
