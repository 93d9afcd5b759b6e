"""A broker's log: lines for people on a terminal, JSON for programs everywhere else.

    [2026-11-23 02:40:15,123] INFO [9f1c22d0.17] partition.leader_elected partition=t-0 leader=2 ..

    {"time": "2026-11-23T02:40:15.123Z", "level": "INFO", "logger": "broker.events",
     "message": "[9f1c22d0.17] partition.leader_elected partition=t-0 leader=2 ..",
     "event": "9f1c22d0.17", "kind": "partition.leader_elected", "cause": "9f1c22d0.14",
     "facts": {"partition": "t-0", "leader": 2, ...}}

Text is Kafka's default pattern with log4j's levels, so that what reads Kafka's logs reads ours.

Of JSON each line is one object: `time` in UTC, `level`, `logger`, `message`; of an exception the
traceback, as `exception`; and of a line that tells an event of the trace (`broker.events`) that
event, so that who collects logs can follow causes from broker to broker. What ends the process is
an object, too. Only the refusal of a wrong file or command line isn't: who typed it reads it.

Kafka's users say how it logs in the environment of its script (KAFKA_LOG4J_OPTS), not in
server.properties. So it is here: ZBROKER_LOG_FORMAT, or `--log-format`.
"""

import json
import logging
import sys
import time
from enum import StrEnum
from types import TracebackType
from typing import Final, TextIO

from broker.admin.loggers import LEVELS
from broker.events import Event

TEXT: Final = "[%(asctime)s] %(levelname)s %(message)s (%(name)s)"

_log = logging.getLogger("zbroker")


class LogFormat(StrEnum):
    AUTO = "auto"
    TEXT = "text"
    JSON = "json"


class JsonLines(logging.Formatter):
    """One object a line."""

    def format(self, record: logging.LogRecord) -> str:
        seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        told: dict[str, object] = {
            "time": f"{seconds}.{int(record.msecs):03}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        event = record.args[0] if isinstance(record.args, tuple) and record.args else None
        if isinstance(event, Event):
            told |= {"event": event.id, "kind": event.kind, "cause": event.cause}
            told["facts"] = event.facts
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return json.dumps(told)


def log_to(stream: TextIO, log_format: LogFormat) -> LogFormat:
    """All that this process logs from now on; returns what AUTO has become."""
    if log_format is LogFormat.AUTO:
        log_format = LogFormat.TEXT if stream.isatty() else LogFormat.JSON
    for name, level in LEVELS.items():
        logging.addLevelName(level, name)
    handler = logging.StreamHandler(stream)
    as_json = log_format is LogFormat.JSON
    handler.setFormatter(JsonLines() if as_json else logging.Formatter(TEXT))
    logging.root.addHandler(handler)
    logging.root.setLevel(logging.INFO)
    if as_json:
        sys.excepthook = _log_defect
    return log_format


def log_failure(line: str) -> None:
    """Why the broker can't go on."""
    _log.critical("%s", line)


def _log_defect(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    """Instead of Python's bare traceback: a bug, which ends the process."""
    _log.critical("defect: the broker ends", exc_info=(kind, error, traceback))
