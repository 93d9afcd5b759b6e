"""Partitions and brokers as Kafka's tools take them: `orders:0,2`, one `orders:0`, `1,2,3`."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from coordination.values import TopicPartition

Command = TypeVar("Command", bound=Callable[..., Any])


def parse_topics(texts: Sequence[str], option: str = "--topic") -> dict[str, list[int] | None]:
    """The partitions of each topic; None for all that it has."""
    chosen: dict[str, list[int] | None] = {}
    for text in texts:
        topic, colon, numbers = text.rpartition(":")
        if not colon:
            chosen[text] = None
            continue
        try:
            partitions = [int(number) for number in numbers.split(",")]
        except ValueError:
            partitions = [-1]
        if not topic or min(partitions) < 0:
            raise click.BadParameter(
                f"{text!r} is not TOPIC or TOPIC:0,2,..", param_hint=option
            ) from None
        before = chosen.get(topic, [])
        chosen[topic] = None if before is None else [*before, *partitions]
    return chosen


def partition_options(command: Command) -> Command:
    """Add `TOPIC:N`, or `--topic` and `--partition`; the command gets one `partition`."""

    @functools.wraps(command)
    def with_partition(
        *args: Any, name: str | None, topic: str | None, number: int | None, **kwargs: Any
    ) -> Any:
        if (topic is None) != (number is None):
            raise click.UsageError("--topic and --partition go together")
        if (name is None) == (topic is None):
            raise click.UsageError("give one partition, as TOPIC:N")
        if name is not None:
            (numbers,) = parse_topics([name], "TOPIC:N").values()
            if numbers is None or len(numbers) != 1:
                raise click.UsageError("give one partition, as TOPIC:N")
            partition = TopicPartition(name.rpartition(":")[0], numbers[0])
        else:
            assert topic is not None
            assert number is not None
            partition = TopicPartition(topic, number)
        return command(*args, partition=partition, **kwargs)

    options = [
        click.argument("name", required=False, metavar="[TOPIC:N]"),
        click.option("--topic", metavar="TOPIC", help="The same, as in Kafka's tool."),
        click.option("--partition", "number", type=click.IntRange(min=0), metavar="N"),
    ]
    for option in reversed(options):
        with_partition = option(with_partition)
    return with_partition  # type: ignore[return-value]


def parse_broker_ids(
    _context: click.Context, parameter: click.Parameter, text: str | None
) -> list[int] | None:
    """An option's callback: `1,2,3`, each of them once."""
    if text is None:
        return None
    try:
        ids = [int(each) for each in text.split(",")]
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is not a list of broker ids like 1,2,3", param=parameter
        ) from None
    if len(set(ids)) < len(ids):
        raise click.BadParameter(f"{text!r} names a broker twice", param=parameter)
    return ids
