"""Times and spans of time as Kafka's tools take them: ISO 8601."""

import re
from datetime import UTC, datetime

import click

# A span without years and months, whose lengths vary (java.time.Duration).
_SPAN = re.compile(
    r"P(?:(?P<days>\d+)D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?",
    re.IGNORECASE,
)
_SECONDS = {"days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}


def parse_datetime(text: str) -> int:
    """`2026-11-22T10:43:12.104`, UTC unless it ends in `Z` or `+01:00`; ms since 1970.

    No record is older than that: a negative time means something else in ListOffsets.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is not a time like 2026-11-22T10:43:12.104", param_hint="--to-datetime"
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0, round(moment.timestamp() * 1000))


def parse_duration(text: str) -> int:
    """`P7D`, `PT1H30M`; milliseconds."""
    matched = _SPAN.fullmatch(text)
    parts = {name: value for name, value in matched.groupdict().items() if value} if matched else {}
    if not parts:
        raise click.BadParameter(
            f"{text!r} is not a duration like P7D or PT1H30M", param_hint="--by-duration"
        )
    return round(1000 * sum(float(value) * _SECONDS[name] for name, value in parts.items()))
