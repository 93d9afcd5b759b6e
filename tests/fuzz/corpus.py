"""Good bytes of every kind, to be damaged."""

from contextlib import suppress
from functools import cache
from uuid import UUID

from broker.wire.apis import API_TABLE, ApiKey
from broker.wire.codec import UnwritableMessage
from broker.wire.compression import Compression
from broker.wire.control_records import build_marker
from broker.wire.framing import RequestHeader, encode_request, encode_response
from broker.wire.messages.consumer_protocol import (
    ConsumerProtocolAssignment,
    ConsumerProtocolSubscription,
)
from broker.wire.messages.offsets_topic import (
    GroupMetadataKey,
    GroupMetadataValue,
    MemberMetadata,
    OffsetCommitKey,
    OffsetCommitValue,
)
from broker.wire.record_batch import build_batch
from broker.wire.records import Record
from broker.wire.versioned import encode_versioned
from tests.broker.wire.every_message import STORED_MESSAGES, versions
from tests.broker.wire.sample_requests import sample_requests
from tests.broker.wire.test_recorded import LINES, from_json, joined

MOST_BYTES = 4096
CORRELATION_ID = 77
CLIENT_ID = "fuzz"
TOPIC_ID = UUID(int=77)
TIMESTAMP_MS = 1_700_000_000_000


@cache
def requests() -> list[tuple[ApiKey, bytes]]:
    """Recorded ones, samples and the messages' defaults, in every version; without their size."""
    recorded = [(API_TABLE[line["key"]].key, line["version"], line["request"]) for line in LINES]
    frames = [
        (key, _request(key, version, from_json(API_TABLE[key].request_class, version, fields)))
        for key, version, fields in recorded
    ]
    samples = sample_requests(TOPIC_ID)
    for api in API_TABLE.values():
        for version in range(api.versions.first, api.max_version + 1):
            for message in (api.request_class(), *samples.get(api.key, [])):
                with suppress(UnwritableMessage):  # it says more than this version can
                    frames.append((api.key, _request(api.key, version, message)))
    return [(key, frame[:MOST_BYTES]) for key, frame in frames]


def _request(key: ApiKey, version: int, message: object) -> bytes:
    return bytes(joined(encode_request(key, version, CORRELATION_ID, CLIENT_ID, message)))


@cache
def responses() -> list[tuple[ApiKey, int, bytes]]:
    """As brokers send them; without their size."""
    recorded = [
        (api, line["version"], from_json(api.response_class, line["version"], line["response"]))
        for line in LINES
        for api in [API_TABLE[line["key"]]]
    ]
    plain = [
        (api, version, api.response_class())
        for api in API_TABLE.values()
        for version in range(api.versions.first, api.max_version + 1)
    ]
    return [
        (api.key, version, _response(api.key, version, message))
        for api, version, message in recorded + plain
    ]


def _response(key: ApiKey, version: int, message: object) -> bytes:
    header = RequestHeader(key, version, CORRELATION_ID, None)
    return bytes(joined(encode_response(header, message)))[:MOST_BYTES]


@cache
def batches() -> list[bytes]:
    """Of all codecs; of one record and of several; plain, of a producer, of a transaction."""
    several = [
        Record(b"key-%d" % number, b"value " * number, TIMESTAMP_MS + number, (("h", b"v"),))
        for number in range(5)
    ]
    return [
        bytes(build_batch(records, compression=codec, **producer))  # type: ignore[arg-type]
        for codec in Compression
        for records in ([Record(None, b"v", TIMESTAMP_MS)], several)
        for producer in (
            {},
            {"producer_id": 5, "producer_epoch": 0, "base_sequence": 0},
            {
                "producer_id": 6,
                "producer_epoch": 1,
                "base_sequence": 3,
                "is_transactional": True,
            },
        )
    ]


@cache
def markers() -> list[bytes]:
    """Ends of transactions, of both kinds."""
    return [
        bytes(build_marker(6, 1, commit=commit, coordinator_epoch=3, timestamp_ms=TIMESTAMP_MS))
        for commit in (True, False)
    ]


@cache
def stored() -> list[bytes]:
    """What lies in records of the coordinators' topics, and what members say to each other."""
    member = MemberMetadata(
        member_id="m", client_id="c", client_host="h", subscription=b"s", assignment=b"a"
    )
    full = [
        OffsetCommitKey(group="g", topic="t", partition=3),
        OffsetCommitValue(offset=5, metadata="m", commit_timestamp=TIMESTAMP_MS),
        GroupMetadataKey(group="g"),
        GroupMetadataValue(
            protocol_type="consumer", generation=1, protocol="p", leader="m", members=[member]
        ),
        ConsumerProtocolSubscription(topics=["a", "b"], user_data=b"data"),
        ConsumerProtocolAssignment(user_data=b"data"),
    ]
    found = []
    for message in (*full, *(cls() for cls in STORED_MESSAGES)):
        for version in versions(type(message)):
            with suppress(UnwritableMessage):
                found.append(encode_versioned(message, version))
    return found
