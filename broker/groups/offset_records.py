"""The records of `__consumer_offsets`: what a group looks like in the log.

Key and value each begin with a version, which for keys says what kind of record it is:

    key   +---+-------------------------+   value  +---+----------------------------------------+
          | 1 | group, topic, partition |          | 3 | offset, leader epoch, metadata, time   |
          +---+-------------------------+          +---+----------------------------------------+
                                                   | 1 | offset, metadata, time, expiry time    |
                                                   +---+----------------------------------------+
          +---+-------------------------+          +---+----------------------------------------+
          | 2 | group                   |          | 3 | protocol type, generation, protocol,   |
          +---+-------------------------+          |   | leader, time, members and assignments  |
                                                   +---+----------------------------------------+

No value at all (a tombstone) deletes. The topic is compacted, so the last record of a key is what
holds. We write the versions that a 3.9 broker in ZooKeeper mode writes, and read all it can read.

The messages are in `broker.wire.messages.offsets_topic`.
Source: Kafka's `GroupMetadataManager` object (offsetCommitKey ... readGroupMessageValue).
"""

from collections.abc import Mapping
from typing import Final, TypeVar

from broker.groups.committed_offsets import CommittedOffset
from broker.groups.group import Group
from broker.groups.group_states import EMPTY, STABLE
from broker.groups.member import Member
from broker.wire.codec import MalformedMessage
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.messages.offsets_topic import (
    GroupMetadataKey,
    GroupMetadataValue,
    MemberMetadata,
    OffsetCommitKey,
    OffsetCommitValue,
)
from broker.wire.records import Record
from broker.wire.versioned import decode_versioned, encode_versioned, peek_version
from coordination.values import TopicPartition

T = TypeVar("T")

OFFSET_KEY_VERSIONS: Final = (0, 1)
GROUP_KEY_VERSION: Final = 2
OFFSET_VALUE_VERSION: Final = 3
OFFSET_VALUE_VERSION_WITH_EXPIRY: Final = 1
GROUP_VALUE_VERSION: Final = 3
# The first version of a group's value had no rebalance timeout: the session timeout counted.
GROUP_VALUE_VERSION_WITHOUT_REBALANCE_TIMEOUT: Final = 0
NO_TIMESTAMP: Final = -1
LARGEST_GENERATION: Final = (1 << 31) - 1


def offset_record(
    group_id: str, partition: TopicPartition, committed: CommittedOffset, now_ms: int
) -> Record:
    """A group committed this offset of a partition."""
    expires = committed.expire_timestamp_ms
    value = OffsetCommitValue(
        offset=committed.offset,
        leader_epoch=committed.leader_epoch,
        metadata=committed.metadata,
        commit_timestamp=committed.commit_timestamp_ms,
        expire_timestamp=NO_TIMESTAMP if expires is None else expires,
    )
    version = OFFSET_VALUE_VERSION if expires is None else OFFSET_VALUE_VERSION_WITH_EXPIRY
    return Record(_offset_key(group_id, partition), encode_versioned(value, version), now_ms)


def offset_tombstone(group_id: str, partition: TopicPartition, now_ms: int) -> Record:
    return Record(_offset_key(group_id, partition), None, now_ms)


def group_record(group: Group, assignment: Mapping[str, bytes], now_ms: int) -> Record:
    """The group in its current generation. `assignment` has every member, by member id."""
    value = GroupMetadataValue(
        protocol_type=group.protocol_type or "",
        generation=group.generation,
        protocol=group.protocol_name,
        leader=group.leader_id,
        current_state_timestamp=(
            NO_TIMESTAMP if group.state_since_ms is None else group.state_since_ms
        ),
        members=[
            MemberMetadata(
                member_id=member.member_id,
                group_instance_id=member.group_instance_id,
                client_id=member.client_id,
                client_host=member.client_host,
                rebalance_timeout=member.rebalance_timeout_ms,
                session_timeout=member.session_timeout_ms,
                subscription=member.metadata(group.protocol_name or ""),
                assignment=assignment[member.member_id],
            )
            for member in group.members.values()
        ],
    )
    return Record(_group_key(group.group_id), encode_versioned(value, GROUP_VALUE_VERSION), now_ms)


def group_tombstone(group_id: str, now_ms: int) -> Record:
    return Record(_group_key(group_id), None, now_ms)


def read_key(key: bytes) -> OffsetCommitKey | GroupMetadataKey | None:
    """What a record is about; None if a later Kafka knows, but we do not.

    CORRUPT_MESSAGE for a key that is none.
    """
    try:
        version = peek_version(key)
    except MalformedMessage as error:
        raise KafkaError(ErrorCode.CORRUPT_MESSAGE, f"key: {error}") from error
    if version in OFFSET_KEY_VERSIONS:
        return _read(OffsetCommitKey, key)[0]
    if version == GROUP_KEY_VERSION:
        return _read(GroupMetadataKey, key)[0]
    return None


def read_offset(value: bytes) -> CommittedOffset:
    """The value of an offset's record. CORRUPT_MESSAGE for one that is none."""
    message, _ = _read(OffsetCommitValue, value)
    expires = message.expire_timestamp
    return CommittedOffset(
        offset=message.offset,
        leader_epoch=message.leader_epoch,
        metadata=message.metadata,
        commit_timestamp_ms=message.commit_timestamp,
        expire_timestamp_ms=None if expires == NO_TIMESTAMP else expires,
    )


def read_group(group_id: str, value: bytes) -> Group:
    """The value of a group's record, as a group. CORRUPT_MESSAGE for one that can't be."""
    message, version = _read(GroupMetadataValue, value)
    _check_group(message)
    since_ms = message.current_state_timestamp
    group = Group(
        group_id,
        state_since_ms=None if since_ms == NO_TIMESTAMP else since_ms,
        state=STABLE if message.members else EMPTY,
        generation=message.generation,
        protocol_name=message.protocol,
        leader_id=message.leader,
    )
    has_timeout = version > GROUP_VALUE_VERSION_WITHOUT_REBALANCE_TIMEOUT
    for member in message.members:
        group.add(
            Member(
                member_id=member.member_id,
                group_instance_id=member.group_instance_id,
                client_id=member.client_id,
                client_host=member.client_host,
                session_timeout_ms=member.session_timeout,
                rebalance_timeout_ms=(
                    member.rebalance_timeout if has_timeout else member.session_timeout
                ),
                protocol_type=message.protocol_type,
                # The others that it offered are not stored; it names them when it joins again.
                protocols=((message.protocol or "", member.subscription),),
                assignment=member.assignment,
            )
        )
    group.protocol_type = message.protocol_type or None
    group.note_subscriptions()
    return group


def _check_group(message: GroupMetadataValue) -> None:
    """No coordinator writes such a group; but who calls itself an admin client may, and all who
    would load it would fail."""
    for what in ("member_id", "group_instance_id"):
        ids = [getattr(member, what) for member in message.members]
        known = [each for each in ids if each is not None]
        if len(set(known)) < len(known):
            raise KafkaError(ErrorCode.CORRUPT_MESSAGE, f"two members have the same {what}")
    if message.generation == LARGEST_GENERATION:
        raise KafkaError(ErrorCode.CORRUPT_MESSAGE, f"no generation follows {message.generation}")


def _offset_key(group_id: str, partition: TopicPartition) -> bytes:
    key = OffsetCommitKey(group=group_id, topic=partition.topic, partition=partition.partition)
    return encode_versioned(key, OFFSET_KEY_VERSIONS[-1])


def _group_key(group_id: str) -> bytes:
    return encode_versioned(GroupMetadataKey(group=group_id), GROUP_KEY_VERSION)


def _read(cls: type[T], data: bytes) -> tuple[T, int]:
    try:
        return decode_versioned(cls, data)
    except MalformedMessage as error:
        raise KafkaError(ErrorCode.CORRUPT_MESSAGE, f"{cls.__name__}: {error}") from error
