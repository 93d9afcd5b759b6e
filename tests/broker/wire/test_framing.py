"""Frames byte by byte: headers, sizes, and what is answered to what we do not speak."""

import os
from pathlib import Path

import pytest

from broker.wire.apis import ApiKey
from broker.wire.codec import MalformedMessage
from broker.wire.framing import (
    RequestHeader,
    UnknownApi,
    UnsupportedVersion,
    decode_request,
    decode_response,
    encode_request,
    encode_response,
)
from broker.wire.messages.api_versions import ApiVersion, ApiVersionsRequest, ApiVersionsResponse
from broker.wire.messages.controlled_shutdown import ControlledShutdownRequest
from broker.wire.messages.fetch import FetchableTopicResponse, FetchResponse, PartitionData
from broker.wire.messages.heartbeat import HeartbeatRequest, HeartbeatResponse
from broker.wire.regions import FileRegion, OpenFile

HEARTBEAT = b"\0\x0c"
API_VERSIONS = b"\0\x12"
METADATA = b"\0\x03"


def request_bytes(key: ApiKey, version: int, client_id: str | None, request: object) -> bytes:
    (frame,) = encode_request(key, version, 5, client_id, request)
    assert isinstance(frame, bytes)
    return frame


def test_request_header_0_has_no_client_id() -> None:
    request = ControlledShutdownRequest(broker_id=9)
    frame = request_bytes(ApiKey.CONTROLLED_SHUTDOWN, 0, "ignored", request)
    assert frame == b"\0\0\0\x0c" + b"\0\x07\0\0\0\0\0\x05" + b"\0\0\0\x09"
    header = RequestHeader(ApiKey.CONTROLLED_SHUTDOWN, 0, 5, None)
    assert decode_request(memoryview(frame)[4:]) == (header, request)


def test_request_header_1_has_a_client_id() -> None:
    request = HeartbeatRequest(group_id="g", generation_id=1, member_id="m")
    frame = request_bytes(ApiKey.HEARTBEAT, 0, "me", request)
    body = b"\0\x01g\0\0\0\x01\0\x01m"
    assert frame == b"\0\0\0\x16" + HEARTBEAT + b"\0\0\0\0\0\x05" + b"\0\x02me" + body
    header = RequestHeader(ApiKey.HEARTBEAT, 0, 5, "me")
    assert decode_request(memoryview(frame)[4:]) == (header, request)


def test_request_header_2_has_tagged_fields_and_still_a_short_client_id() -> None:
    request = HeartbeatRequest(group_id="g", generation_id=1, member_id="m")
    frame = request_bytes(ApiKey.HEARTBEAT, 4, None, request)
    head, body = HEARTBEAT + b"\0\x04\0\0\0\x05" + b"\xff\xff", b"\x02g\0\0\0\x01\x02m\0\0"
    assert frame[4:] == head + b"\0" + body
    header = RequestHeader(ApiKey.HEARTBEAT, 4, 5, None)
    assert decode_request(memoryview(frame)[4:]) == (header, request)
    with_tag = head + b"\x01\x09\x03???" + body
    assert decode_request(memoryview(with_tag)) == (header, request)


def test_response_headers() -> None:
    response = HeartbeatResponse(error_code=27)
    for version, expected in (
        (0, b"\0\0\0\x06" + b"\0\0\0\x05" + b"\0\x1b"),
        (4, b"\0\0\0\x0c" + b"\0\0\0\x05\0" + b"\0\0\0\0\0\x1b\0"),
    ):
        header = RequestHeader(ApiKey.HEARTBEAT, version, 5, None)
        assert encode_response(header, response) == [expected]
        frame = memoryview(expected)[4:]
        assert decode_response(ApiKey.HEARTBEAT, version, frame) == (5, response)


def test_the_response_header_of_api_versions_has_no_tagged_fields() -> None:
    header = RequestHeader(ApiKey.API_VERSIONS, 4, 5, None)
    (frame,) = encode_response(header, ApiVersionsResponse())
    assert frame == b"\0\0\0\x0c" + b"\0\0\0\x05" + b"\0\0\x01\0\0\0\0\0"


def test_an_unknown_api_versions_version_can_still_be_answered() -> None:
    frame = API_VERSIONS + b"\0\x63\0\0\0\x05" + b"\0\x01c\0" + b"whatever comes in version 99"
    with pytest.raises(UnsupportedVersion, match="ApiVersions has versions 0-4, not 99") as caught:
        decode_request(memoryview(frame))
    assert caught.value.header == RequestHeader(ApiKey.API_VERSIONS, 99, 5, "c")
    assert caught.value.answer_to is not None
    answer = ApiVersionsResponse(error_code=35, api_keys=[ApiVersion(api_key=18, max_version=4)])
    assert encode_response(caught.value.answer_to, answer) == [
        b"\0\0\0\x10" + b"\0\0\0\x05" + b"\0\x23" + b"\0\0\0\x01\0\x12\0\0\0\x04"
    ]


@pytest.mark.parametrize(
    "start",
    [METADATA + b"\0\x63", METADATA + b"\xff\xff"],
    ids=["above", "negative"],
)
def test_other_unsupported_versions_have_no_answer(start: bytes) -> None:
    with pytest.raises(UnsupportedVersion) as caught:
        decode_request(memoryview(start + b"\0\0\0\x05\xff\xff\0"))
    assert caught.value.answer_to is None
    assert caught.value.header.correlation_id == 5


def test_unknown_apis_are_told_apart() -> None:
    with pytest.raises(UnknownApi, match="no API has key 999") as caught:
        decode_request(memoryview(b"\x03\xe7\0\x01\0\0\0\x05"))
    assert caught.value.api_key == 999


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        HEARTBEAT + b"\0\0\0\0\0",
        HEARTBEAT + b"\0\0\0\0\0\x05\0",
        HEARTBEAT + b"\0\0\0\0\0\x05\0\x09short",
        HEARTBEAT + b"\0\x04\0\0\0\x05\xff\xff",
        HEARTBEAT + b"\0\x04\0\0\0\x05\xff\xff\x01\x01\x7f?",
    ],
)
def test_headers_that_are_cut_are_malformed(frame: bytes) -> None:
    with pytest.raises(MalformedMessage, match="RequestHeader"):
        decode_request(memoryview(frame))


def test_a_response_that_is_cut_is_malformed() -> None:
    with pytest.raises(MalformedMessage, match="ResponseHeader"):
        decode_response(ApiKey.HEARTBEAT, 4, memoryview(b"\0\0\0\x05"))
    with pytest.raises(MalformedMessage, match=r"HeartbeatResponse\.throttle_time_ms"):
        decode_response(ApiKey.HEARTBEAT, 4, memoryview(b"\0\0\0\x05\0\0"))


def test_the_size_counts_what_is_still_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "00000000000000000000.log"
    path.write_bytes(bytes(range(100)))
    region = FileRegion(OpenFile(os.open(path, os.O_RDONLY)), position=10, size_bytes=80)
    partition = PartitionData(partition_index=0, aborted_transactions=None, records=region)
    response = FetchResponse(responses=[FetchableTopicResponse(topic="t", partitions=[partition])])
    header = RequestHeader(ApiKey.FETCH, 11, 5, None)
    chunks = encode_response(header, response)
    # Records end this version's response: nothing follows the region, not even an empty piece.
    assert chunks[1:] == [region]
    head = chunks[0]
    assert isinstance(head, bytes)
    assert int.from_bytes(head[:4], "big") == len(head) - 4 + 80
    _, read = decode_response(ApiKey.FETCH, 11, memoryview(head + region.read())[4:])
    assert bytes(read.responses[0].partitions[0].records) == bytes(range(10, 90))


def test_a_client_names_its_software_in_the_body() -> None:
    request = ApiVersionsRequest(client_software_name="kafkajs", client_software_version="2")
    frame = request_bytes(ApiKey.API_VERSIONS, 3, "my-app", request)
    assert decode_request(memoryview(frame)[4:])[1] == request
