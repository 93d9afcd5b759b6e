"""The trace as server-sent events: from the memory on, after a pause, and for slow readers."""

import json

import pytest
import trio
from trio.testing import MockClock

from broker.events import EventLog
from broker.monitoring.event_stream import WAITING_AT_MOST, event_stream
from broker.monitoring.server_sent import EVENTS_AT_ONCE, KEEP_ALIVE_S


@pytest.fixture
def events() -> EventLog:
    return EventLog(1, life="cafe")


def heard(chunk: bytes) -> list[dict[str, str]]:
    """The fields of each event, as an EventSource takes them."""
    *messages, rest = chunk.decode().split("\n\n")
    assert rest == ""
    return [dict(line.split(": ", 1) for line in message.split("\n")) for message in messages]


async def test_an_event_is_told_with_its_id_kind_and_document(events: EventLog) -> None:
    lost = events("session.lost", session_id=7)
    with event_stream(events) as next_chunk:
        [message] = heard(await next_chunk())
    assert message["id"] == lost == "cafe.1"
    assert message["event"] == "session.lost"
    assert json.loads(message["data"]) == events.recent[0].document


async def test_what_is_in_memory_comes_first_and_then_what_happens(events: EventLog) -> None:
    before = [events("broker.stopped") for _ in range(3)]
    with event_stream(events) as next_chunk:
        assert [message["id"] for message in heard(await next_chunk())] == before
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def happens() -> None:
                await trio.testing.wait_all_tasks_blocked()
                events("broker.stopped")

            [message] = heard(await next_chunk())
    assert message["id"] == "cafe.4"
    assert events.readers == set()


@pytest.mark.parametrize(
    ("last", "told"), [("cafe.2", ["cafe.3"]), ("beef.9", ["cafe.1", "cafe.2", "cafe.3"])]
)
async def test_a_reader_who_comes_back_goes_on_where_he_was(
    events: EventLog, last: str, told: list[str]
) -> None:
    for _ in range(3):
        events("broker.stopped")
    with event_stream(events, last) as next_chunk:
        assert [message["id"] for message in heard(await next_chunk())] == told


async def test_a_slow_reader_loses_the_oldest_and_is_told_how_many(events: EventLog) -> None:
    with event_stream(events) as next_chunk:
        for _ in range(WAITING_AT_MOST + 17):
            events("broker.stopped")
        lost, first, *_ = heard(await next_chunk())
        assert lost == {"event": "lost", "data": '{"lost": 17}'}
        assert first["id"] == "cafe.18"
        again = heard(await next_chunk())
        assert again[0]["id"] == f"cafe.{18 + EVENTS_AT_ONCE}"  # told once


async def test_a_quiet_stream_shows_that_it_lives(
    events: EventLog, autojump_clock: MockClock
) -> None:
    with event_stream(events) as next_chunk:
        assert await next_chunk() == b":\n\n"
        assert trio.current_time() == pytest.approx(KEEP_ALIVE_S)
        events("broker.stopped")
        assert len(heard(await next_chunk())) == 1
