"""Snapshots of the producers' state: Kafka's bytes, and what happens to torn ones."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.log.producer_entry import BatchMetadata, ProducerEntry
from broker.log.producer_snapshots import (
    MalformedSnapshot,
    ProducerSnapshots,
    decode_snapshot,
    encode_snapshot,
)
from tests.support.unsynced_disk import UnsyncedDisk

ENTRY = ProducerEntry(
    1000, 2, -1, 1_700_000_000_123, None, (BatchMetadata(41, 99, 4, 1_700_000_000_123),)
)


def snapshots(directory: Path) -> ProducerSnapshots:
    names = [path.name for path in directory.iterdir()]
    return ProducerSnapshots(UnsyncedDisk(), directory, names)


@given(
    producer_id=st.integers(0, 2**63 - 1),
    epoch=st.integers(0, 2**15 - 1),
    sequence=st.integers(0, 2**31 - 1),
    offset=st.integers(0, 2**62),
    transaction=st.none() | st.integers(0, 2**62),
)
def test_what_is_written_is_read(
    producer_id: int, epoch: int, sequence: int, offset: int, transaction: int | None
) -> None:
    batches = (BatchMetadata(sequence, offset, 0, 55),)
    entry = ProducerEntry(producer_id, epoch, 3, 55, transaction, batches)
    empty = ProducerEntry(producer_id, epoch)
    assert decode_snapshot(encode_snapshot([entry, empty])) == [entry, empty]


def test_the_bytes() -> None:
    """That Kafka reads them, too, is shown in test_with_kafka."""
    assert encode_snapshot([ENTRY]).hex(" ") == (
        "00 01 "  # version
        "7d f1 29 02 "  # CRC-32C of what follows
        "00 00 00 01 "
        "00 00 00 00 00 00 03 e8 00 02 00 00 00 29 00 00 00 00 00 00 00 63 00 00 00 04 "
        "00 00 01 8b cf e5 68 7b ff ff ff ff ff ff ff ff ff ff ff ff"
    )


def test_only_the_last_batch_is_kept() -> None:
    batches = tuple(BatchMetadata(i, i, 0, 5) for i in range(3))
    entry = ProducerEntry(1, 0, batches=batches)
    [found] = decode_snapshot(encode_snapshot([entry]))
    assert found.batches == (BatchMetadata(2, 2, 0, -1),)


@given(cut=st.integers(0, 59), flip=st.integers(0, 59))
def test_torn_or_changed_snapshots_are_malformed(cut: int, flip: int) -> None:
    content = encode_snapshot([ENTRY])
    with pytest.raises(MalformedSnapshot):
        decode_snapshot(content[: cut % len(content)])
    changed = bytearray(content)
    changed[flip % len(content)] ^= 0x10
    with pytest.raises(MalformedSnapshot):
        decode_snapshot(bytes(changed))


def test_an_unreadable_snapshot_gives_way_to_an_older_one(tmp_path: Path) -> None:
    found = snapshots(tmp_path)
    found.write(5, [ENTRY], sync=False)
    found.write(9, [], sync=False)
    found.path(9).write_bytes(b"\0\1torn")
    assert snapshots(tmp_path).latest(99) == (5, [ENTRY])
    assert [path.name for path in tmp_path.iterdir()] == ["00000000000000000005.snapshot"]


def test_stray_snapshots_go_but_the_newest_beyond_the_last_segment(tmp_path: Path) -> None:
    found = snapshots(tmp_path)
    for offset in (3, 5, 8, 10, 12):
        found.write(offset, [], sync=False)
    found.delete_stray([0, 5, 10])
    assert found.offsets == [5, 10, 12]


def test_who_has_not_written_since_is_in_the_next_one_too(tmp_path: Path) -> None:
    snapshots = ProducerSnapshots(UnsyncedDisk(), tmp_path, [])
    entries = [ProducerEntry(each, 0, last_timestamp_ms=1) for each in range(5)]
    snapshots.write(10, entries, sync=False)
    entries = [*entries[:2], ProducerEntry(2, 1, last_timestamp_ms=2), ProducerEntry(7)]
    snapshots.write(20, entries, sync=False)
    assert snapshots.path(20).read_bytes() == encode_snapshot(entries)
