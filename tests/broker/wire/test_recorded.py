"""What real clients and brokers said to each other: `data/requests.jsonl`, from a 3.9.1 cluster.

Each line is one request and its response as the broker's request log shows them: the fields of that
version as JSON.  Both must fit into our messages without a remainder, survive encoding and
decoding, and give the same JSON again.
"""

import base64
import json
from pathlib import Path
from typing import Any
from uuid import UUID

import attrs
import pytest

from broker.wire.apis import API_TABLE, ApiKey
from broker.wire.framing import (
    RequestHeader,
    decode_request,
    decode_response,
    encode_request,
    encode_response,
)
from broker.wire.schema import Kind, WireType, fields_of
from tests.broker.wire.definitions import snake_case

LINES = [
    json.loads(line)
    for line in (Path(__file__).parent / "data" / "requests.jsonl").read_text().splitlines()
]


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line['api']}-{line['from']}")
def test_a_recorded_exchange(line: dict[str, Any]) -> None:
    api, version = API_TABLE[line["key"]], line["version"]
    assert api.key.name == line["api"]
    header = RequestHeader(api.key, version, 77, "recorder")

    request = from_json(api.request_class, version, line["request"])
    frame = joined(encode_request(api.key, version, 77, "recorder", request))
    assert decode_request(frame) == (header, request)

    response = from_json(api.response_class, version, line["response"])
    frame = joined(encode_response(header, response))
    assert decode_response(ApiKey(api.key), version, frame) == (77, response)


def joined(chunks: list[Any]) -> memoryview:
    frame = b"".join(chunks)
    assert int.from_bytes(frame[:4], "big") == len(frame) - 4
    return memoryview(frame)[4:]


def from_json(cls: type, version: int, document: dict[str, Any]) -> Any:
    """One of our messages from the request log's JSON of it."""
    by_name = {snake_case(name): value for name, value in document.items()}
    values = {}
    for field in fields_of(cls):
        if version not in field.versions:
            continue
        if field.type.kind is Kind.RECORDS:  # the log gives only their size
            values[field.name] = bytes(by_name.pop("records_size_in_bytes"))
        elif field.name in by_name:
            values[field.name] = value_of(field.type, version, by_name.pop(field.name))
        else:
            assert field.tag is not None, f"{cls.__name__}.{field.name} is missing"
    assert not by_name, f"{cls.__name__} has no {sorted(by_name)}"
    return attrs.evolve(cls(), **values)


def value_of(wire_type: WireType[Any], version: int, value: Any) -> Any:
    if value is None:
        return None
    if wire_type.kind is Kind.ARRAY:
        assert wire_type.element is not None
        return [value_of(wire_type.element, version, element) for element in value]
    if wire_type.kind is Kind.STRUCT:
        assert wire_type.struct is not None
        return from_json(wire_type.struct, version, value)
    if wire_type.kind is Kind.BYTES:
        return base64.b64decode(value)
    if wire_type.name == "uuid":
        return UUID(bytes=base64.urlsafe_b64decode(value + "=="))
    return value
