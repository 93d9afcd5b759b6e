"""What a record's key and value say, in the words of kafka-dump-log.

    by itself                     the bytes as text
    --offsets-decoder             __consumer_offsets: JSON of the message, as Kafka's tool writes it
    --transaction-log-decoder     __transaction_state: a line of its own

A record that is not of that topic gets one line that says so in the key's place; the others follow.
"""

import base64
import json
from collections.abc import Callable
from typing import Any, Final

from broker.groups.offset_records import GROUP_KEY_VERSION, OFFSET_KEY_VERSIONS
from broker.transactions.transaction_records import read_key
from broker.transactions.transaction_states import STATES_BY_NUMBER
from broker.wire.codec import MalformedMessage
from broker.wire.errors import KafkaError
from broker.wire.messages.consumer_protocol import (
    ConsumerProtocolAssignment,
    ConsumerProtocolSubscription,
)
from broker.wire.messages.offsets_topic import (
    GroupMetadataKey,
    GroupMetadataValue,
    OffsetCommitKey,
    OffsetCommitValue,
)
from broker.wire.messages.transactions_topic import TransactionLogValue
from broker.wire.records import Record
from broker.wire.schema import fields_of
from broker.wire.versioned import decode_versioned, peek_version

# Key and value in words, None for what is not shown.
Said = tuple[str | None, str | None]
Decode = Callable[[Record], Said]

_DELETE: Final = "<DELETE>"
_KINDS: Final[dict[int, tuple[type, type]]] = {
    **dict.fromkeys(OFFSET_KEY_VERSIONS, (OffsetCommitKey, OffsetCommitValue)),
    GROUP_KEY_VERSION: (GroupMetadataKey, GroupMetadataValue),
}
_OF_CONSUMERS: Final = {
    "subscription": ConsumerProtocolSubscription,
    "assignment": ConsumerProtocolAssignment,
}


def plain(record: Record) -> Said:
    return _text(record.key), _text(record.value)


def offsets(record: Record) -> Said:
    """A group, or an offset that it committed."""
    try:
        if record.key is None:
            raise MalformedMessage("the record has no key")
        version = peek_version(record.key)
        if version not in _KINDS:
            return f"Unknown record type {version} at offset {record.offset}, skipping.", None
        key_class, value_class = _KINDS[version]
        key = _json({"type": str(version), "data": _document(*_read(key_class, record.key))})
        if record.value is None:
            return key, _DELETE
        message, value_version = _read(value_class, record.value)
        document = _document(message, value_version)
        if isinstance(message, GroupMetadataValue) and message.protocol_type == "consumer":
            _open_members(document)
        return key, _json({"version": str(value_version), "data": document})
    except MalformedMessage as error:
        return f"Error at offset {record.offset}, skipping. {error}", None


def transactions(record: Record) -> Said:
    """A transactional id and what became of it."""
    try:
        name = None if record.key is None else read_key(record.key)
        if name is None:
            return "<UNKNOWN>", "<UNKNOWN>"
        key = f"transaction_metadata::transactionalId={name}"
        if record.value is None:
            return key, _DELETE
        it, _ = _read(TransactionLogValue, record.value)
        state = STATES_BY_NUMBER[it.transaction_status].value
    except KafkaError as error:
        return f"Error at offset {record.offset}, skipping. {error.message}", None
    except (MalformedMessage, KeyError) as error:
        return f"Error at offset {record.offset}, skipping. {error}", None
    partitions = [
        f"{topic.topic}-{index}"
        for topic in it.transaction_partitions or []
        for index in topic.partition_ids
    ]
    return key, (
        f"producerId:{it.producer_id},producerEpoch:{it.producer_epoch},state={state},"
        f"partitions=[{','.join(partitions)}],"
        f"txnLastUpdateTimestamp={it.transaction_last_update_timestamp_ms},"
        f"txnTimeoutMs={it.transaction_timeout_ms}"
    )


def _text(data: bytes | None) -> str | None:
    return None if data is None else bytes(data).decode("utf-8", errors="replace")


def _read(cls: type, data: bytes) -> tuple[Any, int]:
    return decode_versioned(cls, data)


def _document(message: Any, version: int) -> dict[str, Any]:
    """A message as Kafka's JSON has it: its fields of this version, in camel case."""
    return {
        _camel(field.name): _value(getattr(message, field.name), version)
        for field in fields_of(type(message))
        if version in field.versions
    }


def _value(value: Any, version: int) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, list):
        return [_value(each, version) for each in value]
    return value if value is None or isinstance(value, str | int) else _document(value, version)


def _open_members(group: dict[str, Any]) -> None:
    """What a consumer wrote into a group's opaque bytes is shown, where it can be read."""
    for member in group["members"]:
        for name, cls in _OF_CONSUMERS.items():
            try:
                member[name] = _document(*_read(cls, base64.b64decode(member[name])))
            except MalformedMessage:
                continue


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(each.title() for each in others)


def _json(document: object) -> str:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)
