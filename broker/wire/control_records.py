"""Transaction markers: how a transaction ended, written by its coordinator behind its records.

A marker is a batch of one record, with the attributes "transactional" and "control" and the
producer's id and epoch, but no sequence. Consumers never see it; it takes an offset all the same.

    key  +---------+---------+        value  +---------+-------------------+
         | version | type    |               | version | coordinator epoch |
         | i16 = 0 | i16     |               | i16 = 0 | i32               |
         +---------+---------+               +---------+-------------------+
      type: 0 abort | 1 commit

The coordinator epoch is the leader epoch of the partition of `__transaction_state` that decided:
a log refuses the markers of a coordinator that was replaced.

Newer versions may append fields, which are left unread. Compaction may empty a marker's batch when
nothing of its transaction is left.

Source: KIP-98, Kafka's `EndTransactionMarker`, `ControlRecordType`.
"""

import struct
from typing import Final

import attrs

from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.record_batch import RecordBatch, build_batch
from broker.wire.records import Record

_VERSION: Final = 0
_ABORT: Final = 0
_COMMIT: Final = 1
_KEY = struct.Struct(">hh")
_VALUE = struct.Struct(">hi")


@attrs.frozen(slots=True)
class Marker:
    """How a transaction ended, by the word of which coordinator."""

    commit: bool
    coordinator_epoch: int


def build_marker(
    producer_id: int,
    producer_epoch: int,
    *,
    commit: bool,
    coordinator_epoch: int,
    timestamp_ms: int,
) -> bytearray:
    """The marker's batch; writable, for the leader to stamp its offset into it."""
    key = _KEY.pack(_VERSION, _COMMIT if commit else _ABORT)
    value = _VALUE.pack(_VERSION, coordinator_epoch)
    return build_batch(
        [Record(key, value, timestamp_ms)],
        producer_id=producer_id,
        producer_epoch=producer_epoch,
        is_transactional=True,
        is_control=True,
    )


def read_marker(batch: RecordBatch) -> Marker | None:
    """What a control batch says, None if compaction emptied it; CORRUPT_MESSAGE if neither."""
    if batch.count == 0:
        return None
    record = batch.records()[0]
    try:
        key_version, kind = _KEY.unpack_from(record.key or b"")
        value_version, coordinator_epoch = _VALUE.unpack_from(record.value or b"")
    except struct.error as error:
        raise _corrupt(f"a marker is cut short: {error}") from error
    if min(key_version, value_version) < 0:
        raise _corrupt(f"a marker of version {min(key_version, value_version)}")
    if kind not in (_ABORT, _COMMIT):
        raise _corrupt(f"control record of type {kind}, which ends no transaction")
    return Marker(kind == _COMMIT, coordinator_epoch)


def _corrupt(why: str) -> KafkaError:
    return KafkaError(ErrorCode.CORRUPT_MESSAGE, why)
