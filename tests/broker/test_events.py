"""The trace: ids and causes, and the three places an event goes to."""

import json
import logging
from pathlib import Path

import pytest

from broker.events import EVENTS_IN_MEMORY, Event, EventLog
from coordination.values import Recorder, TopicPartition


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def event_log(path: Path | None = None, **settings: int) -> EventLog:
    clock = Clock()
    return EventLog(
        1, path, life="cafe", wall_clock=lambda: 1_760_000_000.5, monotonic_clock=clock, **settings
    )


def test_an_effect_leads_back_to_its_cause(tmp_path: Path) -> None:
    events = event_log(tmp_path / "logs" / "events.jsonl")
    record: Recorder = events
    lost = record("session.lost", session_id=7)
    elected = record(
        "partition.leader_elected", cause=lost, partition=TopicPartition("t", 0), isr=(2, 3)
    )
    events.close()

    lines = (tmp_path / "logs" / "events.jsonl").read_text().splitlines()
    assert json.loads(lines[1]) == {
        "id": elected,
        "broker": 1,
        "time_ms": 1_760_000_000_500,
        "monotonic_ms": 0,
        "kind": "partition.leader_elected",
        "cause": lost,
        "facts": {"partition": "t-0", "isr": [2, 3]},
    }
    assert [event.id for event in events.recent] == [lost, elected] == ["cafe.1", "cafe.2"]


def test_monotonic_time_counts_from_the_start_of_this_life() -> None:
    clock = Clock()
    events = EventLog(1, None, monotonic_clock=clock)
    clock.now += 2.5
    events("broker.stopped")
    assert events.recent[0].monotonic_ms == 2500


def test_each_life_of_a_broker_has_ids_of_its_own() -> None:
    assert EventLog(1, None)("broker.stopped") != EventLog(1, None)("broker.stopped")


def test_facts_of_any_kind_can_be_written() -> None:
    events = event_log()
    events("topic.created", assignment={TopicPartition("t", 0): (1, 2)}, brokers={3, 1}, why=None)
    assert json.loads(events.recent[0].to_json())["facts"] == {
        "assignment": {"t-0": [1, 2]},
        "brokers": [1, 3],
        "why": None,
    }


def test_events_before_the_file_may_be_written_are_not_lost(tmp_path: Path) -> None:
    events = event_log()
    events("broker.starting")
    events.write_to(tmp_path / "events.jsonl")
    events("broker.stopped")
    events.close()
    lines = (tmp_path / "events.jsonl").read_text().splitlines()
    kinds = [json.loads(line)["kind"] for line in lines]
    assert kinds == ["broker.starting", "broker.stopped"]


def test_memory_is_bounded() -> None:
    events = event_log()
    for _ in range(EVENTS_IN_MEMORY + 5):
        events("broker.stopped")
    assert len(events.recent) == EVENTS_IN_MEMORY
    assert events.recent[0].id == "cafe.6"


def test_the_file_is_bounded_and_the_newest_events_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    events = event_log(path, max_file_bytes=1000)
    for _ in range(50):
        events("broker.stopped")
    events.close()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["events.jsonl", "events.jsonl.1"]
    kept = [path.with_name("events.jsonl.1"), path]
    assert all(file.stat().st_size <= 1000 for file in kept)
    numbers = [
        int(json.loads(line)["id"].split(".")[1])
        for file in kept
        for line in file.read_text().splitlines()
    ]
    assert numbers == list(range(numbers[0], 51))


def test_a_restart_goes_on_in_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    for _ in range(2):
        events = event_log(path)
        events("broker.stopped")
        events.close()
    assert len(path.read_text().splitlines()) == 2


def test_a_file_that_cannot_be_written_is_said_once_and_harms_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "events.jsonl"
    path.mkdir()
    events = event_log(path)
    events("broker.starting")
    events("broker.stopped")
    assert len(events.recent) == 2
    assert [r.message for r in caplog.records if r.levelno == logging.WARNING] == [
        f"{path}: no longer writing the trace: Is a directory"
    ]


def test_people_read_one_line(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        event_log()(
            "partition.isr_changed", cause="beef.9", partition="t-0", isr=(2, 3), why="it lags"
        )
    assert caplog.messages == [
        '[cafe.1] partition.isr_changed partition=t-0 isr=[2,3] why="it lags" (because of beef.9)'
    ]


def test_a_line_is_read_back_and_anything_else_is_refused_in_one_line() -> None:
    events = EventLog(3)
    events("broker.stopped", cause=events("broker.starting", listeners=["a"], log_dirs=["b"]))
    starting, stopped = events.recent
    assert [Event.from_json(each.to_json()) for each in (starting, stopped)] == [starting, stopped]
    assert stopped.life == events.life
    # A newer version may tell more.
    assert Event.from_json(json.dumps(stopped.document | {"host": "h"})) == stopped
    for line in ("{}", "[]", "7", '{"id": "a.1"', json.dumps({"id": "a.1"})):
        with pytest.raises(ValueError, match=r"^[^\n]+$"):
            Event.from_json(line)


def test_who_follows_is_told_until_he_stops() -> None:
    class Reader:
        def __init__(self) -> None:
            self.told: list[str] = []

        def tell(self, event: Event) -> None:
            self.told.append(event.id)

    events, reader = event_log(), Reader()
    events("broker.stopped")
    events.readers.add(reader)
    heard = events("broker.stopped")
    events.readers.remove(reader)
    events("session.lost")
    assert reader.told == [heard]


def test_events_are_counted_by_kind() -> None:
    events = event_log()
    for kind in ("session.lost", "broker.stopped", "session.lost"):
        events(kind)
    assert events.counts == {"session.lost": 2, "broker.stopped": 1}
