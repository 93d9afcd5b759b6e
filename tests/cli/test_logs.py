"""A broker's log: what a line has, and for whom it is."""

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest

from broker.events import EventLog
from cli.logs import JsonLines, LogFormat, log_to


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _loggers_as_before() -> Iterator[None]:
    root, hook, level = logging.root, sys.excepthook, logging.root.level
    handlers = root.handlers[:]
    levels = {number: logging.getLevelName(number) for number in (5, 10, 20, 30, 40, 50)}
    yield
    for handler in set(root.handlers) - set(handlers):
        root.removeHandler(handler)
    root.setLevel(level)
    sys.excepthook = hook
    for number, name in levels.items():
        logging.addLevelName(number, name)


def logged(stream: io.StringIO, log_format: LogFormat = LogFormat.AUTO) -> str:
    log_to(stream, log_format)
    logging.getLogger("broker.some.room").warning("%d of %s", 2, "them")
    return stream.getvalue()


def test_people_read_kafkas_pattern() -> None:
    line = logged(Terminal())
    assert line.endswith("] WARN 2 of them (broker.some.room)\n")
    assert len(line.partition("]")[0]) == len("[2026-11-22 10:45:37,123")


def test_programs_read_an_object() -> None:
    told = json.loads(logged(io.StringIO()))
    assert told.pop("time").endswith("Z")
    assert told == {"level": "WARN", "logger": "broker.some.room", "message": "2 of them"}


def test_one_may_choose() -> None:
    assert logged(Terminal(), LogFormat.JSON).startswith("{")


def test_and_the_other_way() -> None:
    assert logged(io.StringIO(), LogFormat.TEXT).startswith("[")


def test_an_event_comes_with_its_cause() -> None:
    stream = io.StringIO()
    log_to(stream, LogFormat.JSON)
    events = EventLog(1, life="cafe")
    lost = events("session.lost", session_id=7)
    events("controller.resigned", cause=lost, epoch=3)
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert (first["event"], first["kind"], first["cause"]) == ("cafe.1", "session.lost", None)
    assert (second["event"], second["cause"], second["facts"]) == ("cafe.2", "cafe.1", {"epoch": 3})
    assert second["message"] == "[cafe.2] controller.resigned epoch=3 (because of cafe.1)"


def test_a_traceback_stays_in_its_line() -> None:
    stream = io.StringIO()
    log_to(stream, LogFormat.JSON)
    try:
        raise KeyError("a bug")
    except KeyError:
        logging.getLogger("broker").exception("defect: %s", "this")
    [line] = stream.getvalue().splitlines()
    told = json.loads(line)
    assert told["message"] == "defect: this"
    assert told["exception"].startswith("Traceback (most recent call last):\n")
    assert told["exception"].endswith("KeyError: 'a bug'")


def test_the_time_is_in_utc() -> None:
    record = logging.LogRecord("a", logging.INFO, "", 0, "text", None, None)
    record.created, record.msecs = 1_700_000_000.042, 42.0
    assert json.loads(JsonLines().format(record))["time"] == "2023-11-14T22:13:20.042Z"
