"""From a partition of `__consumer_offsets` back to groups: the log is applied record by record.

The last record of a key holds, a tombstone removes what it names. Most of a log that is not yet
compacted is commits which later ones have replaced, and an election waits for all of it to be read:
so records are told apart by the bytes of their keys, and only those that hold are opened, at the
end. Offsets whose group has no record belong to a client that only stores offsets here.

Offsets of a transaction wait for its marker, the control batch that commits or aborts all of a
producer's records in this partition. Those without a marker at the end are still open, and the
group gets them as such. Of an offset that is committed or removed by itself and one of a
transaction, the later *record* holds, wherever the marker is: as in memory (`committed_offsets`),
and as compaction sees it. (In Kafka what was removed comes back with the marker.)

Source: Kafka's `doLoadGroupsAndOffsets`.
"""

from collections.abc import Iterator
from typing import NamedTuple

import attrs

from broker.groups.group import Group
from broker.groups.offset_records import read_group, read_key, read_offset
from broker.wire.control_records import read_marker
from broker.wire.messages.offsets_topic import GroupMetadataKey, OffsetCommitKey
from broker.wire.record_batch import RecordBatch
from coordination.values import TopicPartition


class _Held(NamedTuple):
    """The last value of a key, None for a tombstone, and where its batch is."""

    value: bytes | None
    batch_offset: int


_Records = dict[bytes, _Held]  # by key


@attrs.define
class Loaded:
    """What a partition's log tells: all groups, by id, each Stable or Empty."""

    groups: dict[str, Group] = attrs.field(factory=dict)
    # By producer id: the groups with offsets in its open transaction.
    groups_in_transaction: dict[int, set[str]] = attrs.field(factory=dict)
    unknown_records: int = 0


@attrs.define
class Replay:
    """The records of one partition that hold, as far as the log has been applied."""

    _records: _Records = attrs.field(factory=dict)
    _in_transaction: dict[int, _Records] = attrs.field(factory=dict)  # by producer id
    _without_key: int = 0

    def apply(self, batch: RecordBatch) -> None:
        """Apply the next batch. CORRUPT_MESSAGE: it cannot be read."""
        if batch.is_control:
            self._end_transaction(batch)
            return
        records = self._records
        if batch.is_transactional:
            records = self._in_transaction.setdefault(batch.producer_id, {})
        for record in batch.records():
            if record.key is None:
                self._without_key += 1
            else:
                records[record.key] = _Held(record.value, batch.base_offset)

    def _end_transaction(self, marker: RecordBatch) -> None:
        ended = self._in_transaction.pop(marker.producer_id, {})
        said = read_marker(marker)
        if said is None or not said.commit:
            return
        for key, held in ended.items():
            known = self._records.get(key)
            if known is None or known.batch_offset < held.batch_offset:
                self._records[key] = held

    def loaded(self, now_ms: int) -> Loaded:
        """Open what holds. CORRUPT_MESSAGE: a record cannot be read."""
        loaded = Loaded(unknown_records=self._without_key)
        offsets: list[tuple[OffsetCommitKey, bytes, int]] = []
        for key, value, at_offset in _opened(self._records, loaded):
            if isinstance(key, OffsetCommitKey):
                offsets.append((key, value, at_offset))
            else:
                loaded.groups[key.group] = read_group(key.group, value)
        for key, value, at_offset in offsets:
            group = _group(loaded, key, now_ms)
            group.offsets.load(_partition(key), read_offset(value), at_offset)
        for producer_id, records in self._in_transaction.items():
            for key, value, at_offset in _opened(records, loaded):
                if isinstance(key, OffsetCommitKey):
                    group = _group(loaded, key, now_ms)
                    prepared = {_partition(key): read_offset(value)}
                    group.offsets.prepare_in_transaction(producer_id, prepared, at_offset)
                    loaded.groups_in_transaction.setdefault(producer_id, set()).add(key.group)
        return loaded


def _opened(
    records: _Records, loaded: Loaded
) -> Iterator[tuple[OffsetCommitKey | GroupMetadataKey, bytes, int]]:
    """Key, value, and batch offset of each record that is there, and is known to us."""
    for key_bytes, (value, batch_offset) in records.items():
        if value is None:
            continue
        key = read_key(key_bytes)
        if key is None:
            loaded.unknown_records += 1
        else:
            yield key, value, batch_offset


def _group(loaded: Loaded, key: OffsetCommitKey, now_ms: int) -> Group:
    if key.group not in loaded.groups:
        loaded.groups[key.group] = Group(key.group, state_since_ms=now_ms)
    return loaded.groups[key.group]


def _partition(key: OffsetCommitKey) -> TopicPartition:
    return TopicPartition(key.topic, key.partition)
