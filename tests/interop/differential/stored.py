"""Records that coordinators write, and messages of the old formats, as what can be compared.

A coordinator's record has in its bytes what differs by nature: a member's id, a time, a producer's
id. So it is taken apart, and `normalising` has its rules for the fields.
"""

from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any, Final

import attrs

from broker.wire.message_set import Message, messages, messages_in
from broker.wire.messages.offsets_topic import (
    GroupMetadataKey,
    GroupMetadataValue,
    OffsetCommitKey,
    OffsetCommitValue,
)
from broker.wire.messages.transactions_topic import TransactionLogKey, TransactionLogValue
from broker.wire.record_batch import MAGIC, magic_of
from broker.wire.records import Record
from broker.wire.versioned import decode_versioned, peek_version

Kinds = tuple[type[Any], type[Any]]  # of a key and of its value

_OFFSET: Final[Kinds] = (OffsetCommitKey, OffsetCommitValue)
# By topic and by version of the key.
_KINDS: Final[dict[str, dict[int, Kinds]]] = {
    "__consumer_offsets": {
        0: _OFFSET,
        1: _OFFSET,
        2: (GroupMetadataKey, GroupMetadataValue),
    },
    "__transaction_state": {0: (TransactionLogKey, TransactionLogValue)},
}


@attrs.frozen
class Stored:
    """A coordinator's record: its key and value with their versions; no value deletes."""

    key: Any
    value: Any
    key_version: int
    value_version: int
    timestamp_ms: int
    offset: int


def in_words(topic: str, record: Record) -> Stored | Record:
    """The record of a batch that is no marker, taken apart if its topic is a coordinator's."""
    kinds = _KINDS.get(topic)
    if kinds is None or record.key is None or peek_version(record.key) not in kinds:
        return record
    of_key, of_value = kinds[peek_version(record.key)]
    key, key_version = decode_versioned(of_key, record.key)
    value, value_version = None, -1
    if record.value is not None:
        value, value_version = decode_versioned(of_value, record.value)
    return Stored(key, value, key_version, value_version, record.timestamp_ms, record.offset)


def in_order_of_keys(records: list[Any]) -> list[Any]:
    """What one group committed in a row, by topic and partition; other records as they are."""
    found = []
    for group, run in groupby(records, _committing_group):
        members = list(run)
        if group is not None:
            offsets = [member["offset"] for member in members]
            members.sort(key=lambda member: str(member["key"]))
            members = [
                member | {"offset": offset} for member, offset in zip(members, offsets, strict=True)
            ]
        found += members
    return found


def _committing_group(record: dict[str, Any]) -> str | None:
    key = record["key"]
    if isinstance(key, dict) and "partition" in key:
        group: str = key["group"]
        return group
    return None


def is_of_old_format(data: bytes) -> bool:
    return 0 <= magic_of(memoryview(data)) < MAGIC


def old_messages(data: bytes, told: Callable[[Record], dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The whole messages of a set; a wrapper with what is in it instead of its bytes."""
    for message in messages(memoryview(data)):
        found = _told(message, told)
        if message.codec:
            inside = [_told(each, told) for each in messages_in(message)]
            found |= {"value": None, "each": inside}
        yield found


def _told(message: Message, told: Callable[[Record], dict[str, Any]]) -> dict[str, Any]:
    record = Record(message.key, message.value, message.timestamp_ms, offset=message.offset)
    return told(record) | {"magic": message.magic, "attributes": message.attributes}
