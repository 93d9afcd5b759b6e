"""The packed map: what it says of a batch, when it is full, and that it is as small as it says."""

import math
import random

import pytest

from broker.log.cleaner.offset_map import GOES, STAYS, STAYS_AS_TOMBSTONE, OffsetMap
from broker.log.cleaner.records import keyed_records
from broker.wire.compression import Compression
from broker.wire.errors import KafkaError
from broker.wire.record_batch import RecordBatch, batch_at, build_batch
from broker.wire.records import Record


def batch(base_offset: int, *pairs: tuple[bytes | None, bytes | None]) -> RecordBatch:
    data = build_batch([Record(k, v, 5) for k, v in pairs], base_offset=base_offset)
    return batch_at(memoryview(data), 0, len(data))


def put(offsets: OffsetMap, found: RecordBatch) -> bool:
    return offsets.put_batch(found, bytes(found.opened()))


def test_the_latest_offset_of_a_key_counts() -> None:
    offsets = OffsetMap(0, 100, 10_000, 0.9)
    first = batch(0, (b"a", b"1"), (b"b", b"1"), (b"", b"1"))
    second = batch(3, (b"a", None), (None, b"1"))
    assert put(offsets, first)
    assert put(offsets, second)
    assert [offsets.offset_of(key) for key in (b"a", b"b", b"", b"c")] == [3, 1, 2, -1]
    assert (offsets.keys, offsets.latest_offset) == (3, 4)
    assert offsets.known_fates(first) == bytes((GOES, STAYS, STAYS))
    assert offsets.known_fates(second) == bytes((STAYS_AS_TOMBSTONE, GOES))
    for each in (first, second):
        assert offsets.covers(each)
        assert offsets.fates(each, bytes(each.opened())) == offsets.known_fates(each)


def test_what_lies_before_goes_if_its_key_came_again_and_what_lies_beyond_stays() -> None:
    offsets = OffsetMap(10, 20, 10_000, 0.9)
    put(offsets, batch(10, (b"a", b"1")))
    before = batch(0, (b"a", b"0"), (b"b", b"0"), (None, b"0"))
    beyond = batch(11, (b"a", b"2"), (b"a", None), (None, b"0"))
    assert not offsets.covers(before)
    assert not offsets.covers(beyond)
    assert offsets.fates(before, bytes(before.opened())) == bytes((GOES, STAYS, GOES))
    assert offsets.fates(beyond, bytes(beyond.opened())) == bytes(
        (STAYS, STAYS_AS_TOMBSTONE, STAYS)
    )


def test_a_full_map_ends_before_the_record_that_does_not_fit() -> None:
    offsets = OffsetMap(0, 1000, 24 * 11, 0.9)
    assert offsets.slots == 11
    assert not put(offsets, batch(0, *((b"%d" % n, b"v") for n in range(20))))
    assert (offsets.keys, offsets.latest_offset) == (9, 8)


def test_a_short_range_gets_a_small_map_and_a_long_one_no_more_than_allowed() -> None:
    assert OffsetMap(0, 100, 1 << 30, 0.9).slots < 120
    assert OffsetMap(0, 10**12, 24 * 1000, 0.9).slots <= 1000


@pytest.mark.parametrize("load_factor", [1.0, 2.0, math.inf, math.nan, 0.5, 0.0, -1.0])
def test_whatever_the_load_factor_a_slot_stays_empty_and_a_key_fits(load_factor: float) -> None:
    offsets = OffsetMap(0, 1000, 24 * 11, load_factor)
    assert not put(offsets, batch(0, *((b"%d" % n, b"v") for n in range(20))))
    assert 1 <= offsets.keys <= 10
    assert offsets.offset_of(b"none of these") == -1


def test_it_reaches_as_far_as_there_are_keys_and_fates_as_far_as_there_is_memory() -> None:
    offsets = OffsetMap(0, 10**12, 8 * 100, 0.9)
    near, across = batch(0, (b"a", b"1"), (b"b", None)), batch(99, (b"c", b"1"), (b"d", b"1"))
    far = batch(10**11, (b"b", b"1"), (b"c", None))
    assert all(put(offsets, each) for each in (near, across, far))
    assert offsets.latest_offset == 10**11 + 1
    assert [offsets.covers(each) for each in (near, across, far)] == [True, False, False]
    assert offsets.known_fates(near) == bytes((STAYS, GOES))
    assert offsets.fates(across, bytes(across.opened())) == bytes((GOES, STAYS))
    assert offsets.fates(far, bytes(far.opened())) == bytes((STAYS, STAYS_AS_TOMBSTONE))


def test_as_a_dictionary_would_say() -> None:
    randomness = random.Random(3)
    offsets = OffsetMap(0, 5000, 24 * 300, 0.9)
    latest: dict[bytes, int] = {}
    for base_offset in range(0, 5000, 10):
        keys = [b"%d" % randomness.randrange(260) for _ in range(10)]
        assert put(offsets, batch(base_offset, *((key, b"v") for key in keys))) == (
            base_offset < 4990
        )
        latest |= {key: base_offset + place for place, key in enumerate(keys)}
    assert {key: offsets.offset_of(key) for key in latest} == latest
    assert offsets.keys == len(latest)


def test_a_gap_is_covered() -> None:
    offsets = OffsetMap(0, 100, 10_000, 0.9)
    assert offsets.cover_to(50)
    assert offsets.latest_offset == 49
    assert put(offsets, batch(60, (b"a", b"1")))
    assert not offsets.cover_to(100)


@pytest.mark.parametrize("size", [0, 1, 63, 64, 8191, 8192, 100_000])
def test_records_of_all_sizes_are_found(size: int) -> None:
    key, value = b"k" * size, b"v" * (100_000 - size)
    data = build_batch(
        [Record(key, value, 10**15), Record(value, None, -1), Record(None, key, 5, (("h", b"x"),))]
    )
    found = batch_at(memoryview(data), 0, len(data))
    assert list(keyed_records(bytes(found.opened()), 3)) == [
        (0, key, True),
        (1, value, False),
        (2, None, True),
    ]


@pytest.mark.parametrize("damage", [b"\x00", b"\xff" * 12, b"\x10\x00\x00\x00\x7f", b""])
def test_what_is_no_record_is_refused(damage: bytes) -> None:
    with pytest.raises(KafkaError, match="fill the"):
        list(keyed_records(damage, 1))


def test_codecs_are_no_concern_of_the_map() -> None:
    data = build_batch([Record(b"a", b"1", 5)], compression=Compression.ZSTD)
    offsets = OffsetMap(0, 10, 1000, 0.9)
    found = batch_at(memoryview(data), 0, len(data))
    assert put(offsets, found)
    assert offsets.offset_of(b"a") == 0
