"""Partitions as Kafka's tools take them: `orders` or `orders:0,2`."""

from collections.abc import Sequence

import click


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
