"""Messages behind a version of their own: the records of `__consumer_offsets`, group metadata."""

import pytest

from broker.wire.codec import MalformedMessage
from broker.wire.messages.consumer_protocol import (
    ConsumerProtocolSubscription,
    SubscriptionTopicPartition,
)
from broker.wire.messages.offsets_topic import (
    GroupMetadataKey,
    OffsetCommitKey,
    OffsetCommitValue,
)
from broker.wire.versioned import decode_versioned, encode_versioned, peek_version

COMMIT_KEY = b"\0\x01" + b"\0\x01g\0\x01t\0\0\0\x02"


def test_the_version_stands_in_front() -> None:
    key = OffsetCommitKey(group="g", topic="t", partition=2)
    assert encode_versioned(key, 1) == COMMIT_KEY
    assert decode_versioned(OffsetCommitKey, COMMIT_KEY) == (key, 1)
    assert decode_versioned(OffsetCommitKey, memoryview(COMMIT_KEY)) == (key, 1)


def test_the_version_of_a_key_tells_its_kind() -> None:
    assert peek_version(COMMIT_KEY) == 1
    assert peek_version(encode_versioned(GroupMetadataKey(group="g"), 2)) == 2


def test_a_flexible_value() -> None:
    value = OffsetCommitValue(offset=9, leader_epoch=1, metadata="m", commit_timestamp=3)
    written = encode_versioned(value, 4)
    assert written == (
        b"\0\x04" + b"\0\0\0\0\0\0\0\x09" + b"\0\0\0\x01" + b"\x02m" + b"\0\0\0\0\0\0\0\x03" + b"\0"
    )
    assert decode_versioned(OffsetCommitValue, written) == (value, 4)


def test_an_unknown_version_is_refused() -> None:
    with pytest.raises(MalformedMessage, match="OffsetCommitKey has versions 0-1, not 7"):
        decode_versioned(OffsetCommitKey, b"\0\x07" + COMMIT_KEY[2:])
    with pytest.raises(MalformedMessage, match="1 bytes are there"):
        peek_version(b"\0")


def test_consumers_of_the_future_are_read_as_the_newest_we_know() -> None:
    subscription = ConsumerProtocolSubscription(
        topics=["t"],
        owned_partitions=[SubscriptionTopicPartition(topic="t", partitions=[0, 1])],
        generation_id=4,
        rack_id="r",
    )
    written = encode_versioned(subscription, 3)
    future = b"\0\x09" + written[2:] + b"what version 9 appends"
    read = decode_versioned(ConsumerProtocolSubscription, future, newer_as_newest=True)
    assert read == (subscription, 9)
    with pytest.raises(MalformedMessage):
        decode_versioned(ConsumerProtocolSubscription, b"\xff\xff" + written[2:])
