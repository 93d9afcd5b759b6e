"""A frame that announces more than it has: what is allocated is in proportion to its bytes."""

import tracemalloc
from contextlib import suppress

import pytest

from broker.wire.codec import MalformedMessage
from broker.wire.framing import UnknownApi, UnsupportedVersion, decode_request
from tests.fuzz import corpus


@pytest.mark.parametrize("count", [b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff\x07"])
@pytest.mark.long
def test_memory_stays_in_proportion_to_the_frame(count: bytes) -> None:
    """Each count in each frame announces two thousand million elements, with some bytes behind."""
    frames = [frame for _, frame in corpus.requests()[::5]]
    tracemalloc.start()
    try:
        for frame in frames:
            head = frame[:-1] if len(frame) < 64 else frame[:64]
            for at in range(8, len(head)):
                with suppress(MalformedMessage, UnsupportedVersion, UnknownApi):
                    decode_request(memoryview(head[:at] + count + bytes(2000)))
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 20_000_000
