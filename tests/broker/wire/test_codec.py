"""Readers and writers, on a message made for the purpose: the bytes, the refusals, the tags.

`Everything` has each type and each way to declare a field; the expected bytes are written by hand
after the protocol guide.
"""

import os
from pathlib import Path
from uuid import UUID

import pytest

from broker.wire.codec import MalformedMessage, UnwritableMessage, decode, encode, writer
from broker.wire.reader_source import reader_source
from broker.wire.regions import Chunk, FileRegion, OpenFile, Records
from broker.wire.schema import (
    BOOL,
    BYTES,
    FLOAT64,
    INT8,
    INT16,
    INT32,
    INT64,
    RECORDS,
    STRING,
    UINT16,
    UUID_,
    array,
    message,
    struct,
    wire,
)
from broker.wire.writer_source import writer_source

ID = UUID("00112233-4455-6677-8899-aabbccddeeff")


@struct
class Point:
    x: int = wire(INT8, "0+")
    y: int = wire(INT8, "0+")


@struct
class Nothing:
    late: int = wire(INT8, "9+")


@message(versions="0-3", flexible="1+")
class Everything:
    flag: bool = wire(BOOL, "0+")
    small: int = wire(INT16, "0+")
    port: int = wire(UINT16, "0+")
    large: int = wire(INT64, "0+", default=-1)
    ratio: float = wire(FLOAT64, "0+")
    id: UUID = wire(UUID_, "0+")
    name: str = wire(STRING, "0+")
    nick: str | None = wire(STRING, "0+", nullable="0+", default=None)
    blob: bytes | None = wire(BYTES, "0+", nullable="0+", default=None)
    point: Point = wire(Point, "0+")
    maybe: Point | None = wire(Point, "2+", nullable="2+", ignorable=True)
    points: list[Point] = wire(array(Point), "0+")
    names: list[str] = wire(array(STRING), "0+")
    ids: list[UUID] = wire(array(UUID_), "0+")
    numbers: list[int] | None = wire(array(INT32), "0+", nullable="1+")
    nothings: list[Nothing] = wire(array(Nothing), "0+")
    extra: int = wire(INT32, "1+", tag=3)
    spot: Point | None = wire(Point, "2+", tag=0)


FULL = Everything(
    flag=True,
    small=-2,
    port=0xFFFE,
    large=3,
    ratio=0.5,
    id=ID,
    name="né",
    nick="n",
    blob=b"\x07\x08",
    point=Point(x=1, y=2),
    points=[Point(x=3, y=4), Point(x=5, y=6)],
    names=["a", ""],
    ids=[ID],
    numbers=[7, -7],
    nothings=[],
)

FIXED_BYTES = (
    b"\x01" + b"\xff\xfe" + b"\xff\xfe" + b"\0\0\0\0\0\0\0\x03" + b"\x3f\xe0\0\0\0\0\0\0" + ID.bytes
)


def test_before_flexible_versions_lengths_are_fixed() -> None:
    expected = (
        FIXED_BYTES
        + (b"\0\x03n\xc3\xa9" + b"\0\x01n" + b"\0\0\0\x02\x07\x08")  # name, nick, blob
        + (b"\x01\x02" + b"\0\0\0\x02\x03\x04\x05\x06")  # point, points
        + (b"\0\0\0\x02\0\x01a\0\0" + b"\0\0\0\x01" + ID.bytes)  # names, ids
        + (b"\0\0\0\x02\0\0\0\x07\xff\xff\xff\xf9" + b"\0\0\0\0")  # numbers, nothings
    )
    assert encode(FULL, 0) == expected
    assert decode(Everything, 0, expected) == FULL


def test_in_flexible_versions_lengths_are_varints_and_structs_have_tags() -> None:
    value = Everything(name="n" * 200, numbers=[1], maybe=Point(x=1), extra=9, spot=Point(y=8))
    expected = (
        bytes(1 + 2 + 2)
        + (b"\xff" * 8 + bytes(8 + 16))
        + (b"\xc9\x01" + b"n" * 200 + b"\0" + b"\0")  # 201, null nick, null blob
        + (b"\0\0\0" + b"\x01\x01\0\0")  # point and its tags, maybe: present
        + (b"\x01\x01\x01")  # points, names, ids: none
        + (b"\x02\0\0\0\x01" + b"\x01")
        + (b"\x02" + b"\x00\x03\0\x08\0" + b"\x03\x04\0\0\0\x09")  # spot and extra, by tag
    )
    assert encode(value, 2) == expected
    assert decode(Everything, 2, expected) == value


def test_a_tagged_field_that_has_its_default_is_left_out() -> None:
    assert encode(Everything(extra=0), 1)[-1] == 0
    assert decode(Everything, 2, encode(Everything(), 2)).spot is None


def test_unknown_tagged_fields_are_skipped() -> None:
    written = encode(Everything(extra=5), 2)
    assert written.endswith(b"\x01\x03\x04\0\0\0\x05")
    head = written.removesuffix(b"\x01\x03\x04\0\0\0\x05")
    with_unknown = head + b"\x03" + b"\x02\x01?" + b"\x03\x04\0\0\0\x05" + b"\xff\x01\x02??"
    assert decode(Everything, 2, with_unknown).extra == 5
    # And in a struct that knows no tags at all.
    one_point = encode(Everything(points=[Point()]), 1)
    at = one_point.index(b"\x02\0\0\0")
    changed = one_point[: at + 3] + b"\x01\x07\x02??" + one_point[at + 4 :]
    assert decode(Everything, 1, changed).points == [Point()]


def test_bytes_behind_the_message_are_ignored() -> None:
    assert decode(Everything, 1, encode(FULL, 1) + b"more") == FULL


def test_text_that_is_no_utf_8_is_replaced_as_in_java() -> None:
    written = encode(Everything(name="abc"), 0).replace(b"abc", b"a\xffc")
    assert decode(Everything, 0, written).name == "a\ufffdc"


@pytest.mark.parametrize("text", [b"a" * 0x7FFF, b"\xff" * (0x7FFF // 3)])
@pytest.mark.parametrize("version", [0, 1])
def test_a_string_that_is_read_can_be_written_again(text: bytes, version: int) -> None:
    """Where lengths have 16 bits, as in the records of groups, too."""
    read = decode(Everything, version, with_name(text, version))
    assert decode(Everything, 0, encode(read, 0)) == read


@pytest.mark.parametrize(
    ("text", "version"),
    [
        (b"a" * 0x8000, 1),
        (b"\xff" * (0x7FFF // 3 + 1), 0),  # three bytes each, once they have been replaced
        (b"\xff" * (0x7FFF // 3 + 1), 1),
    ],
)
def test_a_longer_string_is_refused_as_by_kafka(text: bytes, version: int) -> None:
    with pytest.raises(MalformedMessage, match=r"Everything\.name: a string of more than 32767"):
        decode(Everything, version, with_name(text, version))


def with_name(text: bytes, version: int) -> bytes:
    name = "0123456789" * 20
    before, _, after = encode(Everything(name=name), version).partition(name.encode())
    if version == 0:
        return before[:-2] + len(text).to_bytes(2, "big") + text + after
    length = len(text) + 1
    varint = bytes([length & 0x7F | 0x80, length >> 7 & 0x7F | 0x80, length >> 14])
    return before[:-2] + varint + text + after


@pytest.mark.parametrize("version", range(4))
def test_every_cut_is_noticed(version: int) -> None:
    written = encode(FULL, version)
    for end in range(len(written)):
        with pytest.raises(MalformedMessage, match=r"^Everything\."):
            decode(Everything, version, written[:end])


@pytest.mark.parametrize(
    ("field", "version", "end", "tail"),
    [
        ("small", 0, 1, b"\0"),
        ("ratio", 0, 13, b"\0\0"),
        ("name", 0, 37, b"\x7f\xff" + b"short"),
        ("name", 0, 37, b"\xff\xff"),  # null where it is not allowed
        ("name", 1, 37, b"\0"),
        ("name", 1, 37, b"\xff\xff\xff\xff\x0f"),  # the length that ended a process elsewhere
        ("name", 1, 37, b"\xff\xff\xff\xff\xff\xff"),  # a varint without an end
        ("name", 1, 37, b"\x80"),
        ("blob", 0, 41, b"\x7f\xff\xff\xff"),
        ("points", 0, 47, b"\x7f\xff\xff\xff" + bytes(100)),
        ("points", 1, 43, b"\x03"),
        # The first of two points has a tagged field where the second should be.
        ("points.x", 1, 43, b"\x03" + b"\1\1\1\5\1?"),
    ],
)
def test_an_error_names_the_field(field: str, version: int, end: int, tail: bytes) -> None:
    written = encode(Everything(), version)
    with pytest.raises(MalformedMessage) as caught:
        decode(Everything, version, written[:end] + tail)
    assert str(caught.value).partition(":")[0] == f"Everything.{field}"


def test_elements_without_bytes_do_not_ask_for_memory() -> None:
    written = encode(Everything(), 0)
    assert written.endswith(bytes(4))  # the count of `nothings`, which take no bytes in version 0
    with pytest.raises(MalformedMessage, match="nothings"):
        decode(Everything, 0, written[:-4] + b"\x7f\xff\xff\xff")


def test_a_tagged_field_of_another_size_is_refused() -> None:
    head = encode(Everything(), 2).removesuffix(b"\0")
    with pytest.raises(MalformedMessage, match="another size"):
        decode(Everything, 2, head + b"\x01\x03\x05\0\0\0\x05?")
    with pytest.raises(MalformedMessage, match="past the end"):
        decode(Everything, 2, head + b"\x01\x02\x7f?")


@pytest.mark.parametrize(
    ("value", "version", "field"),
    [
        (Everything(extra=1), 0, "extra"),  # neither its default nor ignorable
        (Everything(spot=Point()), 1, "spot"),
        (Everything(numbers=None), 0, "numbers"),  # null is allowed from version 1 on
        (Everything(small=1 << 15), 0, "small"),
        (Everything(name="x" * 40_000), 0, "name"),
        (Everything(name="\ud800"), 0, "name"),
        (Everything(points=[Point(x=1), Point(x=200)]), 1, "points.x"),
        (Everything(ids=[None]), 0, "ids"),  # type: ignore[list-item]
    ],
)
def test_what_a_version_cannot_say_is_refused(value: object, version: int, field: str) -> None:
    with pytest.raises(UnwritableMessage, match=rf"Everything\.{field}\b"):
        encode(value, version)


def test_an_ignorable_field_is_dropped_where_the_version_lacks_it() -> None:
    assert decode(Everything, 1, encode(Everything(maybe=Point(x=1)), 1)).maybe is None


def test_a_version_that_the_table_lacks_is_an_error_of_ours() -> None:
    with pytest.raises(ValueError, match="Everything has versions 0-3, not 4"):
        encode(Everything(), 4)


@message(versions="0-1", flexible="1+")
class Answer:
    before: int = wire(INT8, "0+")
    records: Records | None = wire(RECORDS, "0+", nullable="0+")
    after: int = wire(INT8, "0+")


def test_regions_and_large_records_stay_pieces_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "00000000000000000000.log"
    path.write_bytes(b"0123456789")
    region = FileRegion(OpenFile(os.open(path, os.O_RDONLY)), position=2, size_bytes=5)
    large = memoryview(bytes(5000))
    chunks: list[Chunk] = []
    writer(Answer, 0)(Answer(before=1, records=[region, large], after=2), chunks)
    assert chunks == [b"\x01\0\0\x13\x8d", region, large, b"\x02"]
    assert chunks[1] is region
    assert chunks[2] is large
    assert encode(Answer(before=1, records=region, after=2), 1) == b"\x01\x0623456\x02\0"


def test_small_and_absent_records() -> None:
    assert encode(Answer(records=b"abc"), 0) == b"\0\0\0\0\x03abc\0"
    assert encode(Answer(records=[]), 0) == b"\0\0\0\0\0\0"
    assert encode(Answer(records=None), 0) == b"\0\xff\xff\xff\xff\0"
    assert decode(Answer, 0, encode(Answer(records=None), 0)).records is None


def test_the_code_can_be_read() -> None:
    reading, writing = reader_source(Answer, 0).text, writer_source(Answer, 0).text
    assert reading.startswith("def read(view, at):\n    try:\n")
    assert "before_0, n, = unpack_bi(view, at)" in reading
    assert "put(pack_bi(message.before, size_of(message.records)))" not in writing  # may be null
    assert "put_records(chunks, parts, message.records)" in writing
