"""What two answers may differ in, and what they may not: without any broker."""

from typing import Any
from uuid import UUID

import pytest

from broker.groups.committed_offsets import CommittedOffset
from broker.groups.offset_records import offset_record
from broker.wire.apis import ApiKey
from broker.wire.compression import Compression, compress
from broker.wire.format_conversion import message_set_of
from broker.wire.message_set import put_message
from broker.wire.messages.fetch import (
    FetchableTopicResponse,
    FetchPartition,
    FetchRequest,
    FetchResponse,
    FetchTopic,
    PartitionData,
)
from broker.wire.record_batch import build_batch
from broker.wire.records import Record
from coordination.values import TopicPartition
from tests.interop.differential.comparing import differences
from tests.interop.differential.differences import Found, deliberate
from tests.interop.differential.normalising import normal
from tests.interop.differential.symbols import Names, Symbol


def tree(records: bytes, topic: str = "t") -> Any:
    """An answer with these records, as it is compared."""
    partition = PartitionData(partition_index=0, records=records)
    answer = FetchResponse(responses=[FetchableTopicResponse(topic=topic, partitions=[partition])])
    return normal(ApiKey.FETCH, Names(), answer)


def commits(*offsets: tuple[int, int], group: str = "g", time_ms: int = 7) -> bytes:
    """A batch of offsets, by partition."""
    records = [
        offset_record(
            group, TopicPartition("t", partition), CommittedOffset(offset, -1, "", time_ms), time_ms
        )
        for partition, offset in offsets
    ]
    return bytes(build_batch(records))


STORED = "__consumer_offsets"


def test_the_order_of_what_a_group_committed() -> None:
    one = tree(commits((0, 5), (1, 6)), STORED)
    assert one == tree(commits((1, 6), (0, 5)), STORED)
    assert one != tree(commits((0, 6), (1, 5)), STORED)
    assert one != tree(commits((0, 5), (1, 6), group="other"), STORED)
    assert one != tree(commits((0, 5), (1, 6), time_ms=8), STORED)
    # It's the coordinator's records alone that are in no order.
    assert tree(commits((0, 5), (1, 6))) != tree(commits((1, 6), (0, 5)))


def messages(*values: bytes, codec: Compression = Compression.NONE, first_offset: int = 0) -> bytes:
    """In format 0; compressed ones in a wrapper."""
    plain = bytearray()
    for offset, value in enumerate(values, first_offset):
        put_message(plain, offset, 0, 0, -1, b"k", value)
    if codec is Compression.NONE:
        return bytes(plain)
    wrapper = bytearray()
    last_offset = first_offset + len(values) - 1
    put_message(wrapper, last_offset, 0, codec, -1, None, compress(codec, plain))
    return bytes(wrapper)


def test_messages_of_old_formats_are_compared_one_by_one() -> None:
    one = tree(messages(b"a", b"b"))
    assert one == tree(messages(b"a", b"b") + messages(b"c")[:-1])
    assert one != tree(messages(b"a", b"c"))
    assert one != tree(messages(b"a", b"b", first_offset=1))
    assert one != tree(messages(b"a", b"b", codec=Compression.GZIP))
    packed = messages(b"a", b"b", codec=Compression.GZIP)
    assert tree(packed) != tree(messages(b"a", b"c", codec=Compression.GZIP))
    assert tree(packed) != tree(messages(b"a", b"b", codec=Compression.SNAPPY))


@pytest.mark.parametrize("magic", [0, 1])
def test_a_converted_batch(magic: int) -> None:
    batch = build_batch([Record(b"k", b"a", 5), Record(b"k", b"b", 6)])
    found = tree(message_set_of(batch, magic, 0, 1000))
    [partition] = found["responses"][0]["partitions"]
    assert [each["value"] for each in partition["records"]] == [b"a", b"b"]


def meant(kafka: bytes, ours: bytes, version: int, asked_bytes: int) -> set[str | None]:
    """Names of the deliberate differences between answers to such a request."""
    topic: Any = Symbol("topic", "plain")
    asked = FetchPartition(partition_max_bytes=asked_bytes)
    request = FetchRequest(
        topics=[FetchTopic(topic=topic, topic_id=UUID(int=0), partitions=[asked])]
    )
    found = differences(tree(kafka), tree(ours))
    known = [
        deliberate(Found(ApiKey.FETCH, version, path, theirs, own, request, (None, None)))
        for path, theirs, own in found
    ]
    return {None if each is None else each.name for each in known}


def test_what_we_send_more_of_in_old_formats() -> None:
    more = messages(b"a", b"b", b"c")
    assert meant(b"", more, 2, 100) == {"a message larger than asked for"}
    assert meant(b"", more, 2, 100_000) == {None}
    assert meant(b"", more, 3, 100) == {None}
    assert meant(messages(b"a"), more, 3, 100) == {"what is before zstd"}
    assert meant(messages(b"a"), more, 4, 100) == {None}
    assert meant(messages(b"x"), more, 3, 100) == {None}
    assert meant(more, messages(b"a"), 3, 100) == {None}
    assert meant(more, b"", 2, 100) == {None}
