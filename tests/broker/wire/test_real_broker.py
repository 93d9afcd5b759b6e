"""Our frames before a real Kafka 3.9.1: it reads all we write, and we read all it writes.

For every API and version a request is sent; a broker closes the connection on one that it cannot
parse, so an answer is a proof.  The answer is decoded, and encoded again it must be the very same
bytes: nothing was skipped, misread or left out.
"""

import socket
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest

from broker.wire.apis import API_TABLE, Api, ApiKey
from broker.wire.codec import UnwritableMessage, encode
from broker.wire.errors import ErrorCode
from broker.wire.framing import (
    RequestHeader,
    UnsupportedVersion,
    decode_request,
    decode_response,
    encode_request,
    encode_response,
)
from broker.wire.messages.api_versions import ApiVersion, ApiVersionsRequest, ApiVersionsResponse
from broker.wire.messages.create_topics import CreatableTopic, CreateTopicsRequest
from broker.wire.messages.metadata import MetadataRequest, MetadataRequestTopic
from broker.wire.record_batch import batches
from tests.broker.wire.sample_requests import TOPIC, sample_requests
from tests.support.broker_process import running_broker
from tests.support.server import ServerProcess

pytestmark = pytest.mark.server

TIMEOUT_S = 30.0
CORRELATION_ID = 7


class Connection:
    """A blocking connection that speaks through `framing`, and checks each answer's bytes."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)

    def ask(self, key: ApiKey, version: int, request: object) -> Any:
        self.socket.sendall(joined(encode_request(key, version, CORRELATION_ID, "wire", request)))
        frame = self.receive_frame()
        correlation_id, response = decode_response(key, version, memoryview(frame))
        assert correlation_id == CORRELATION_ID
        header = RequestHeader(key, version, CORRELATION_ID, None)
        assert joined(encode_response(header, response))[4:] == frame
        return response

    def receive_frame(self) -> bytes:
        """An answer without its size."""
        return self._receive(int.from_bytes(self._receive(4), "big"))

    def _receive(self, size_bytes: int) -> bytes:
        data = b""
        while len(data) < size_bytes:
            piece = self.socket.recv(size_bytes - len(data))
            assert piece, "the broker closed the connection: it could not parse the request"
            data += piece
        return data


def joined(chunks: list[Any]) -> bytes:
    return b"".join(chunks)


@pytest.fixture(scope="module")
def kafka(
    zookeeper_server: ServerProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    chroot = f"127.0.0.1:{zookeeper_server.port}/wire"
    with running_broker("kafka", 1, chroot, tmp_path_factory.mktemp("wire-kafka")) as server:
        yield server


@pytest.fixture
def connection(kafka: ServerProcess) -> Iterator[Connection]:
    connection = Connection(kafka.port)
    with connection.socket:
        yield connection


@pytest.fixture(scope="module")
def topic_id(kafka: ServerProcess) -> UUID:
    """The id of a topic that exists and has its leader."""
    connection = Connection(kafka.port)
    with connection.socket:
        # A broker has heard of itself when the controller has; before, it can create no topic.
        wait_for(lambda: connection.ask(ApiKey.METADATA, 12, MetadataRequest(topics=[])).brokers)
        topic = CreatableTopic(name=TOPIC, num_partitions=1, replication_factor=1)
        request = CreateTopicsRequest(topics=[topic])
        created = connection.ask(ApiKey.CREATE_TOPICS, 7, request).topics[0]
        assert created.error_code == ErrorCode.NONE
        topic_id: UUID = created.topic_id
        question = MetadataRequest(topics=[MetadataRequestTopic(name=TOPIC)])
        wait_for(lambda: connection.ask(ApiKey.METADATA, 12, question).topics[0].error_code == 0)
        return topic_id


def wait_for(happened: Callable[[], object]) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not happened():
        assert time.monotonic() < deadline


def fits(request: object, version: int) -> bool:
    """Whether this version has a place for all that the request says."""
    try:
        encode(request, version)
    except UnwritableMessage:
        return False
    return True


ANSWERED = [api for api in API_TABLE.values() if api.key is not ApiKey.ENVELOPE]


@pytest.mark.parametrize("api", ANSWERED, ids=lambda api: api.name)
def test_every_version_of_every_api(api: Api, connection: Connection, topic_id: UUID) -> None:
    samples = sample_requests(topic_id)[api.key]
    for version in range(api.versions.first, api.max_version + 1):
        fitting = [request for request in samples if fits(request, version)]
        assert fitting, f"no sample fits version {version}"
        for request in fitting:
            connection.ask(api.key, version, request)


def test_records_arrive_as_they_were_sent(connection: Connection, topic_id: UUID) -> None:
    samples = sample_requests(topic_id)
    sent = samples[ApiKey.PRODUCE][0]
    produced = connection.ask(ApiKey.PRODUCE, 11, sent).responses[0].partition_responses[0]
    assert produced.error_code == ErrorCode.NONE
    (request,) = samples[ApiKey.FETCH]
    request.topics[0].partitions[0].fetch_offset = produced.base_offset  # type: ignore[attr-defined]
    fetched = connection.ask(ApiKey.FETCH, 17, request).responses[0].partitions[0]
    (batch,) = batches(fetched.records)
    assert batch.base_offset == produced.base_offset
    assert [(record.key, record.value) for record in batch.records()] == [
        (b"k", b"v" * 100),
        (None, b"w"),
    ]


def test_what_is_advertised(connection: Connection) -> None:
    named = ApiVersionsRequest(client_software_name="wire", client_software_version="1")
    response = connection.ask(ApiKey.API_VERSIONS, 4, named)
    theirs = {api.api_key: (api.min_version, api.max_version) for api in response.api_keys}
    ours = {api.key: (api.min_version, api.max_version) for api in API_TABLE.values()}
    assert ours == {key: theirs[key] for key in ours}


def test_an_api_versions_request_of_the_future(connection: Connection) -> None:
    """Ours and the real broker's answer to the same bytes are the same bytes."""
    question = b"\0\x12\0\x63\0\0\0\x07\0\x04wire\0" + b"what version 99 has to say"
    connection.socket.sendall(len(question).to_bytes(4, "big") + question)
    theirs = connection.receive_frame()
    with pytest.raises(UnsupportedVersion) as caught:
        decode_request(memoryview(question))
    assert caught.value.answer_to is not None
    own = ApiVersion(api_key=ApiKey.API_VERSIONS, min_version=0, max_version=4)
    answer = ApiVersionsResponse(error_code=ErrorCode.UNSUPPORTED_VERSION, api_keys=[own])
    assert joined(encode_response(caught.value.answer_to, answer))[4:] == theirs


def test_bytes_behind_a_request_are_ignored_there_too(connection: Connection) -> None:
    frame = joined(encode_request(ApiKey.METADATA, 1, CORRELATION_ID, "wire", MetadataRequest()))
    size_bytes = len(frame) - 4 + 3
    connection.socket.sendall(size_bytes.to_bytes(4, "big") + frame[4:] + b"???")
    decode_response(ApiKey.METADATA, 1, memoryview(connection.receive_frame()))
    decode_request(memoryview(frame[4:] + b"???"))
