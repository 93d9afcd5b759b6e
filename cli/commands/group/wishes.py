"""Where to reset offsets to: one of many options, as kafka-consumer-groups.sh has them."""

import functools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from cli.client.offset_reset import ShiftBy, ToCurrent, ToEnd, ToOffset, ToTime, Wish
from cli.client.offsets import At
from cli.commands.group.times import parse_datetime, parse_duration

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = [
    click.option("--to-earliest", is_flag=True, help="To the first record."),
    click.option("--to-latest", is_flag=True, help="Behind the last record."),
    click.option("--to-current", is_flag=True, help="To the committed offset, else as latest."),
    click.option("--to-offset", type=click.IntRange(min=0), metavar="OFFSET"),
    click.option("--shift-by", type=int, metavar="N", help="From the committed offset, or back."),
    click.option("--to-datetime", metavar="TIME", help="As 2026-11-22T10:43:12.104, UTC."),
    click.option("--by-duration", metavar="SPAN", help="So far back from now: P7D, PT1H30M."),
    click.option(
        "--from-file",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        metavar="CSV",
        help="As a plan of --export says, which partitions, too.",
    ),
]


def wish_options(command: Command) -> Command:
    """Add the options; the command gets one `wish`, or the `from_file` and None."""

    @functools.wraps(command)
    def with_wish(
        *args: Any,
        to_earliest: bool,
        to_latest: bool,
        to_current: bool,
        to_offset: int | None,
        shift_by: int | None,
        to_datetime: str | None,
        by_duration: str | None,
        from_file: Path | None,
        **kwargs: Any,
    ) -> Any:
        wishes: list[Wish] = [
            *([ToEnd(At.EARLIEST)] if to_earliest else []),
            *([ToEnd(At.LATEST)] if to_latest else []),
            *([ToCurrent()] if to_current else []),
            *([ToOffset(to_offset)] if to_offset is not None else []),
            *([ShiftBy(shift_by)] if shift_by is not None else []),
            *([ToTime(parse_datetime(to_datetime))] if to_datetime is not None else []),
            *([ToTime(_ago(by_duration))] if by_duration is not None else []),
        ]
        if len(wishes) + (from_file is not None) != 1:
            raise click.UsageError("say where to, in one way: --to-earliest, --to-latest, ..")
        wish = wishes[0] if wishes else None
        return command(*args, wish=wish, from_file=from_file, **kwargs)

    for option in reversed(_OPTIONS):
        with_wish = option(with_wish)
    return with_wish  # type: ignore[return-value]


def _ago(span: str) -> int:
    return max(0, round(time.time() * 1000) - parse_duration(span))
