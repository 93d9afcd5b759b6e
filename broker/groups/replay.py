"""From a partition of `__consumer_offsets` back to groups: the log is applied record by record.

The last record of a key holds, a tombstone removes what it names. Offsets and groups have records
of their own, in any order, so both are collected first and put together at the end; offsets whose
group has no record belong to a client that only stores offsets here.

Offsets of a transaction wait for its marker, the control batch that commits or aborts all of a
producer's records in this partition. Those without a marker at the end are still open, and the
group gets them as such.

    control record's key:  | version i16 | type i16: 0 abort, 1 commit |

Source: Kafka's `doLoadGroupsAndOffsets`.
"""

import struct
from typing import Final

import attrs

from broker.groups.committed_offsets import GroupOffsets
from broker.groups.group import Group
from broker.groups.offset_records import read_group, read_key, read_offset
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.messages.offsets_topic import OffsetCommitKey
from broker.wire.record_batch import RecordBatch
from broker.wire.records import Record
from coordination.values import TopicPartition

_CONTROL_KEY: Final = struct.Struct(">hh")
_COMMIT: Final = 1


@attrs.define
class Replay:
    """The groups of one partition, as far as the log has been applied."""

    unknown_records: int = 0
    _groups: dict[str, Group] = attrs.field(factory=dict)
    _offsets: dict[str, GroupOffsets] = attrs.field(factory=dict)

    def apply(self, batch: RecordBatch) -> None:
        """Apply the next batch. KafkaError: it, or a record in it, cannot be read."""
        if batch.is_control:
            for record in batch.records():
                self._end_transaction(batch.producer_id, record)
            return
        for record in batch.records():
            key = None if record.key is None else read_key(record.key)
            if key is None:
                self.unknown_records += 1
            elif isinstance(key, OffsetCommitKey):
                self._apply_offset(batch, key, record.value)
            elif record.value is None:
                self._groups.pop(key.group, None)
            else:
                self._groups[key.group] = read_group(key.group, record.value)

    def _apply_offset(self, batch: RecordBatch, key: OffsetCommitKey, value: bytes | None) -> None:
        offsets = self._offsets.setdefault(key.group, GroupOffsets())
        partition = TopicPartition(key.topic, key.partition)
        if value is None:
            offsets.remove([partition])
        elif batch.is_transactional:
            offsets.load_in_transaction(
                batch.producer_id, partition, read_offset(value), batch.base_offset
            )
        else:
            offsets.load(partition, read_offset(value), batch.base_offset)

    def _end_transaction(self, producer_id: int, marker: Record) -> None:
        key = marker.key or b""
        if len(key) < _CONTROL_KEY.size:
            raise KafkaError(ErrorCode.CORRUPT_MESSAGE, f"control record with key {key!r}")
        _, kind = _CONTROL_KEY.unpack_from(key)
        for offsets in self._offsets.values():
            offsets.end_transaction(producer_id, is_commit=kind == _COMMIT)

    def groups(self, now_ms: int) -> dict[str, Group]:
        """All groups that the log tells of, by id; each Stable or Empty."""
        for group_id, offsets in self._offsets.items():
            if not offsets.is_empty:
                group = self._groups.setdefault(group_id, Group(group_id, state_since_ms=now_ms))
                group.offsets = offsets
        return self._groups
