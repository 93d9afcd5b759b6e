"""Damaged frames: whatever comes in, only the announced errors come out, and memory stays bounded.

The frames are the recorded ones and those of all messages' defaults; the damage is seeded, so that
a failure can be repeated.
"""

import random
import tracemalloc
from contextlib import suppress

import pytest

from broker.wire.apis import API_TABLE
from broker.wire.codec import MalformedMessage
from broker.wire.framing import (
    UnknownApi,
    UnsupportedVersion,
    decode_request,
    decode_response,
    encode_request,
)
from tests.broker.wire.test_recorded import LINES, from_json, joined

EXPECTED = (MalformedMessage, UnsupportedVersion, UnknownApi)
MUTANTS_PER_FRAME = 60


def frames() -> list[bytes]:
    recorded = [
        joined(
            encode_request(
                api.key,
                line["version"],
                1,
                "fuzz",
                from_json(api.request_class, line["version"], line["request"]),
            )
        )
        for line in LINES
        for api in [API_TABLE[line["key"]]]
    ]
    plain = [
        joined(encode_request(api.key, version, 1, "fuzz", api.request_class()))
        for api in API_TABLE.values()
        for version in range(api.versions.first, api.max_version + 1)
    ]
    return [bytes(frame[:4096]) for frame in recorded + plain]


def damaged(frame: bytes, rng: random.Random) -> bytes:
    """The frame with one to three bytes changed, cut, or put in, favouring extreme values."""
    out = bytearray(frame)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(out)) if out else 0
        match rng.randrange(4):
            case 0:
                out[at : at + 1] = bytes([rng.choice((0, 1, 0x7F, 0x80, 0xFF))])
            case 1:
                out[at : at + 4] = rng.choice(
                    (b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff", b"\x80\0\0\0", b"\xff\xff\xff\x0f")
                )
            case 2:
                del out[at:]
            case 3:
                out[at:at] = rng.randbytes(rng.randint(1, 6))
    return bytes(out)


def test_damaged_requests_raise_only_what_is_announced() -> None:
    rng = random.Random(39)
    outcomes = {"read": 0, "refused": 0}
    for frame in frames():
        for _ in range(MUTANTS_PER_FRAME):
            try:
                decode_request(memoryview(damaged(frame, rng)))
                outcomes["read"] += 1
            except EXPECTED:
                outcomes["refused"] += 1
    assert min(outcomes.values()) > 1000  # both ways are exercised


def test_damaged_responses_raise_only_what_is_announced() -> None:
    rng = random.Random(17)
    for frame in frames():
        for api in rng.sample(list(API_TABLE.values()), 4):
            version = rng.randint(api.versions.first, api.max_version)
            # A request's bytes are as good a nonsense as any for a response.
            with suppress(MalformedMessage):
                decode_response(api.key, version, memoryview(damaged(frame, rng)))


@pytest.mark.parametrize("count", [b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff\x07"])
def test_memory_stays_in_proportion_to_the_frame(count: bytes) -> None:
    """Each count in each frame announces two thousand million elements, with some bytes behind."""
    tracemalloc.start()
    try:
        for frame in frames():
            head = frame[:-1] if len(frame) < 64 else frame[:64]
            for at in range(8, len(head)):
                with suppress(*EXPECTED):
                    decode_request(memoryview(head[:at] + count + bytes(2000)))
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 20_000_000
