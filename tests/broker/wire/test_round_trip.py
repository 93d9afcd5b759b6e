"""Every message in every version: what is written is read again, to the last byte."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broker.wire.codec import decode, encode, reader
from broker.wire.messages.join_group import JoinGroupRequest, JoinGroupRequestProtocol
from broker.wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from tests.broker.wire.every_message import EVERY_MESSAGE, EVERY_VERSION, versions
from tests.broker.wire.strategies import messages

SETTINGS = settings(
    deadline=None,  # the first example of a version compiles its code
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.mark.parametrize("message", EVERY_MESSAGE, ids=lambda message: message.__name__)
@settings(SETTINGS, max_examples=3)
@given(data=st.data())
def test_what_is_written_is_read(message: type, data: st.DataObject) -> None:
    write_and_read(message, data)


@pytest.mark.matrix
@pytest.mark.parametrize("message", EVERY_MESSAGE, ids=lambda message: message.__name__)
@settings(SETTINGS, max_examples=40)
@given(data=st.data())
def test_whatever_is_written_is_read(message: type, data: st.DataObject) -> None:
    write_and_read(message, data)


def write_and_read(message: type, data: st.DataObject) -> None:
    version = data.draw(st.sampled_from(versions(message)))
    value = data.draw(messages(message, version))
    written = encode(value, version)
    assert reader(message, version)(memoryview(written), 0) == (value, len(written))
    # Inside other bytes, too: a reader starts where it is told and takes only its own.
    framed = memoryview(b"head" + written + b"tail")
    assert reader(message, version)(framed, 4) == (value, 4 + len(written))


@pytest.mark.parametrize(("message", "version"), EVERY_VERSION)
def test_defaults_can_be_written_in_every_version(message: type, version: int) -> None:
    assert decode(message, version, encode(message(), version)) == message()


def test_records_are_read_as_a_view_and_other_bytes_as_a_copy() -> None:
    partition = PartitionProduceData(records=b"batch")
    produce = ProduceRequest(topic_data=[TopicProduceData(partition_data=[partition])])
    frame = bytearray(encode(produce, 11))
    records = decode(ProduceRequest, 11, memoryview(frame)).topic_data[0].partition_data[0].records
    assert isinstance(records, memoryview)
    frame[frame.index(b"batch")] = ord("B")
    assert bytes(records) == b"Batch"

    join = JoinGroupRequest(protocols=[JoinGroupRequestProtocol(metadata=b"kept")])
    frame = bytearray(encode(join, 9))
    protocol = decode(JoinGroupRequest, 9, memoryview(frame)).protocols[0]
    frame[:] = bytes(len(frame))
    assert protocol == JoinGroupRequestProtocol(metadata=b"kept")
