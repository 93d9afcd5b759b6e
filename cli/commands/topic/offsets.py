"""`zbroker-admin topic offsets`: how far each partition reaches, as kafka-get-offsets.sh says it.

    orders:0:17        the offset that the next record will get, or the first one at --time

A partition whose log has no such offset has no line.
"""

import click

from cli.client import Cluster
from cli.client.offsets import At, Found, list_offsets
from cli.client.topics import partitions_of
from cli.commands.options import Target, cluster_options, output_option
from cli.commands.outcomes import fail_for
from cli.commands.output import Answer, Table
from cli.commands.topic.choosing import (
    chosen_topics,
    exclude_internal_option,
    names_options,
    no_match,
)
from coordination.values import TopicPartition

COLUMNS = ("TOPIC", "PARTITION", "OFFSET", "TIMESTAMP", "LEADER-EPOCH")

_WORDS = {at.name.lower().replace("_", "-"): at for at in At}


class Time(click.ParamType[int]):
    """A word of `At`, its number, or milliseconds since 1970."""

    name = "time"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        text = str(value)
        if text in _WORDS:
            return _WORDS[text]
        try:
            number = int(text)
        except ValueError:
            number = min(At) - 1
        if number < min(At):
            words = ", ".join(f"{at.value} or {word}" for word, at in _WORDS.items())
            self.fail(f"{text!r} is neither milliseconds since 1970 nor {words}", param, ctx)
        return number


class Partitions(click.ParamType[frozenset[int]]):
    """`0,2,5`"""

    name = "partitions"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> frozenset[int]:
        if isinstance(value, frozenset):
            return value
        try:
            return frozenset(int(number) for number in str(value).split(","))
        except ValueError:
            self.fail(f"{value!r} is not a list of partitions like 0,2,5", param, ctx)


@click.command("offsets")
@names_options
@click.option("--partitions", type=Partitions(), metavar="0,2,..", help="Only these partitions.")
@click.option(
    "--time",
    type=Time(),
    default="latest",
    show_default=True,
    metavar="WHEN",
    help="latest (-1), earliest (-2), max-timestamp (-3), earliest-local (-4), latest-tiered (-5), "
    "or milliseconds since 1970: the first record that is as young.",
)
@exclude_internal_option
@output_option(repeats=True)
@cluster_options
def command(
    target: Target,
    names: tuple[str, ...],
    pattern: str | None,
    partitions: frozenset[int] | None,
    time: int,
    exclude_internal: bool,
    output: str,
) -> None:
    """Print offsets of topics: where each partition ends, begins, or was at a time.

    The text is that of kafka-get-offsets.sh. Without a name, all topics.

    \b
    Example: zbroker-admin topic offsets orders --time earliest
    """

    async def facts(cluster: Cluster) -> tuple[list[str], dict[TopicPartition, Found]]:
        chosen = await chosen_topics(cluster, names, pattern, exclude_internal=exclude_internal)
        existing = await partitions_of(cluster, chosen)
        wanted = {
            TopicPartition(name, number): time
            for name, numbers in existing.items()
            for number in numbers
            if partitions is None or number in partitions
        }
        return [name for name in chosen if name not in existing], await list_offsets(
            cluster, wanted
        )

    missing, found = target.ask(facts)
    if pattern is not None and not found:
        raise no_match(pattern)
    _answer(found).print_as(output)
    problems = [f"no topic {name!r}" for name in missing]
    problems += [f"{each}: {at.error.name}" for each, at in found.items() if at.error]
    if partitions is not None and not found and not missing:
        problems.append("no such partition")
    fail_for(problems, any_done=any(not at.error for at in found.values()))


def _answer(found: dict[TopicPartition, Found]) -> Answer:
    answered = sorted(
        (each for each, at in found.items() if not at.error),
        key=lambda each: (each.topic, each.partition),
    )
    known = [(each, found[each]) for each in answered if found[each].offset is not None]
    return Answer(
        facts={
            "offsets": [
                {
                    "topic": each.topic,
                    "partition": each.partition,
                    "offset": at.offset,
                    "timestamp_ms": at.timestamp_ms,
                    "leader_epoch": at.leader_epoch,
                    "error": at.error.name if at.error else None,
                }
                for each, at in sorted(
                    found.items(), key=lambda item: (item[0].topic, item[0].partition)
                )
            ]
        },
        text=[f"{each.topic}:{each.partition}:{at.offset}" for each, at in known],
        wide=[
            Table(
                COLUMNS,
                [
                    (each.topic, each.partition, at.offset, at.timestamp_ms, at.leader_epoch)
                    for each, at in known
                ],
            )
        ],
        names=[str(each) for each, _ in known],
    )
