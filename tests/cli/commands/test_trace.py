"""Traces written by `broker.events`, read back as one story."""

import sys
from pathlib import Path

import attrs
import pytest
from click.testing import CliRunner

from broker.events import Event, EventLog
from cli.commands.trace import trace
from cli.commands.trace_files import (
    Depths,
    Tail,
    forest,
    merged,
    of_kind,
    read_events,
    with_causes,
)
from tests.support.processes import running_program


@attrs.define
class Clock:
    """Seconds, set by the test; the same for wall and monotonic unless it says otherwise."""

    now: float = 1000.0
    skew: float = 0.0

    def wall(self) -> float:
        return self.now + self.skew

    def monotonic(self) -> float:
        return self.now


def broker(number: int, directory: Path, clock: Clock) -> EventLog:
    return EventLog(
        number,
        directory / f"broker-{number}" / "events.jsonl",
        life=f"life{number}",
        wall_clock=clock.wall,
        monotonic_clock=clock.monotonic,
    )


@pytest.fixture
def story(tmp_path: Path) -> list[Path]:
    """Broker 1 loses its session; 2, the controller, elects others; an unrelated topic between."""
    clock = Clock()
    one, two = broker(1, tmp_path, clock), broker(2, tmp_path, clock)
    clock.now = 1001.0
    one("session.lost", session_id="0x1")
    clock.now = 1002.0
    left = two("broker.left", broker=1, broker_epoch=7, bounced=False, controlled_shutdown=False)
    clock.now = 1003.0
    asked = two("topic.created", topic="t", topic_id="x", assignment={0: [2]})
    clock.now = 1004.0
    two("partition.leader_elected", cause=left, partition="a-0", leader=2, isr=[2])
    clock.now = 1005.0
    two("partition.leader_elected", cause=asked, partition="t-0", leader=2, isr=[2])
    for each in (one, two):
        each.close()
    return [tmp_path / "broker-1", tmp_path / "broker-2" / "events.jsonl"]


def invoke(*arguments: str | Path) -> str:
    result = CliRunner().invoke(trace, ["events", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_by_time_or_each_effect_under_its_cause(story: list[Path]) -> None:
    lost = ["broker 1", "session.lost session_id=0x1"]
    left = [
        "broker 2",
        "broker.left broker=1 broker_epoch=7 bounced=false controlled_shutdown=false",
    ]
    left_effect = ["broker 2", "  partition.leader_elected partition=a-0 leader=2 isr=[2]"]
    created = ["broker 2", 'topic.created topic=t topic_id=x assignment={"0":[2]}']
    created_effect = ["broker 2", "  partition.leader_elected partition=t-0 leader=2 isr=[2]"]

    def told(*options: str) -> list[list[str]]:
        return [line.split("  ", 2)[1:] for line in invoke(*story, *options).splitlines()]

    assert told() == [lost, left, created, left_effect, created_effect]
    assert told("--tree") == [lost, left, left_effect, created, created_effect]
    assert invoke(*story).startswith("1970-01-01 00:16:41.000  broker 1")


def test_a_kind_is_shown_with_what_led_to_it(story: list[Path]) -> None:
    kinds = [line.split()[4] for line in invoke(*story, "--kind", "partition").splitlines()]
    assert kinds == [
        "broker.left",
        "topic.created",
        "partition.leader_elected",
        "partition.leader_elected",
    ]
    assert invoke(*story, "--kind", "isr,group") == ""


def test_json(story: list[Path]) -> None:
    assert '"v": 1' in invoke(*story, "-o", "json")
    assert '"kind": "session.lost"' in invoke(*story, "-o", "json")


@pytest.mark.parametrize(
    ("kind", "words", "meant"),
    [
        ("partition.isr_changed", [], True),
        ("partition.isr_changed", ["isr"], True),
        ("partition.isr_changed", ["partition"], True),
        ("partition.isr_changed", ["x", "partition.isr_changed"], True),
        ("partition.isr_changed", ["partition.isr"], False),
        ("controller.elected", ["control"], False),
    ],
)
def test_what_a_kind_is_called(kind: str, words: list[str], meant: bool) -> None:
    assert of_kind(kind, words) is meant


def test_a_wall_clock_that_is_set_back_does_not_reorder_a_life(tmp_path: Path) -> None:
    clock = Clock()
    log = broker(1, tmp_path, clock)
    first = log("controller.elected", epoch=1)
    clock.now, clock.skew = 1001.0, -500.0
    second = log("controller.resigned", epoch=1, why="asked to")
    log.close()
    events, complaints = read_events(tmp_path / "broker-1" / "events.jsonl")
    assert [event.id for event in merged(events)] == [first, second]
    assert complaints == []


def test_rotated_and_torn_files(tmp_path: Path) -> None:
    """The older file comes first; a line that is no event is named, an unfinished one is not."""
    log = broker(1, tmp_path, Clock())
    log.max_file_bytes = 300
    for number in range(3):
        log("controller.elected", epoch=number)
    log.close()
    file = tmp_path / "broker-1" / "events.jsonl"
    assert file.with_name("events.jsonl.1").exists()
    with file.open("a") as stream:
        stream.write('garbage\n{"id": "life1.9", "bro')
    events, complaints = read_events(file)
    assert [event.facts["epoch"] for event in events][-2:] == [1, 2]
    (complaint,) = complaints
    assert "left out" in complaint


def test_a_tail_goes_on_over_a_rotation(tmp_path: Path) -> None:
    log = broker(1, tmp_path, Clock())
    log.max_file_bytes = 300
    log("controller.elected", epoch=0)
    tail = Tail(tmp_path / "broker-1" / "events.jsonl")
    assert tail.new_events() == []
    for number in range(1, 3):
        log("controller.elected", epoch=number)
    assert [event.facts["epoch"] for event in tail.new_events()] == [1, 2]
    assert tail.new_events() == []
    log.close()


def event(number: int, cause: int | None) -> Event:
    return Event(f"a.{number}", 1, number, number, "x", None if cause is None else f"a.{cause}", {})


def test_chains_of_causes() -> None:
    """3 and 5 came of 1, 4 of 3; the cause of 6 is not here."""
    events = [event(1, None), event(2, None), event(3, 1), event(4, 3), event(5, 1), event(6, 99)]
    numbered = [(depth, each.time_ms) for depth, each in forest(events)]
    assert numbered == [(0, 1), (1, 3), (2, 4), (1, 5), (0, 2), (0, 6)]
    depths = Depths()
    assert [depths.add(each) for each in events] == [0, 0, 1, 2, 1, 0]
    assert [each.time_ms for each in with_causes(events, ["x"])] == [1, 2, 3, 4, 5, 6]


def test_depths_forget_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Depths, "MAX_REMEMBERED", 2)
    depths = Depths()
    for number in (1, 2, 3):
        depths.add(event(number, None))
    assert depths.add(event(4, 1)) == 0
    assert depths.add(event(5, 4)) == 1


@pytest.mark.long
def test_following_prints_what_comes_until_ctrl_c(tmp_path: Path) -> None:
    log = broker(1, tmp_path, Clock())
    log("controller.elected", epoch=1)
    command = "from cli.commands.trace import trace; trace()"
    argv = [sys.executable, "-c", command, "events", str(tmp_path / "broker-1"), "--follow"]
    with running_program(argv) as following:
        following.wait_for_line("controller.elected epoch=1")
        log("controller.resigned", epoch=1, why="asked to")
        following.wait_for_line("controller.resigned")
        assert following.interrupt() == 0
    log.close()


def test_without_an_ensemble_the_files_must_be_given(tmp_path: Path) -> None:
    result = CliRunner().invoke(trace, ["events", "--dir", str(tmp_path)])
    assert result.exit_code == 2
    assert "there is no ensemble" in result.stderr


def test_a_trace_that_went_on_in_the_next_log_directory(tmp_path: Path) -> None:
    """The broker was started again after its first one had failed; what is there can't be read
    wholly, and the rest is shown all the same."""
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    clock = Clock()
    for number, path in enumerate((first, second)):
        log = EventLog(1, path / "events.jsonl", f"life{number}", clock.wall, clock.monotonic)
        log("controller.elected", epoch=number)
        log.close()
        clock.now += 1
    (first / "events.jsonl.1").mkdir()
    properties = tmp_path / "broker-1" / "server.properties"
    properties.parent.mkdir()
    properties.write_text(f"log.dirs={first}, {second},{third}\n")
    result = CliRunner().invoke(trace, ["events", "--dir", str(tmp_path)])
    assert result.exit_code == 0
    assert [line.split()[-1] for line in result.stdout.splitlines()] == ["epoch=0", "epoch=1"]
    assert "events.jsonl.1: left out: Is a directory" in result.stderr
    assert Tail(first / "events.jsonl.1").new_events() == []
