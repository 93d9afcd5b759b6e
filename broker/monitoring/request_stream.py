"""The requests that are answered from now on, as server-sent events; who looks on pays for it.

    event: Fetch
    data: {"time_ms": 17.., "api": "Fetch", "version": 17, "client_id": "c", ..}     (answered)

What a broker was asked is nobody's state, so nothing of it is kept: without a reader no request is
even looked at. A broker answers faster than a reader reads; then he is told how many he has missed.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

from broker.monitoring.answered import Answered
from broker.monitoring.http import NextChunk
from broker.monitoring.requests import RequestTimes
from broker.monitoring.server_sent import StreamReader

# About 1 MB for each reader.
WAITING_AT_MOST: Final = 4096


@contextmanager
def request_stream(requests: RequestTimes) -> Iterator[NextChunk]:
    """The stream of all that is answered while it's open."""
    reader = StreamReader[Answered](WAITING_AT_MOST)
    requests.readers.add(reader)
    try:
        yield partial(reader.next_chunk, _told)
    finally:
        requests.readers.remove(reader)


def _told(answered: Answered) -> bytes:
    return f"event: {answered.api}\ndata: {json.dumps(answered.document)}\n\n".encode()
